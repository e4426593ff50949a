"""Questions over real transports: what each run may know, and what is kept where one ends badly."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from unit_rows import PROBES

from nicassh.collection import run as collect
from nicassh.collection.run import NodeRequest, NodeResult
from nicassh.collector.saving import save
from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.transport import Connections, Limits

HOLD = "kill -9 $ticker; sleep 15"
"""Nothing ends this on the node: our own deadline comes first."""


def failing(name: str, script: str) -> Probe:
    """A probe that runs this script; what it says on stderr is the reason of its outcome where it fails."""
    return replace(next(one for one in PROBES if one.name == "load"), name=name, script=script)


def asked(nodes: Sequence[Node], *probes: Probe) -> list[NodeResult]:
    with Connections(Limits(timeout=20)) as connections:
        return list(collect.collect([NodeRequest(node, probes, None) for node in nodes], connections, {}))


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


def test_each_outcome_has_the_time_at_which_it_was_taken(node: Node) -> None:
    """Not that at which the rest of the session had come to its end."""
    early, slow = failing("early", "exit 77"), failing("slow", "sleep 3; exit 77")
    begin = int(time.time())
    (one,) = asked([node], early, slow)
    first, second = one.outcomes
    assert begin <= first.at.timestamp() <= second.at.timestamp() - 2
    assert second.at <= one.login.at
    assert first.uptime is not None and second.uptime is not None
    assert 0 <= second.uptime - first.uptime < 2, "they began one after the other"


def test_an_answer_that_was_cut_has_the_time_at_which_it_was_taken(node: Node) -> None:
    early, stuck = failing("early", "exit 77"), failing("stuck", "")
    with Connections(Limits(timeout=4)) as connections:
        begin = time.time()
        (one,) = collect.collect([NodeRequest(node, (early, replace(stuck, script=HOLD)), None)], connections, {})
    assert [outcome.state for outcome in one.outcomes] == [State.ABSENT, State.TIMEOUT]
    assert int(begin) <= one.outcomes[0].at.timestamp() <= one.login.at.timestamp() - 2


@pytest.mark.parametrize("uptimes", ["1.00 9999999999.00", "9999999999.00 1.00", "0 0", "soon later"])
def test_what_a_node_says_of_its_clock_leaves_the_session_in_its_own_time(node: Node, uptimes: str) -> None:
    lie = f'printf "%s\\n" "" "$mark exit 77" "" "$mark close liar ok {uptimes}" "$mark begin hidden"'
    begin = int(time.time())
    (one,) = asked([node], failing("early", "exit 77"), failing("liar", lie), failing("late", "exit 77"))
    assert [outcome.state for outcome in one.outcomes] == [State.ABSENT] * 3
    assert all(begin <= outcome.at.timestamp() <= one.login.at.timestamp() for outcome in one.outcomes)


def test_a_busy_process_is_as_busy_as_it_is_whatever_the_session_took(node: Node, tmp_path: Path) -> None:
    """The first session goes on for long after the processes were read, so by our clock the next comes at once."""
    store = Store(f"sqlite:///{tmp_path / 'nicamon.db'}", PROBES)
    store.create()
    processes, slow = (next(one for one in PROBES if one.name == name) for name in ("processes", "load"))
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        seen = []
        for probes in ((processes, replace(slow, script="sleep 5; exit 77")), (processes,)):
            save(store, PROBES, asked([node], *probes))
            seen += store.newest("processes", [node.name], pid=[busy.pid])
            time.sleep(1)
    finally:
        busy.kill()
        busy.wait()
        store.engine.dispose()
    used = seen[1]["time"] - seen[0]["time"]
    assert 0 < seen[1]["cpu_percent"] <= 100 * used / 5
