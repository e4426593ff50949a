"""Tools that the parsers of probes share.

See also `nicassh.model.notes` for values that cannot be read, and `nicassh.probes.filesystems` for types of file
systems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from nicassh.model.notes import Unreadable

TICKS = 100
"""Clock ticks of /proc in one second: sysconf(SC_CLK_TCK) is 100 on every Linux that a farm runs."""
_ESCAPED = re.compile(r"\\([0-7]{3})")
_UID = re.compile("[0-9]{1,10}")


def require_end(output: str) -> str:
    """Return the output of a script without its last line `end`. Raises Unreadable where that is missing."""
    if not f"\n{output}".endswith("\nend\n"):
        raise Unreadable("the output is cut: its last line is not `end`")
    return output.removesuffix("end\n")


def decode_mount(path: str) -> str:
    r"""Returns a name of /proc/mounts without its octal escapes, for example `\040` for a blank."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), path)


def from_epoch(seconds: float) -> datetime:
    """Return the UTC time of so many seconds after 1970, in whole seconds. Raises Unreadable where there is none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, OSError, ValueError):
        raise Unreadable("no time is so many seconds after 1970") from None


def user_names(lines: Iterable[str]) -> dict[int, str]:
    """Return user ids with their names, from lines of passwd(5). The first of several names wins, as in getpwuid(3).

    Lines that are none of passwd are left out.
    """
    names: dict[int, str] = {}
    for line in lines:
        fields = line.split(":", 3)
        if len(fields) > 2 and _UID.fullmatch(fields[2]):
            names.setdefault(int(fields[2]), fields[0])
    return names
