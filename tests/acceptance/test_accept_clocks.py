"""Clocks that are wrong, and clocks and workers that jump: what is shown, what is kept, and that all is collected."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import clocks
import pytest
import servers
from program import Program

PROBES = ("-p", "load", "-p", "memory")


@pytest.fixture
def nicamon(tmp_path: Path) -> Program:
    """The program with four nodes, each of them this machine."""
    (tmp_path / "inventory.toml").write_text(ALL)
    config = tmp_path / "nicamon.toml"
    config.write_text(
        f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["inventory.toml"]\nmax_load = 100000.0\n'
        "load_exponent = 0\nmin_memory = 0\n"
    )
    return Program(config)


ALL = '[[nodes]]\nnames = "n[1-4]"\ntransport = "local"\n'


@contextmanager
def dead(nicamon: Program) -> Iterator[None]:
    """Has n3 be a machine on which nothing listens."""
    inventory = nicamon.config.parent / "inventory.toml"
    others = ALL.replace("n[1-4]", "n[1-2,4]")
    with socket.socket() as taken:  # bound and not listening: its port refuses, and nobody else gets it
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        inventory.write_text(f'{others}\n[[nodes]]\nnames = "n3"\naddress = "127.0.0.1"\nport = {port}\n')
        yield
        inventory.write_text(ALL)


def shown(nicamon: Program) -> list[dict[str, Any]]:
    """The nodes that were asked, as `show farm` has them."""
    return [row for row in nicamon.rows("show", "farm") if row["state"] != "unknown"]


def test_one_collection_with_the_clock_ahead(nicamon: Program) -> None:
    begin = time.time()
    nicamon("collect", *PROBES, **clocks.wrong("+3h"))
    before = {row["node"]: row for row in shown(nicamon)}
    assert {(row["state"], row["age"]) for row in before.values()} == {("stale", None)}, "nobody knows yet"
    assert "seen while the clock was ahead" in nicamon("explain", "n3").stdout
    with dead(nicamon):
        said = nicamon("collect", *PROBES, code=1).stderr
    assert "the clock was set back by 2 h 59 m" in said or "the clock was set back by 3 h" in said
    rows = {row["node"]: row for row in shown(nicamon)}
    assert rows["n3"]["state"] == "down"
    since = time.time() - begin
    assert 0 < rows["n3"]["age"] <= since, "its values have their true age"
    assert {row["state"] for name, row in rows.items() if name != "n3"} == {"up"}
    assert max(row["age"] for name, row in rows.items() if name != "n3") < rows["n3"]["age"]
    assert "-" not in nicamon("explain", "n3").stdout.partition("last seen")[2]


def test_a_month_ahead_deletes_nothing(nicamon: Program) -> None:
    nicamon("collect", *PROBES)
    file = nicamon.config.parent / "nicamon.db"

    def stored() -> int:
        with sqlite3.connect(file) as database:
            return int(database.execute("SELECT count(*) FROM load_series").fetchone()[0])

    said = nicamon("db", "prune", **clocks.wrong("+30d"))
    # By when the clock was looked at last, which was some seconds ago.
    assert re.search("the clock may be (30 d 0|29 d 23) h ahead", said.stderr)
    assert "nicamon db prune --trust-clock" in said.stderr
    assert stored() == 4
    nicamon("collect", *PROBES)
    assert stored() == 8, "later answers are stored in their series"
    assert "clock may be" not in nicamon("db", "prune").stderr, "it is right again"
    assert "nothing to prune" not in nicamon("db", "prune", "--trust-clock", **clocks.wrong("+30d")).stdout


def test_two_hosts_on_one_server(nicamon: Program, serving: Callable[[str], servers.Server]) -> None:
    """One is ten minutes ahead: its answers hide nothing of the other's, and both are told."""
    with serving("postgresql").fresh() as url:
        text = nicamon.config.read_text().splitlines()
        nicamon.config.write_text("\n".join([f'database = "{url}"', *text[1:]]) + "\n")
        said = nicamon("collect", *PROBES, **clocks.wrong("+10m")).stderr
        assert "10 m 00 s ahead of the database's" in said
        (clock,) = json_clocks(nicamon)
        assert abs(clock["ahead"] - 600) < 5
        with dead(nicamon):
            nicamon("collect", *PROBES, code=1)
        states = {row["node"]: row["state"] for row in shown(nicamon)}
    assert states.pop("n3") == "down"
    assert set(states.values()) == {"up"}


