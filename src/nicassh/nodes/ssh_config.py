"""Honouring ~/.ssh/config, read with paramiko."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from nicassh.errors import ConfigError
from nicassh.nodes.node import Node

if TYPE_CHECKING:
    from paramiko.config import SSHConfig, SSHConfigDict

_DEEPEST = 16
_CRITERIA = {"all", "canonical", "final", "exec", "host", "originalhost", "user", "localuser"}
_WAY_OUT = 'or set ssh_config = "none" in the inventory'
_UNSUPPORTED = {"proxyjump": "ProxyJump", "proxycommand": "ProxyCommand"}


def honour(node: Node, file: Path | None) -> Node:
    """The node with what its inventory leaves open (port 0, no user, …) taken from an ssh_config file.

    The inventory wins, then the file, then OpenSSH's defaults. Raises ConfigError for a broken file.
    """
    if node.transport == "local":
        return replace(node, address="")  # it is not reached over a network
    options = _lookup(file, node.name) if file else None
    if options is None:
        return replace(node, address=node.address or node.name, port=node.port or 22)
    identity = node.identity or tuple(Path(path) for path in options.get("identityfile", []))
    port = options.get("port", "22")
    if not node.port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigError(f"{file}: Port {port} of host {node.name} is not between 1 and 65535")
    return replace(
        node,
        address=node.address or options.get("hostname", node.name),
        port=node.port or int(port),
        user=node.user or options.get("user"),
        identity=identity,
        connect_timeout=_seconds(options.get("connecttimeout", "none")),
        identities_only=str(options.get("identitiesonly", "no")).lower() == "yes",
        needs=_needs(options),
    )


def _seconds(text: str) -> float | None:
    """A time as ssh_config(5) writes it: `30`, `1m30s`; None for `none` and for what is no time."""
    if not re.fullmatch(r"(?:\d+[smhdw]?)+", text):
        return None
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhdw]?)", text))) or None


def _needs(options: SSHConfigDict) -> str:
    """Which option only the system's own ssh can follow."""
    for key, name in _UNSUPPORTED.items():
        if str(options.get(key) or "none").lower() != "none":
            return name
    gssapi = str(options.get("gssapiauthentication", "no")).lower()
    return "GSSAPIAuthentication" if gssapi == "yes" else ""


def _lookup(file: Path, name: str) -> SSHConfigDict | None:
    config = _parse(file)
    if config is None:
        return None
    from paramiko.ssh_exception import CouldNotCanonicalize

    try:
        return config.lookup(name)
    except CouldNotCanonicalize as error:
        raise ConfigError(f"{file}: CanonicalizeHostname: {error}", _WAY_OUT) from error


def _lines(file: Path, depth: int) -> Iterator[str]:
    """The lines of a file with those of the files that it includes, which paramiko does not read.

    Raises ConfigError for what cannot be judged here: a criterion of Match would hold for every host.
    """
    if depth > _DEEPEST:
        raise ConfigError(f"{file}: Include goes deeper than {_DEEPEST} files")
    for line in file.read_text(encoding="utf-8").splitlines():
        keyword, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if keyword.lower() == "include":
            for pattern in shlex.split(rest):
                place = Path("~/.ssh").expanduser() / Path(pattern).expanduser()
                for found in sorted(glob(str(place))):  # noqa: PTH207 the pattern may be absolute
                    yield from _lines(Path(found), depth + 1)
            continue
        if keyword.lower() == "match":
            unknown = {word.lower().lstrip("!") for word in rest.split()[::2]} - _CRITERIA
            if unknown and not rest.lower().lstrip().startswith(("all", "canonical", "final")):
                raise ConfigError(f"{file}: Match {rest.strip()}: {min(unknown)!r} cannot be judged here", _WAY_OUT)
        yield line


@cache
def _parse(file: Path) -> SSHConfig | None:
    """The parsed file, or None where there is none (importing paramiko costs 0.1 s, so only then)."""
    if not file.is_file():
        return None
    from paramiko.config import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    try:
        return SSHConfig.from_text("\n".join(_lines(file, 0)))
    except (ConfigParseError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}", _WAY_OUT) from error
