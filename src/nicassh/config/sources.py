"""What the configuration names: whether it may be used, and what an operator should mend."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nicassh.config import secret, trust
from nicassh.config.settings import Config
from nicassh.model.errors import InventoryError, NicamonError, ProbeError

_KINDS: dict[str, tuple[type[NicamonError], str]] = {
    "inventory": (InventoryError, "FILE"), "probes": (ProbeError, "FOLDER"),
}  # fmt: skip


def trusted(config: Config, name: str, named: bool, environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Return the paths of `inventory` or `probes`. Raises InventoryError or ProbeError where others may write to one.

    What the environment names is taken as it is. So is an inventory that lies beside a configuration that was `named`:
    it is text. Probes are programs that run here, and are looked at wherever they lie.
    """
    paths: tuple[Path, ...] = getattr(config, name)
    variable = f"NICAMON_{name.upper()}"
    if variable in environment:
        return paths
    error, what = _KINDS[name]
    for path in paths:
        beside = named and config.file is not None and path.parent == config.file.parent
        if name == "probes" or not beside:
            trust.require(path, f"{variable}={what}", error)
    return paths


def warnings(config: Config, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return what an operator should be told of the configuration file: that others can read a password in it."""
    file = config.file
    if file is None or "NICAMON_DATABASE" in environment or not secret.has_password(config.database):
        return []
    info = file.stat()
    if not trust.readable_by_others(info.st_mode, info.st_uid, info.st_gid):
        return []
    what = f"{file}: mode {info.st_mode & 0o777:04o} lets others read the password in `database`"
    return [f"{what}; chmod 600 {file}, or put the URL into a `database_file`"]
