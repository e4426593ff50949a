"""Slow probes and dead nodes do not hold the others up: workers on the demo farm."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from program import Program, add_probe

from nicassh.demo.farm import Farm

EVERY = 5
"""Seconds: the period of the quick probe. The real one has 60, and a test has no minutes."""


@contextmanager
def silent(farm: Farm, names: list[str]) -> Iterator[None]:
    """These nodes get what is sent to them and their answers get lost: as with a machine that hangs."""
    gateway = farm.node(names[0]).address.rpartition(".")[0] + ".1"
    for name in names:
        farm.enter(name, ["ip", "route", "add", "blackhole", gateway])
    try:
        yield
    finally:
        for name in names:
            farm.enter(name, ["ip", "route", "del", "blackhole", gateway])


def query(nicamon: Program, text: str) -> list[tuple[object, ...]]:
    """Rows of the database."""
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        return database.execute(text).fetchall()


def test_a_probe_that_sleeps_everywhere_does_not_delay_a_critical_one(farm: Farm, nicamon: Program) -> None:
    add_probe(nicamon, "pulse", "echo 1\n", 5, every=EVERY, priority="critical", keep="series")
    add_probe(nicamon, "nap", "sleep 20; echo 1\n", 40, every=EVERY, priority="low")
    with nicamon.running("worker", "--processes", "2"):
        time.sleep(33)
        held = nicamon.rows("queue", "--filter", "priority = low")[0]
    assert held["running"] == 14, "the sleepers are at it all the time"
    for name in (node.name for node in farm.nodes):
        moments = [row[0] for row in query(nicamon, f"SELECT at FROM pulse_series WHERE node = '{name}' ORDER BY at")]
        assert len(moments) >= 5
        # The first one ran when the program began, the others are due at whole multiples of the period.
        assert all(moment % EVERY <= 2 for moment in moments[1:]), f"{name}: {moments}"
        assert all(later - one <= EVERY + 2 for one, later in pairwise(moments))


def test_dead_nodes_cost_one_time_out_each(farm: Farm, nicamon: Program) -> None:
    add_probe(nicamon, "pulse", "echo 1\n", 5, every=EVERY, priority="critical", keep="series")
    nicamon.config.write_text(nicamon.config.read_text() + "connect_timeout = 3\n")
    dead = ["nc12", "nc13", "nc14", "nc15"]
    with silent(farm, dead), nicamon.running("worker", "--processes", "2"):
        time.sleep(25)
        jobs = nicamon.rows("queue", "jobs", "nc[12-15]")
    assert len(jobs) == 4 * len(nicamon.rows("queue", "jobs", "nc3"))
    tried = [job for job in jobs if job["attempts"]]
    assert {job["node"] for job in tried} == {f"{name}.jinr.ru" for name in dead}
    # In one session each: the critical probes, of which one tries again after a while and all else waits for it.
    assert {job["attempts"] for job in tried} == {1}
    deferred = [job for job in jobs if job["state"] == "deferred"]
    assert [job["argument"] for job in deferred] == ["pulse"] * 4
    assert all(50 < job["wait"] < 111 and "no answer" in job["error"] for job in deferred)
    assert {job["state"] for job in jobs if job not in deferred} == {"paused"}
    states = {row["node"]: row["state"] for row in nicamon.rows("show", "farm")}
    assert [states[f"{name}.jinr.ru"] for name in dead] == ["down"] * 4
    beats = dict(query(nicamon, "SELECT node, count(*) FROM pulse_series GROUP BY node"))
    assert len(beats) == 10 and all(int(str(number)) >= 4 for number in beats.values())
    nicamon("queue", "retry")
    nicamon("collect")
    assert [row["state"] for row in nicamon.rows("show", "farm")] == ["up"] * 14
    assert nicamon.rows("queue", "jobs", "--filter", "state = paused") == []
