"""Which probes run on which node, and that each node is asked for its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nicassh.collection import run as collect
from nicassh.collection.run import NodeRequest
from nicassh.inventory import Node
from nicassh.model.errors import UsageError
from nicassh.model.outcome import State
from nicassh.probes import loader as probe
from nicassh.transport import Connections, Limits

PROBES = {item.name: item for item in probe.load_all()}
HERE = Node("here", "localhost", transport="local")
SUBMIT = replace(HERE, name="submit", batch_cluster="nica")


def test_probes_of_heads_are_planned_for_heads_alone() -> None:
    batch, load = PROBES["batch"], PROBES["load"]
    assert batch.where == "batch_cluster"
    assert collect.plan([HERE, SUBMIT], [batch, load]) == [
        NodeRequest(HERE, (load,), None),
        NodeRequest(SUBMIT, (batch, load), None),
    ]
    assert collect.plan([HERE, SUBMIT], [batch]) == [NodeRequest(SUBMIT, (batch,), None)]
    assert collect.plan([], [batch]) == []


def test_plan_for_nobody_says_what_is_missing() -> None:
    with pytest.raises(UsageError, match="batch: none of these nodes answers for a batch cluster"):
        collect.plan([HERE], [PROBES["batch"]])


def test_each_node_runs_its_own_probes() -> None:
    other = replace(HERE, name="other")
    asks = [NodeRequest(HERE, (PROBES["load"],), None), NodeRequest(other, (PROBES["memory"], PROBES["load"]), None)]
    begun: list[str] = []

    def told(ask: NodeRequest) -> None:
        begun.append(ask.node.name)

    with Connections(Limits()) as connections:
        for _ in range(2):
            answers = {answered.node.name: answered for answered in collect.collect(asks, connections, {}, told)}
            assert {name: [outcome.probe for outcome in answers[name].outcomes] for name in answers} == {
                "here": ["load"],
                "other": ["memory", "load"],
            }
            assert all(outcome.state is State.OK for answered in answers.values() for outcome in answered.outcomes)
    assert sorted(begun) == ["here", "here", "other", "other"]
