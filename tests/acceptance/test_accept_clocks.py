"""Clocks that are wrong, and clocks and workers that jump: what is shown, what is kept, and that all is collected."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clocks
import pytest
import servers
from program import Program

from nicassh.demo.farm import Farm

NODES = "nc[2-13]"
PROBES = ("-p", "load", "-p", "memory")


@pytest.fixture
def impatient(nicamon: Program) -> Program:
    """The program on the farm, which waits for no dead node for long."""
    with nicamon.config.open("a") as config:
        config.write("connect_timeout = 3\nmax_load = 100000.0\nload_exponent = 0\nmin_memory = 0\n")
    return nicamon


@contextmanager
def dead(farm: Farm, name: str) -> Iterator[None]:
    """A node that nothing comes back from."""
    gateway = farm.nodes[0].address.rpartition(".")[0] + ".1"
    farm.enter(name, ["ip", "route", "add", "blackhole", gateway])
    try:
        yield
    finally:
        farm.enter(name, ["ip", "route", "del", "blackhole", gateway])


def shown(nicamon: Program) -> list[dict[str, Any]]:
    """The nodes that were asked, as `show farm` has them."""
    return [row for row in nicamon.rows("show", "farm") if row["state"] != "unknown"]


def test_one_collection_with_the_clock_ahead(farm: Farm, impatient: Program) -> None:
    begin = time.time()
    impatient("collect", "-n", NODES, *PROBES, **clocks.wrong("+3h"))
    before = {row["node"]: row for row in shown(impatient)}
    assert {(row["state"], row["age"]) for row in before.values()} == {("stale", None)}, "nobody knows yet"
    assert "seen while the clock was ahead" in impatient("explain", "nc3").stdout
    with dead(farm, "nc3"):
        said = impatient("collect", "-n", NODES, *PROBES, code=1).stderr
    assert "the clock was set back by 2 h 59 m" in said or "the clock was set back by 3 h" in said
    rows = {row["node"]: row for row in shown(impatient)}
    assert rows["nc3.jinr.ru"]["state"] == "down"
    since = time.time() - begin
    assert 0 < rows["nc3.jinr.ru"]["age"] <= since, "its values have their true age"
    assert {row["state"] for name, row in rows.items() if name != "nc3.jinr.ru"} == {"up"}
    assert max(row["age"] for name, row in rows.items() if name != "nc3.jinr.ru") < rows["nc3.jinr.ru"]["age"]
    assert "-" not in impatient("explain", "nc3").stdout.partition("last seen")[2]


def test_a_month_ahead_deletes_nothing(impatient: Program) -> None:
    impatient("collect", "-n", NODES, *PROBES)
    file = impatient.config.parent / "nicamon.db"

    def stored() -> int:
        with sqlite3.connect(file) as database:
            return int(database.execute("SELECT count(*) FROM load_series").fetchone()[0])

    said = impatient("db", "prune", **clocks.wrong("+30d"))
    assert "the clock may be 30 d 0 h ahead" in said.stderr
    assert "nicamon db prune --trust-clock" in said.stderr
    assert stored() == 12
    impatient("collect", "-n", NODES, *PROBES)
    assert stored() == 24, "later answers are stored in their series"
    assert "clock may be" not in impatient("db", "prune").stderr, "it is right again"
    assert "nothing is older" not in impatient("db", "prune", "--trust-clock", **clocks.wrong("+30d")).stdout


def test_two_hosts_on_one_server(farm: Farm, impatient: Program, serving: Callable[[str], servers.Server]) -> None:
    """One is ten minutes ahead: its answers hide nothing of the other's, and both are told."""
    with serving("postgresql").fresh() as url:
        text = impatient.config.read_text().splitlines()
        impatient.config.write_text("\n".join([f'database = "{url}"', *text[1:]]) + "\n")
        said = impatient("collect", "-n", NODES, *PROBES, **clocks.wrong("+10m")).stderr
        assert "10 m 00 s ahead of the database's" in said
        (clock,) = json_clocks(impatient)
        assert abs(clock["ahead"] - 600) < 5
        with dead(farm, "nc3"):
            impatient("collect", "-n", NODES, *PROBES, code=1)
        states = {row["node"]: row["state"] for row in shown(impatient)}
    assert states.pop("nc3.jinr.ru") == "down"
    assert set(states.values()) == {"up"}


