"""A collector that is killed or interrupted at any moment leaves a whole database."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

from program import Program, add_probe

import needs
from nicassh.demo.farm import Farm


def start(nicamon: Program) -> subprocess.Popen[bytes]:
    """A collection under way."""
    return subprocess.Popen(
        [sys.executable, "-m", "nicassh", "collect", "--now"],
        env=os.environ | {"NICAMON_CONFIG": str(nicamon.config)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def answers(nicamon: Program) -> int:
    """How many answers of nodes the database holds; fails where one is not whole."""
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = dict(database.execute("SELECT node, count(DISTINCT at) FROM load_series GROUP BY node").fetchall())
        for table in ("memory_series", "disks_series"):
            counts = database.execute(f"SELECT node, count(DISTINCT at) FROM {table} GROUP BY node").fetchall()
            assert rows == dict(counts), table
        for table in ("load", "memory", "disks"):
            last = database.execute(f"SELECT node, max(at) FROM {table}_series GROUP BY node").fetchall()
            assert set(last) == set(database.execute(f"SELECT DISTINCT node, at FROM {table}").fetchall()), table
        for table in ("load", "processes", "system", "outcomes"):
            assert set(rows) == {row[0] for row in database.execute(f"SELECT DISTINCT node FROM {table}")}, table
        return sum(rows.values())


def test_kills_leave_a_whole_database(farm: Farm, nicamon: Program) -> None:
    begin = time.monotonic()
    nicamon("collect", "--now")
    whole = time.monotonic() - begin
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    killed = 0
    # One in each part of a run, and most of them in its last third, where the transaction is.
    for moment in (dice.uniform(begin, begin + 0.1) for begin in (0.1, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9)):
        process = start(nicamon)
        time.sleep(whole * moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert answers(nicamon) >= len(farm.nodes), f"seed {seed}"
    assert killed >= 4, f"only {killed} of 9 runs were still alive when they were killed"
    count = answers(nicamon)
    needs.next_second()
    nicamon("collect", "--now")
    assert answers(nicamon) == count + len(farm.nodes)


def nodes_stored(nicamon: Program) -> int:
    """Return how many nodes have an outcome in the database."""
    try:
        with closing(sqlite3.connect(f"file:{nicamon.config.parent}/nicamon.db?mode=ro", uri=True)) as database:
            (number,) = database.execute("SELECT count(DISTINCT node) FROM outcomes").fetchone()
    except sqlite3.OperationalError:  # it is being made
        return 0
    return int(number)


def own_processes(farm: Farm) -> set[str]:
    """The processes of the collecting account on nc2; a test before this one may have left some that still end."""
    return set(farm.enter("nc2", ["pgrep", "-u", "nicamon"]).stdout.split())


def test_interrupt_stores_what_had_arrived(farm: Farm, nicamon: Program) -> None:
    # One node takes long: the others have arrived when the signal comes.
    add_probe(nicamon, "wait", "case $(cat /proc/sys/kernel/hostname) in nc2.*) sleep 30 ;; esac\necho 1\n", 40)
    before = own_processes(farm)
    process = start(nicamon)
    needs.until(lambda: nodes_stored(nicamon) == 13)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=10)[1].decode()
    assert process.returncode == 130
    assert said.startswith("interrupted: what had arrived is stored; 13 of 14 nodes")
    assert said.count("\n") == 1
    # The shell on the node looks once a second whether its connection is still there.
    needs.until(lambda: own_processes(farm) <= before, 20)
    rows = {row["node"]: row for row in nicamon.rows("show", "farm")}
    assert rows["nc2.jinr.ru"]["state"] == "unknown"
    assert [row["state"] for name, row in rows.items() if name != "nc2.jinr.ru"] == ["up"] * 13
    assert {row["priority"] for row in nicamon.rows("tasks", "list")} == set(), "nobody waits for the rest"
