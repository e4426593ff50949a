"""Node sets written out: `rack[1-2]n[7,5]` becomes its names, in the order in which they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, product
from math import prod

from ClusterShell.RangeSet import RangeSet, RangeSetException

MOST = 65536
"""Names that one expression may have: no farm is larger, and a slip of the finger easily is."""

_PIECE = re.compile(r"\[[^\[\]]*\]|,|[^,\[]+|\[")
_BOUNDS = re.compile(r"\s*(-?\d{1,18})\s*(?:-\s*(-?\d{1,18})\s*(?:/\s*(\d{1,18})\s*)?)?")


def expand(expression: str) -> list[str]:
    """Return the names of a node set in the order in which they are written; the leftmost changes slowest.

    ClusterShell itself sorts them and drops what stands twice, so names and addresses would not pair up.
    Raises ValueError for a broken expression and for one of more than MOST names.
    """
    if too_large(expression):
        raise ValueError(f"more than {MOST} names, the most that one expression may have")
    return [name for part in _parts(expression) for name in _names(part)]


def too_large(expression: str) -> bool:
    """Return whether a node set has more than MOST names. Works for any text, as it expands nothing."""
    return sum(prod(_length(piece) for piece in part) for part in _parts(expression)) > MOST


def _parts(expression: str) -> Iterator[list[str]]:
    """Yield `a,nc[7,5]x` as [`a`] and [`nc`, `[7,5]`, `x`]."""
    part: list[str] = []
    for piece in _PIECE.findall(expression):
        if piece == ",":
            yield part
            part = []
        else:
            part.append(piece)
    yield part


def _names(part: list[str]) -> Iterator[str]:
    text = "".join(part)
    if not text.strip():
        return iter(())
    if stray := next((piece for piece in part if not _is_bracket(piece) and set(piece) & set("[]")), ""):
        raise ValueError(f"{text!r} has a bracket without its other half, at {stray!r}")
    choices = [_range(piece) if _is_bracket(piece) else [piece] for piece in part]
    return ("".join(name).strip() for name in product(*choices))


def _range(bracket: str) -> list[str]:
    """Return `[08-10,2]` as 08, 09, 10, 2."""
    numbers: list[str] = []
    for item in bracket[1:-1].split(","):
        try:
            numbers += RangeSet(item).striter()
        except RangeSetException as error:
            raise ValueError(f"{bracket}: {error}") from error
    return numbers


def _length(piece: str) -> int:
    """Return how many words a piece stands for, at most; MOST + 1 for a range with very long numbers."""
    if not _is_bracket(piece):
        return 1
    lengths = 0
    for item in islice(piece[1:-1].split(","), MOST + 1):
        bounds = _BOUNDS.fullmatch(item)
        if not bounds:
            lengths += MOST + 1 if re.search(r"\d{19}", item) else 1
            continue
        first, last, step = (int(number) if number else None for number in bounds.groups())
        lengths += 1 if last is None or first is None else max(1, (last - first) // (step or 1) + 1)
    return lengths


def _is_bracket(piece: str) -> bool:
    return piece.startswith("[") and piece.endswith("]")
