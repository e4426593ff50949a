"""What a command printed on many nodes: equal outputs put together, and how outputs differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nicassh.collection.commands import CommandResult
from nicassh.inventory import fold
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Seconds, Text
from nicassh.query.table import Field, Row, Table, computed


@dataclass(frozen=True)
class Gathered:
    """A text that several nodes have alike: the folded set of these nodes, and how many they are."""

    nodes: str
    count: int
    text: str


def gather(texts: Iterable[tuple[str, str]]) -> list[Gathered]:
    """Return each distinct text of pairs of a node and its text, that of the most nodes first."""
    alike: dict[str, list[str]] = {}
    for node, text in texts:
        alike.setdefault(text, []).append(node)
    found = [Gathered(fold(nodes), len(nodes), text) for text, nodes in alike.items()]
    return sorted(found, key=lambda one: -one.count)


def outputs(results: Sequence[CommandResult]) -> list[Gathered]:
    """Return the outputs of the nodes on which the command began."""
    return gather((one.node.name, one.output) for one in results if one.begun)


def complaints(results: Sequence[CommandResult]) -> list[Gathered]:
    """Return what went wrong: what the command printed as errors, then the reasons why it did not end well."""
    said = gather((one.node.name, one.errors) for one in results if one.errors.strip())
    return [*said, *failures(results)]


def failures(results: Sequence[CommandResult]) -> list[Gathered]:
    """Return the reasons why the command did not end well: `unreachable: no route to the host`, `exit status 2`."""
    return gather((one.node.name, _reason(one)) for one in results if not one.is_ok)


def _reason(one: CommandResult) -> str:
    return one.reason if one.status is not None else f"{one.state.replace('_', ' ')}: {one.reason}"


def differences(found: Sequence[Gathered]) -> Iterator[str]:
    """Yield a unified diff of each text against that of the most nodes."""
    for other in found[1:]:
        yield from difflib.unified_diff(
            found[0].text.splitlines(), other.text.splitlines(), _title(found[0]), _title(other), lineterm=""
        )


def _title(one: Gathered) -> str:
    return f"{one.nodes} ({one.count})"


def ran(results: Sequence[CommandResult]) -> Table:
    """Return one row for each node on which a command was run."""
    return Table("run", RAN, tuple(map(_row, results)))


def _row(one: CommandResult) -> Row:
    values = {
        "node": one.node.name, "status": one.status, "state": one.state.value, "reason": one.reason or None,
        "output": one.output if one.begun else None, "error": one.errors if one.begun else None,
        "seconds": one.seconds,
    }  # fmt: skip
    return Row(values, severities={"state": Severity.OK if one.is_ok else Severity.CRITICAL})


RAN = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("status", int, Count, "Exit status of the command; null where it did not end by itself."), 95),
    Field(computed("state", str, Text, "ok; failed; timeout, truncated; or why the node could not be reached."), 90),
    Field(computed("reason", str, Text, "Why it is not ok."), 85, wraps=True),
    Field(computed("output", str, Text, "What the command printed; null where it did not begin."), 80),
    Field(computed("error", str, Text, "What it printed on the stream of errors."), 75),
    Field(computed("seconds", float, Seconds, "How long it took, login included."), 70),
)
