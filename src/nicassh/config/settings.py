"""The settings: declared here once, read from a file and the environment, and documented from the declaration."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nicassh.config import secret, trust
from nicassh.config.home import config_folder, state_folder
from nicassh.config.values import KINDS
from nicassh.model.errors import ConfigError
from nicassh.model.zones import find_zone

FILE = "nicamon.toml"
VARIABLE = "NICAMON_CONFIG"


def setting(
    default: Any,
    help: str,  # noqa: A002 the reader's word
    choices: tuple[str, ...] = (),
    least: float | None = None,
    secret: bool = False,
) -> Any:
    """Declare a setting: its default, the sentence that explains it, and the values that it may have.

    A number must be above 0, or at least `least` where that is given. A `secret` setting is not in the repr.
    """
    meta = {"help": help, "choices": choices, "least": least}
    return dataclasses.field(default=default, metadata=meta, repr=not secret)


@dataclass(frozen=True)
class Config:
    """The settings of one run, and the file that they were read from.

    A setting stands in nicamon.toml under its name, or in the environment as `NICAMON_` and its name in capitals. The
    environment wins. Lists in the environment are separated by colons.
    """

    database: str = setting(
        "",
        "URL of the database: sqlite:///…, mariadb://… or postgresql://…, as SQLAlchemy writes them. "
        "Empty: an SQLite file in the user's state folder.",
        secret=True,
    )
    database_file: Path | None = setting(
        None,
        "A file that holds this URL and nothing else, for its owner alone to read (mode 0600). Without either setting "
        "the credential `nicamon-database` of systemd is taken, where the service has one.",
    )
    inventory: tuple[Path, ...] = setting(
        (), "Inventory files, relative to the configuration file. Empty: inventory.toml beside it."
    )
    probes: tuple[Path, ...] = setting((), "Further folders of probes, besides the ones that nicamon brings.")
    fanout: int = setting(32, "How many nodes each collector contacts at the same time.")
    connect_timeout: float = setting(
        10.0, "Seconds until a login must be complete: connection, key exchange, authentication."
    )
    timeout: float = setting(60.0, "Seconds that one node may take altogether, login included.")
    host_keys: str = setting(
        "strict",
        "strict: a node whose host key is not in known_hosts is not contacted. "
        "accept-new: its key is recorded and trusted from then on.",
        ("strict", "accept-new"),
    )
    roots: tuple[str, ...] = setting(
        ("/opt", "/usr/local"),
        "Folders on the nodes under which FairSoft, FairRoot, ROOT, MpdRoot, BmnRoot, Geant4 and modulefiles are "
        "looked for. They may lie on network mounts.",
    )
    units: tuple[str, ...] = setting(
        (),
        "Units of systemd that should run on the nodes, besides the built-in daemons: nslcd.service. "
        "A node that has no unit of that name shows nothing for it.",
    )
    collectors: int = setting(4, "How many collectors may be at work on this machine at the same time.")
    fetch_limit: int = setting(500, "How many due tasks of one class a collector takes at once.")
    sessions: int = setting(
        3, "How many SSH sessions all collectors together may have with one node; the last one is for critical tasks."
    )
    reserved: int = setting(1, "How many collectors critical tasks leave to the other tasks.", least=0)
    lease: float = setting(30.0, "Seconds without a heartbeat after which a collector loses its tasks to others.")
    ceiling: float = setting(
        900.0, "Longest time in seconds between two tries of a failed probe or an unreachable node."
    )
    max_load: float = setting(50.0, "Load average of this machine at which its collectors rest.")
    load_exponent: float = setting(
        3.0, "How steeply the number of collectors falls as the load approaches max_load; 0: not at all.", least=0
    )
    min_memory: int = setting(64, "MiB of available memory of this machine below which its collectors rest.", least=0)
    keep_raw: float = setting(3.0, "Days for which each measured value is kept as it came.")
    keep_5m: float = setting(
        30.0, "Days for which measurements are kept as count, mean, minimum and maximum of five minutes."
    )
    keep_1h: float = setting(400.0, "The same of an hour.")
    keep_1d: float = setting(3650.0, "The same of a day.")
    keep_intervals: float = setting(
        3650.0, "Days for which old states and inventories are kept, each with its first and last time."
    )
    forget_nodes_after: float = setting(
        7.0,
        "Days after which a node that left the inventory also leaves the tables of newest values; its history stays.",
    )
    stale: float = setting(900.0, "Seconds after which a value is shown as stale.")
    timezone: str = setting(
        "",
        "Time zone of the times in tables, and of those that are typed: an IANA name such as Europe/Moscow. "
        "Empty: that of the system, or of the variable TZ.",
    )
    file: Path | None = None

    @cached_property
    def zone(self) -> tzinfo:
        """Return the time zone of the reader. Raises ConfigError for a name that no zone has."""
        try:
            return find_zone(self.timezone)
        except ValueError as error:
            raise ConfigError(f"timezone: {error}", "see: timedatectl list-timezones") from None

    @cached_property
    def database_url(self) -> str:
        """Return the URL of the database, set or default. Raises ConfigError where there is no place for one."""
        url = self.database or secret.read(self.database_file)
        if url:
            return url
        folder = state_folder("nicamon")
        if folder is None:
            what = "there is no place for the database: this user has no home folder"
            raise ConfigError(what, "set `database`: NICAMON_DATABASE=sqlite:////var/lib/nicamon/nicamon.db; or HOME")
        # In a URL a `?` begins the settings, and `%` an escape.
        return f"sqlite:///{quote(str(folder / 'nicamon.db'))}"


SETTINGS = {field.name: field for field in dataclasses.fields(Config) if field.metadata}
_TIERS = ("keep_raw", "keep_5m", "keep_1h", "keep_1d")
_EITHER = ("database", "database_file")
"""Two settings for the same thing. One of them in the environment wins over both in the file."""
_TYPES = typing.get_type_hints(Config)


def load(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration from a file, or from the first of the usual places that has one.

    Raises ConfigError that names the file or variable, and the key.
    """
    named = is_named(file, environment)
    file = find(file, environment)
    if file and not named:
        trust.require(file, f"--config {file}")
    values = _from_file(file) if file else {}
    given = {name for name in SETTINGS if f"NICAMON_{name.upper()}" in environment}
    if not given.isdisjoint(_EITHER):
        values = {name: value for name, value in values.items() if name not in _EITHER}
    for name in given:
        variable = f"NICAMON_{name.upper()}"
        values[name] = _from_text(name, environment[variable], variable)
    if file and "inventory" not in values and (file.parent / "inventory.toml").is_file():
        values["inventory"] = (file.parent / "inventory.toml",)
    _check_order({name: values.get(name, SETTINGS[name].default) for name in _TIERS})
    if all(values.get(name) for name in _EITHER):
        raise ConfigError(f"both settings {' and '.join(_EITHER)} are there", "leave one of them out")
    return Config(**values, file=file)


