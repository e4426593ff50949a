"""What a person sees while nodes are asked, and the failures afterwards, folded."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from nicassh.collect import Answered
from nicassh.nodes import fold
from nicassh.probe import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """A bar on a terminal that counts answered, running and failed nodes; nothing elsewhere."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.answered, self.failed, self._begun = total, 0, 0, 0
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
                TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[counts]}"),
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

    def started(self, _name: str) -> None:
        """A node's turn has come."""
        self._begun += 1
        self._update()

    def arrived(self, well: bool) -> None:
        """A node has answered, or failed to."""
        self.answered += 1
        self.failed += not well
        self._update()

    def summary(self, interrupted: bool) -> None:
        """One line on a terminal after all nodes, or after an interruption."""
        if not self._shown and not interrupted:
            return
        seconds = time.monotonic() - self._start
        failed = f", {self.failed} with failures" if self.failed else ""
        cut = "interrupted: what had arrived is stored; " if interrupted else ""
        click.echo(f"{cut}{self.answered} of {self.total} nodes in {seconds:.1f} s{failed}", err=True)

    def _update(self) -> None:
        if self._bar:
            running = self._begun - self.answered
            self._bar.update(self._task, completed=self.answered, counts=f"{running} running, {self.failed} failed")


def failures(answers: Iterable[Answered]) -> list[str]:
    """What failed, nodes that failed alike on one line: `nc[3,7-9].jinr.ru: refused: …`."""
    alike: dict[str, list[str]] = {}
    for answered in answers:
        for outcome in _failed(answered):
            prefix = "" if outcome is answered.login else f"{outcome.probe}: "
            state = outcome.state.replace("_", " ")
            alike.setdefault(f"{prefix}{state}: {outcome.reason}", []).append(outcome.node)
    return [f"{fold(names)}: {words}" for words, names in alike.items()]


def _failed(answered: Answered) -> list[Outcome]:
    """The node's own failure, and those of its probes that are not the same thing again."""
    own = [] if answered.login.state.well else [answered.login]
    said = {(outcome.state, outcome.reason) for outcome in own}
    return own + [o for o in answered.outcomes if not o.state.well and (o.state, o.reason) not in said]
