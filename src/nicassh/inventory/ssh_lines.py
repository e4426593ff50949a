"""The lines of ssh_config files, with those of the files that they include. What they mean: `ssh_options`."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from functools import lru_cache
from glob import glob
from pathlib import Path

_DEEPEST = 16
_KEYWORD = re.compile(r'[ \t]*"?([^\s"=#]+)"?[ \t]*=?[ \t]*(.*)', re.DOTALL)
_WORD = re.compile(r"""[ \t]*((?:[^ \t"'\\]|\\.|\\$|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+)""", re.DOTALL)
_PIECE = re.compile(r"""\\(['"\\ ])|(\\)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^"'\\]+)""", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One line: its keyword in lower case, the text behind it, and that text as words without quotes.

    `place` is the file and the number. `problem` says why the words cannot be known, or is "". An Include
    has the lines of each file that it names.
    """

    place: str
    keyword: str
    rest: str
    words: tuple[str, ...] = ()
    problem: str = ""
    included: tuple[tuple[Line, ...], ...] = ()


def lines_of(file: Path, everyone: bool) -> tuple[Line, ...]:
    """Return all lines of a file; none where there is no such file. Never raises: errors are lines, too.

    A file that others than its owner may write is not used, unless it is named on purpose (`everyone`).
    """
    try:
        status = file.stat()
        return _kept(file, everyone, (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        return (_failed(file, error.strerror or str(error)),)


@lru_cache(maxsize=64)
def _kept(file: Path, everyone: bool, _stamp: tuple[int, ...]) -> tuple[Line, ...]:
    return _read(file, everyone, ())


def _read(file: Path, everyone: bool, outer: tuple[Path, ...]) -> tuple[Line, ...]:
    """Return the lines of a file that was reached through these others."""
    if file in outer or len(outer) > _DEEPEST:
        return (_failed(file, f"Include goes deeper than {_DEEPEST} files, or in a circle"),)
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode) or file.samefile(os.devnull):
            return ()
        if not stat.S_ISREG(status.st_mode):
            return (_failed(file, "it is no ordinary file"),)
        if not everyone and (status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022):
            return (_failed(file, "it belongs to another user, or others may write it: ssh refuses such a file"),)
        text = file.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        return (_failed(file, error.strerror or str(error)),)
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        parts = _KEYWORD.fullmatch(line.rstrip(" \t\r\n\f"))
        if parts:
            found.append(_line(f"{file}, line {number}", parts[1].lower(), parts[2], (*outer, file)))
    return tuple(found)


def _line(place: str, keyword: str, rest: str, files: tuple[Path, ...]) -> Line:
    words = split(rest)
    if words is None and keyword in ("include", "host"):
        words = tuple(rest.split())  # a quote in a name is a part of it
    problem = "its quotes do not close" if words is None else "" if words else "nothing stands behind the keyword"
    included: list[tuple[Line, ...]] = []
    if keyword == "include" and words:
        for pattern in words:
            place_of = Path(_home("~/.ssh")) / _home(os.path.expandvars(pattern))
            included += [_read(Path(name), False, files) for name in sorted(glob(str(place_of)))]  # noqa: PTH207
    return Line(place, keyword, rest, words or (), problem, tuple(included))


def _home(path: str) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 pathlib raises for a user without a home


def split(text: str) -> tuple[str, ...] | None:
    """Return the words of a line, up to a comment; None where a quote does not close."""
    words: list[str] = []
    at = 0
    while at < len(text.rstrip()) and not text[at:].lstrip(" \t").startswith("#"):
        found = _WORD.match(text, at)
        if found is None:
            return None
        words.append(_plain(found[1]))
        at = found.end()
    return tuple(words)


def _plain(word: str) -> str:
    """Return a word without its quotes and backslashes."""
    plain = ""
    for escaped, slash, double, single, bare in _PIECE.findall(word):
        plain += escaped + slash + re.sub(r"""\\(['"\\])""", r"\1", double or single) + bare
    return plain


def _failed(file: Path, why: str) -> Line:
    return Line(str(file), "", "", problem=why)
