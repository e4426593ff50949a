"""The time zone in which times are drawn for a person, and in which a person types them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

_ZONE: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
_LOCAL = Path("/etc/localtime")


def zone() -> tzinfo:
    """Return the time zone in force."""
    return _ZONE.get()


@contextmanager
def using_zone(chosen: tzinfo) -> Iterator[None]:
    """Have a time zone in force, in this thread or task alone. A face does it around all that it asks and draws."""
    token = _ZONE.set(chosen)
    try:
        yield
    finally:
        _ZONE.reset(token)


def zone_name() -> str:
    """Return the name of the zone in force: `Europe/Moscow`; its abbreviation where it has no name."""
    found = zone()
    return getattr(found, "key", None) or datetime.now(found).strftime("%Z")


def find_zone(name: str) -> tzinfo:
    """Return the time zone of an IANA name; with an empty name that of the system. Raises ValueError."""
    if not name:
        return _system_zone()
    if name.upper() in ("UTC", "ETC/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; a time zone has a name such as Europe/Moscow") from error


def _system_zone() -> tzinfo:
    """Return the zone of the variable TZ, or else of /etc/localtime; UTC where there is none."""
    named = os.environ.get("TZ")
    if named is not None:
        return _of_variable(named.removeprefix(":"))
    try:
        place = _LOCAL.resolve(strict=True)
        if "zoneinfo" in place.parts:
            return find_zone("/".join(place.parts[place.parts.index("zoneinfo") + 1 :]))
        with place.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (ValueError, OSError):
        return UTC


def _of_variable(text: str) -> tzinfo:
    """Return the zone of a value of TZ. A rule such as `MSK-3` gives the offset of now, for zoneinfo reads no rules."""
    try:
        if text.startswith("/"):
            with Path(text).open("rb") as file:
                return ZoneInfo.from_file(file)
        return find_zone(text) if text else UTC
    except (ValueError, OSError):
        return datetime.now().astimezone().tzinfo or UTC
