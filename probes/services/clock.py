"""The clock: what sets it, and how far it is off."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .names import TIME
from .rows import Clock, Service
from .sources import Sources

_OWN = re.compile(r"7F7F0101|127\.127\.1\.1\b|00000000")
_OFFSET = re.compile(r"([0-9]{1,10}\.[0-9]{1,12}) seconds")
_STRATUM = re.compile("[0-9]{1,2}")
_PEER = re.compile(
    r"[*o](?P<server>\S++)\s++\S++\s++(?P<stratum>[0-9]{1,2})(?:\s++\S++){5}\s++(?P<offset>[-+]?[0-9]{1,9}(?:\.[0-9]{1,9})?)\s++\S++\s*+"
)


def clock(sources: Sources, services: Iterable[Service]) -> Clock:
    """The Clock, by the one program that was asked."""
    run = [service.service for service in services if service.service in TIME.values()]
    source = next((name for name in TIME.values() if name in run), "none")
    lines = sources.sections.get("clock", [])
    if sources.hidden:
        return Clock(None, None, None, None, sources.time)
    if source == "chrony":
        return _chrony(dict(_pair(line) for line in lines), sources)
    if source == "ntp":
        return _ntp(lines, sources)
    known = "synchronized" in lines if source == "timesyncd" else None
    return Clock(source, known, None, None, sources.time)


def _chrony(facts: dict[str, str], sources: Sources) -> Clock:
    """`chronyc tracking`, the same text in all versions since 1.2x.

    Reference ID    : C0A80101 (192.168.1.1)          before 3.0: `192.168.1.1 (192.168.1.1)`; 7F7F0101 is its own
    Stratum         : 3
    System time     : 0.000012345 seconds slow of NTP time
    Leap status     : Normal                          Insert second, Delete second, Not synchronised
    """
    leap = facts.get("Leap status")
    own = _OWN.match(facts.get("Reference ID", "")) is not None
    right = None if leap is None else leap != "Not synchronised" and not own
    offset = _OFFSET.match(facts.get("System time", ""))
    stratum = facts.get("Stratum", "")
    return Clock(
        "chrony",
        right,
        float(offset[1]) if offset and right else None,
        int(stratum) if right and _STRATUM.fullmatch(stratum) else None,
        sources.time,
    )


def _ntp(lines: list[str], sources: Sources) -> Clock:
    """`ntpq -pn`: `*10.0.0.1  .GPS.  1 u  33  64 377  0.123  -0.456  0.012` is the chosen server; offset in ms.

    Columns: remote refid st t when poll reach delay offset jitter. `o` is chosen by its pulses. Without a list of
    servers nothing is known: the daemon did not answer.
    """
    if not any(line.lstrip().startswith("remote ") for line in lines):
        return Clock("ntp", None, None, None, sources.time)
    for line in lines:
        match = _PEER.fullmatch(line)
        if match and match["server"].startswith("127.127.1."):
            return Clock("ntp", False, None, None, sources.time)  # its own clock, which nothing disciplines
        if match:
            offset = round(abs(float(match["offset"])) / 1000, 9)
            return Clock("ntp", True, offset, int(match["stratum"]) + 1, sources.time)
    return Clock("ntp", False, None, None, sources.time)


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