def json_clocks(nicamon: Program) -> list[dict[str, float]]:
    found: list[dict[str, float]] = json.loads(nicamon("tasks", "--json").stdout)["clocks"]
    return found


def ended(nicamon: Program) -> dict[str, float | None]:
    """When the load of each node was asked last, by the clock of whoever asked."""
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        names = "SELECT node, finished FROM tasks WHERE argument = 'load'"
        return dict(database.execute(names).fetchall())


def collected(nicamon: Program, clock: clocks.Jumping) -> float:
    """Seconds until all nodes have answered anew for their load; fails after 100 s."""
    before = ended(nicamon)
    begin = time.monotonic()
    nicamon("tasks", "now", "@*", "load", inside=clock.inside)
    while missing := [node for node, moment in ended(nicamon).items() if moment in (None, before[node])]:
        assert time.monotonic() - begin < 100, missing
        time.sleep(0.1)
    return time.monotonic() - begin


def children(pid: int) -> list[int]:
    """The processes that a process has begun."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


@contextmanager
def working(nicamon: Program, clock: clocks.Jumping) -> Iterator[int]:
    """Workers under this clock that have collected all once; at the end SIGTERM ends them in order."""
    with nicamon.running("daemon", "--processes", "2", "--quiet", inside=clock.inside) as process:
        end = time.monotonic() + 90
        while not (nicamon.config.parent / "nicamon.db").exists() or not ended_all(nicamon):
            assert time.monotonic() < end
            time.sleep(0.2)
        yield process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "it waits for nothing but the nodes that are being asked"


def ended_all(nicamon: Program) -> bool:
    try:
        found = ended(nicamon)
    except sqlite3.OperationalError:  # the tables are being made
        return False
    return bool(found) and None not in found.values()


@pytest.mark.parametrize("jump", ["+2h", "-2h", "+30d", "-30d"])
def test_a_clock_that_jumps_while_workers_work(nicamon: Program, tmp_path: Path, jump: str) -> None:
    """All nodes are collected as before, after the jump and after the one back."""
    clock = clocks.Jumping(tmp_path)
    with working(nicamon, clock):
        alone = max(collected(nicamon, clock) for _ in range(2))
        clock.set(jump)
        jumped = collected(nicamon, clock)
        clock.set("+0")
        back = collected(nicamon, clock)
        # Two seconds are what they should cost; a machine that is busy with other tests may need more.
        assert max(jumped, back) < 3 * alone + 10, (alone, jumped, back)
        clock_rows = json_clocks(nicamon)
        assert len(clock_rows) == 1
    states = {row["state"] for row in nicamon.rows("show", "farm")}
    assert states == {"up"}
    ages = [row["age"] for row in nicamon.rows("show", "farm")]
    assert all(age is not None and 0 <= age < 120 for age in ages), ages


def stopped(nicamon: Program, child: int) -> int:
    """Stops a worker while it has no transaction open: a file has room for one writer, and all would wait for it."""
    while True:
        os.kill(child, signal.SIGSTOP)
        try:
            with closing(sqlite3.connect(nicamon.config.parent / "nicamon.db", timeout=0.5)) as database:
                database.execute("BEGIN IMMEDIATE")
            return child
        except sqlite3.OperationalError:
            os.kill(child, signal.SIGCONT)
            time.sleep(0.05)


def test_a_worker_that_was_stopped(nicamon: Program, tmp_path: Path) -> None:
    """One of two is stopped for longer than its lease: the other one collects all, and what the first brings is old."""
    with nicamon.config.open("a") as config:
        config.write("lease = 8.0\n")
    clock = clocks.Jumping(tmp_path)
    with working(nicamon, clock) as pool:
        child = stopped(nicamon, children(pool)[0])
        try:
            collected(nicamon, clock)
            time.sleep(9)  # longer than its lease, which is what is tried
        finally:
            os.kill(child, signal.SIGCONT)
        collected(nicamon, clock)
