"""Show a person how far a run over many nodes is, and afterwards what failed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import click

from nicassh.collection.run import NodeResult
from nicassh.inventory import Node, fold
from nicassh.model.outcome import Outcome
from nicassh.model.units import counted

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class _Asked(Protocol):
    """A node whose turn has come."""

    @property
    def node(self) -> Node: ...


class _Answered(_Asked, Protocol):
    """A node that has answered, or failed to."""

    @property
    def is_ok(self) -> bool: ...


class Progress:
    """A bar on a terminal that counts answered, running and failed nodes; nothing elsewhere.

    `doing` is the word in front of the bar, `note` what the summary says where no node was asked.
    """

    def __init__(self, total: int, shown: bool, doing: str = "asking") -> None:
        self.total, self.doing, self.note = total, doing, ""
        self._running: Counter[str] = Counter()
        self._failed: set[str] = set()
        self._start = time.monotonic()
        self._shown = shown
        self._bar: Bar | None = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self._shown:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            from nicassh.cli.output import terminal_console

            console = terminal_console(stderr=True)
            self._bar = Bar(
                TextColumn(self.doing), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[counts]}"),
                TimeElapsedColumn(), console=console, transient=True,
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task("", total=self.total, counts="")
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def started(self, request: _Asked) -> None:
        """Count a node whose turn has come, perhaps once more."""
        self._running[request.node.name] += 1
        self._update()

    def arrived(self, result: _Answered) -> None:
        """Count a node that has answered, or failed to."""
        name = result.node.name
        self._running[name] -= 1
        if not result.is_ok:
            self._failed.add(name)
        self._update()

    @property
    def _done(self) -> int:
        """Return how many nodes have answered everything that they were asked."""
        return sum(not number for number in self._running.values())

    def summary(self, interrupted: bool) -> None:
        """Print one line on a terminal after all nodes, or anywhere after an interruption."""
        if not self._shown and not interrupted:
            return
        seconds = time.monotonic() - self._start
        failed = f", {len(self._failed)} with failures" if self._failed else ""
        cut = "interrupted: what had arrived is stored; " if interrupted else ""
        done = self.note or f"{self._done} of {counted(self.total, 'node')} in {seconds:.1f} s{failed}"
        click.echo(f"{cut}{done}", err=True)

    def _update(self) -> None:
        if self._bar:
            running = [name for name, number in self._running.items() if number]
            names = f" ({fold(running)})" if 0 < len(running) <= _NAMED else ""
            counts = f"{len(running)} running{names}, {len(self._failed)} failed"
            self._bar.update(self._task, completed=self._done, total=self.total, counts=counts)


_NAMED = 5
"""Nodes that are still running and can be named beside the bar."""


def failures(results: Iterable[NodeResult[Any]]) -> list[str]:
    """Say what failed, with one line for all nodes that failed alike: `nc[3,7-9].jinr.ru: refused: …`."""
    alike: dict[str, list[str]] = {}
    for result in results:
        for outcome in _failed(result):
            prefix = "" if outcome is result.login else f"{outcome.probe}: "
            state = outcome.state.replace("_", " ")
            alike.setdefault(f"{prefix}{state}: {outcome.reason}", []).append(outcome.node)
    return [f"{fold(names)}: {words}" for words, names in alike.items()]


def _failed(result: NodeResult[Any]) -> list[Outcome]:
    """Return the node's own outcome if it failed, and those of its probes that say something else."""
    own = [] if result.login.state.is_ok else [result.login]
    said = {(outcome.state, outcome.reason) for outcome in own}
    return own + [o for o in result.outcomes if not o.state.is_ok and (o.state, o.reason) not in said]
