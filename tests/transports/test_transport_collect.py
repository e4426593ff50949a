"""Questions over real transports: what each run may know, and what is kept where one ends badly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit_rows import PROBES

from nicassh import collect
from nicassh.collect import Answered, Ask
from nicassh.nodes import Node
from nicassh.probe import Probe
from nicassh.state import State
from nicassh.transport import Connections, Limits


def failing(name: str, script: str) -> Probe:
    """A probe that runs this script; what it says on stderr is the reason of its outcome where it fails."""
    return replace(next(one for one in PROBES if one.name == "load"), name=name, script=script)


def asked(nodes: Sequence[Node], *probes: Probe) -> list[Answered]:
    with Connections(Limits(timeout=20)) as connections:
        return list(collect.ask([Ask(node, probes) for node in nodes], connections, {}))


def test_each_run_on_each_node_has_a_mark_of_its_own(node: Node) -> None:
    """Who reads it on one node can forge nothing on another, nor in the next run."""
    nodes = [replace(node, name=name) for name in ("nc2", "nc3", "nc4")]
    spy = failing("spy", 'echo "$mark" >&2; exit 1')
    marks = [outcome.reason for _ in range(2) for one in asked(nodes, spy) for outcome in one.outcomes]
    assert len(set(marks)) == 6
    assert all(mark.startswith("nicamon-") for mark in marks)


@pytest.mark.parametrize("script", ["kill -9 $$", "kill -9 $$; while :; do echo endless; done"])
def test_what_came_whole_before_the_script_was_killed_is_kept(node: Node, script: str) -> None:
    good, odd, never = failing("good", "exit 77"), failing("odd", script), failing("never", "exit 77")
    (one,) = asked([node], good, odd, never)
    assert [outcome.state for outcome in one.outcomes] == [State.ABSENT, State.TRUNCATED, State.TRUNCATED]
