"""Slow probes and dead nodes do not hold the others up, on the demo farm. tests/bench/fair.py measures it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from program import Program, add_probe

from nicassh import demo
from nicassh.demo.farm import Farm

EVERY = 5
"""Seconds: the period of the quick probe. The real one has 60, and a test has no minutes."""
BEATS = 4
DEAD = ["nc12", "nc13", "nc14", "nc15"]


@contextmanager
def silent(farm: Farm, names: list[str]) -> Iterator[None]:
    """These nodes get what is sent to them and their answers get lost: as with a machine that hangs."""
    farm = demo.up(farm.folder)  # another test may have ended nodes, which have other processes since
    gateway = farm.node(names[0]).address.rpartition(".")[0] + ".1"
    for name in names:
        farm.enter(name, ["ip", "route", "add", "blackhole", gateway])
    try:
        yield
    finally:
        for name in names:
            farm.enter(name, ["ip", "route", "del", "blackhole", gateway])


def pulses(nicamon: Program) -> dict[str, int]:
    """How many times the quick probe was stored, by node."""
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        return dict(database.execute("SELECT node, count(*) FROM pulse_series GROUP BY node").fetchall())


def beating(nicamon: Program, nodes: int) -> None:
    """Waits until so many nodes have given the quick probe's answer some times."""
    end = time.monotonic() + 100
    while sum(number >= BEATS for number in pulses(nicamon).values()) < nodes:
        assert time.monotonic() < end, pulses(nicamon)
        time.sleep(0.5)


def test_a_probe_that_sleeps_everywhere_does_not_hold_a_critical_one_up(farm: Farm, nicamon: Program) -> None:
    add_probe(nicamon, "pulse", "echo 1\n", 5, every=EVERY, priority="critical", keep="series")
    add_probe(nicamon, "nap", "sleep 100; echo 1\n", 120, priority="low")
    nicamon.config.write_text(nicamon.config.read_text() + "timeout = 150\n")
    nicamon("collect", "-p", "pulse")
    with nicamon.running("daemon", "--processes", "2") as collector:
        beating(nicamon, 14)
        naps = nicamon.rows("tasks", "list", "--filter", "argument = nap")
        # Had a critical probe to wait for a nap, it would have come after its end.
        assert [task["finished"] for task in naps] == [None] * 14
        assert any(task["state"] == "running" for task in naps)
        collector.kill()  # the collectors see that they are alone, and nobody waits for the naps


def test_dead_nodes_cost_one_time_out_each(farm: Farm, nicamon: Program) -> None:
    add_probe(nicamon, "pulse", "echo 1\n", 5, every=EVERY, priority="critical", keep="series")
    nicamon.config.write_text(nicamon.config.read_text() + "connect_timeout = 3\n")
    names = {f"{name}.jinr.ru" for name in DEAD}
    nicamon("collect", "-n", "nc2", "-p", "pulse")
    with silent(farm, DEAD), nicamon.running("daemon", "--processes", "2"):
        beating(nicamon, 10)
        tasks = nicamon.rows("tasks", "list", "nc[12-15]")
    assert len(tasks) == 4 * len(nicamon.rows("tasks", "list", "nc3"))
    # In one session each: the critical probes, of which one tries again after a while and all else waits for it.
    tried = [task for task in tasks if task["attempts"]]
    assert {task["node"] for task in tried} == names
    assert {(task["priority"], task["attempts"]) for task in tried} == {("critical", 1)}
    deferred = [task for task in tasks if task["state"] == "deferred"]
    assert {task["node"] for task in deferred} == names
    assert all(task["argument"] == "pulse" and task["failures"] == 1 and task["wait"] < 111 for task in deferred)
    assert all("no answer" in task["error"] for task in deferred)
    assert {task["state"] for task in tasks if task not in deferred} == {"paused"}
    states = {row["node"]: row["state"] for row in nicamon.rows("show", "farm")}
    assert {node for node, state in states.items() if state == "down"} == names
    nicamon("tasks", "retry")
    nicamon("collect")
    assert [row["state"] for row in nicamon.rows("show", "farm")] == ["up"] * 14
    assert nicamon.rows("tasks", "list", "--filter", "state = paused") == []
