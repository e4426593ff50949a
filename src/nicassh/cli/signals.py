"""Signals that interrupt a command, so that it can end in order."""

from __future__ import annotations

import signal
from typing import Any

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


def interrupt_once() -> None:
    """Let Ctrl-C and SIGTERM raise KeyboardInterrupt, also where the command was started in the background.

    The first one alone does: a second must not undo what the first one saves.
    """
    for number in _NUMBERS:
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: Any) -> None:
    for number in _NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
