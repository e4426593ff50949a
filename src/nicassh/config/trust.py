"""Checks that only this user and root can have written a file that nicamon obeys or runs.

A configuration names Python files that are run, and it is also looked for in the current folder. So a folder that
anybody else may write must not be able to provide one.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from nicassh.model.errors import ConfigError, NicamonError

_LINKS = 40
"""Links on the way to a file, as many as Linux follows."""


def require(path: Path, on_purpose: str, error: type[NicamonError] = ConfigError) -> None:
    """Check a file, or a folder with all that is in it, and every folder above it, links included.

    Raises the error where somebody else owns one of them or may write to it. It names the place, and how to take the
    file all the same: `on_purpose`. What does not exist, or cannot be looked at, is left to whoever opens it.
    """
    try:
        fault = next((fault for fault in _faults(path) if fault), "")
    except OSError:
        return
    if fault:
        raise error(f"{path} is not used: {fault}", f"or take it on purpose: {on_purpose}")


def readable_by_others(mode: int, uid: int, gid: int) -> bool:
    """Return whether users other than the owner can read a file of this mode."""
    return bool(mode & stat.S_IROTH) or (bool(mode & stat.S_IRGRP) and not _is_private(uid, gid))


def _faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with each place on the way to a path and below it; "" for a good place."""
    yield from (_fault(*place) for place in _way(path))
    for folder, folders, files in os.walk(path):
        for below in (Path(folder) / name for name in (*folders, *files)):
            # A link and the place to which it leads must both be good.
            yield from (_fault(*place) for place in (_way(below) if below.is_symlink() else [(below, False)]))


def _way(path: Path) -> Iterator[tuple[Path, bool]]:
    """Yield each folder, link and file on the way to a path, and whether it is the folder of the file itself."""
    parts = list(reversed(path.absolute().parts[1:]))
    place, links = Path("/"), 0
    is_file = path.is_file()
    yield place, is_file and len(parts) == 1
    while parts:
        part = parts.pop()
        if part == "..":
            place = place.parent
            continue
        here = place / part
        yield here, is_file and len(parts) == 1
        if not here.is_symlink():
            place = here
            continue
        links += 1
        if links > _LINKS:
            raise OSError
        target = Path(os.readlink(here))  # noqa: PTH115 the words of the link, not a path of ours
        place = Path("/") if target.is_absolute() else place
        parts += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def _fault(place: Path, holds: bool) -> str:
    """Return what is wrong with one place, or "". `holds`: it is the folder in which the file lies."""
    info = place.lstat()
    if info.st_uid not in (0, os.geteuid()):
        return f"{place} belongs to {_name(info.st_uid)}"
    if stat.S_ISLNK(info.st_mode):
        return ""
    mode = stat.S_IMODE(info.st_mode)
    # In a folder such as /tmp nobody can rename what another owns; but anybody can put a file there.
    if mode & stat.S_ISVTX and stat.S_ISDIR(info.st_mode) and not holds:
        return ""
    if mode & stat.S_IWOTH:
        return f"anybody may write {place} (mode {mode:04o}); mend it: chmod go-w {place}"
    if mode & stat.S_IWGRP and not (info.st_uid and _is_private(info.st_uid, info.st_gid)):
        return f"a group may write {place} (mode {mode:04o}); mend it: chmod g-w {place}"
    return ""


def _is_private(uid: int, gid: int) -> bool:
    """Return whether a group has this one user only, as many systems give each user a group."""
    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"
