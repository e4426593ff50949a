"""`collect` as cron calls it: it goes on until nothing is due."""

from __future__ import annotations

import pytest
from program import Program


@pytest.mark.parametrize("sessions", [1, 2, 3])
def test_one_collect_of_a_new_farm_runs_every_probe_on_every_node(nicamon: Program, sessions: int) -> None:
    """Also where the first two classes have all the sessions that a node may have."""
    nicamon("collect", NICAMON_SESSIONS=str(sessions))
    outcomes = {(row["node"], row["probe"]) for row in nicamon.rows("show", "outcomes")}
    tasks = {(row["node"], row["argument"]) for row in nicamon.rows("tasks", "list") if row["node"]}
    assert len({node for node, _ in tasks}) == 14
    assert tasks <= outcomes
