"""The screen of `--watch`: pictures that are drawn over each other, and leave no trace behind."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def alternate_screen() -> Iterator[None]:
    """Draw on the second screen of the terminal, without a cursor. In the end the first one is as it was.

    SIGTERM ends it in the same way as Ctrl-C: a terminal must not be left on the second screen.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.stdout.write("\x1b[?1049h\x1b[?25l")
    try:
        yield
    finally:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, before)


def repaint(lines: Sequence[str]) -> None:
    """Draw over the last picture in one write, each line cleared to its end, so that it does not flicker."""
    picture = "".join(f"{line}\x1b[K\n" for line in lines)
    sys.stdout.write(f"\x1b[H{picture}\x1b[J")
    sys.stdout.flush()