def _check_order(days: Mapping[str, float]) -> None:
    """Raise ConfigError where a coarse tier would be deleted before the finer one that it is made of."""
    for fine, coarse in pairwise(_TIERS):
        if days[coarse] < days[fine]:
            what = f"{coarse} = {days[coarse]:g} must not be less than {fine} = {days[fine]:g}"
            raise ConfigError(what, "a series grows coarser as it grows old")


def find(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the configuration file, or None. Raises ConfigError where one was named and is missing."""
    named = file or (Path(environment[VARIABLE]) if environment.get(VARIABLE) else None)
    if named:
        if not named.is_file():
            raise ConfigError(f"{named}: no such file", f"given by {'--config' if file else VARIABLE}")
        return named.absolute()
    return next((place.absolute() for place in places() if place.is_file()), None)


def is_named(file: Path | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether a configuration was named: by --config, or by NICAMON_CONFIG."""
    return file is not None or bool(environment.get(VARIABLE))


def places() -> list[Path]:
    """Return the places where a configuration is looked for, in this order."""
    own = config_folder("nicamon")
    return [Path(FILE), *([own / FILE] if own else []), Path("/etc/nicamon") / FILE]


def _from_file(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from error
    for key in document:
        if key not in SETTINGS:
            near = difflib.get_close_matches(key, SETTINGS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(SETTINGS)}"
            raise ConfigError(f"{file}: unknown setting {key!r}", hint)
    return {key: _checked(key, value, f"{file}: {key}", file.parent) for key, value in document.items()}


def _from_text(name: str, text: str, variable: str) -> Any:
    """Return a setting from the environment. Raises ConfigError."""
    return _checked(name, KINDS[_TYPES[name]].from_text(text, variable), variable, Path.cwd())


def _checked(name: str, value: Any, where: str, folder: Path) -> Any:
    """Return a setting of the type that is declared for it. Raises ConfigError where the value cannot be one."""
    kind, rules = KINDS[_TYPES[name]], SETTINGS[name].metadata
    if not kind.is_valid(value):
        # What stands there instead of the URL may contain its password.
        shown = "" if name in _EITHER and isinstance(value, list | dict) else f"= {value!r} "
        raise ConfigError(f"{where} {shown}must be {kind.words}")
    least = rules["least"]
    if isinstance(value, int | float) and not (0 < value < 1e9 or (least is not None and least <= value <= 0)):
        raise ConfigError(f"{where} = {value!r} must be {'above 0' if least is None else f'{least:g} or more'}")
    if rules["choices"] and value not in rules["choices"]:
        raise ConfigError(f"{where} = {value!r} must be one of: {', '.join(rules['choices'])}")
    return kind.convert(value, where, folder)
