"""The program under a clock that is wrong, or that jumps while it runs (libfaketime)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import needs


def _library() -> str:
    """The library; a test that needs it ends where it is not installed."""
    found = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    if found is None:
        needs.missing("not installed: faketime; as root: make packages")
    return str(found)


def _environment(**values: str) -> dict[str, str]:
    sleeping = str(Path(__file__).parent / "sleeping")
    return {"LD_PRELOAD": _library(), "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": sleeping, **values}


def wrong(by: str) -> dict[str, str]:
    """The environment of a program whose clock is wrong by so much: `+3h`, `-30d`. Its time since boot is true."""
    return _environment(FAKETIME=by)


class Jumping:
    """A clock that a test sets while programs run under it."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set("+0")

    def set(self, by: str) -> None:
        """Sets it: `+2h`, `-30d`."""
        part = self._file.with_suffix(".new")
        part.write_text(f"{by}\n")
        part.rename(self._file)

    @property
    def inside(self) -> Sequence[str]:
        """What a program is begun with so that it has this clock."""
        values = _environment(FAKETIME_TIMESTAMP_FILE=str(self._file), FAKETIME_NO_CACHE="1")
        return ["env", *(f"{name}={value}" for name, value in values.items())]