def json_clocks(nicamon: Program) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads(nicamon("queue", "--json").stdout)["clocks"]
    return found


def ended(nicamon: Program) -> dict[str, float | None]:
    """When the load of each node was asked last, by the clock of whoever asked."""
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        names = "SELECT node, finished FROM jobs WHERE argument = 'load'"
        return dict(database.execute(names).fetchall())


def collected(nicamon: Program, clock: clocks.Jumping) -> float:
    """Seconds until all nodes have answered anew for their load; fails after a minute."""
    before = ended(nicamon)
    begin = time.monotonic()
    nicamon("queue", "now", "@*", "load", inside=clock.inside)
    while missing := [node for node, moment in ended(nicamon).items() if moment in (None, before[node])]:
        assert time.monotonic() - begin < 60, missing
        time.sleep(0.1)
    return time.monotonic() - begin


def children(pid: int) -> list[int]:
    """The processes that a process has begun."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


@contextmanager
def working(nicamon: Program, clock: clocks.Jumping) -> Iterator[int]:
    """Workers under this clock that have collected all once; at the end SIGTERM ends them within seconds."""
    with nicamon.running("worker", "--processes", "2", "--quiet", inside=clock.inside) as process:
        end = time.monotonic() + 90
        while not (nicamon.config.parent / "nicamon.db").exists() or not ended_all(nicamon):
            assert time.monotonic() < end
            time.sleep(0.2)
        yield process.pid
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert process.wait(30) == 0
        assert time.monotonic() - begin < 15, "it waits for nothing but the nodes that are being asked"


def ended_all(nicamon: Program) -> bool:
    try:
        found = ended(nicamon)
    except sqlite3.OperationalError:  # the tables are being made
        return False
    return bool(found) and None not in found.values()


@pytest.mark.parametrize("jump", ["+2h", "-2h", "+30d", "-30d"])
def test_a_clock_that_jumps_while_workers_work(impatient: Program, tmp_path: Path, jump: str) -> None:
    """All nodes are collected as before, after the jump and after the one back."""
    clock = clocks.Jumping(tmp_path)
    with working(impatient, clock):
        alone = max(collected(impatient, clock) for _ in range(2))
        clock.set(jump)
        jumped = collected(impatient, clock)
        clock.set("+0")
        back = collected(impatient, clock)
        # Two seconds are what they should cost; a machine that is busy with other tests may need more.
        assert max(jumped, back) < 3 * alone + 10, (alone, jumped, back)
        clock_rows = json_clocks(impatient)
        assert len(clock_rows) == 1
    states = {row["state"] for row in impatient.rows("show", "farm")}
    assert states == {"up"}
    ages = [row["age"] for row in impatient.rows("show", "farm")]
    assert all(age is not None and 0 <= age < 120 for age in ages), ages


def test_a_worker_that_was_stopped(impatient: Program, tmp_path: Path) -> None:
    """One of two is stopped for longer than its lease: the other one collects all, and what the first brings is old."""
    with impatient.config.open("a") as config:
        config.write("lease = 3.0\n")
    clock = clocks.Jumping(tmp_path)
    with working(impatient, clock) as pool:
        child = children(pool)[0]
        os.kill(child, signal.SIGSTOP)
        try:
            assert collected(impatient, clock) < 60
            time.sleep(4)  # longer than its lease, which is what is tried
        finally:
            os.kill(child, signal.SIGCONT)
        assert collected(impatient, clock) < 60
