"""Two monitoring hosts share the tasks: what a killed collector held runs again, what the other holds is left alone."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
import sqlalchemy as sa
from program import Program, add_probe

import needs
from nicassh.database import connect

LEASE = 4
NAP = 8
OTHER = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "sh", "-c", 'hostname head2 && exec "$@"', "head2"]
"""Another host as far as names and process numbers go."""


@pytest.fixture
def hosts(tmp_path: Path, serving: Callable[[str], servers.Server]) -> Iterator[Program]:
    """The program on one PostgreSQL, with six nodes that are asked one by one."""
    needs.root()
    with serving("postgresql").fresh() as url:
        (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "n[1-6]"\ntransport = "local"\n')
        config = tmp_path / "nicamon.toml"
        config.write_text(
            f'database = "{url}"\ninventory = ["inventory.toml"]\nlease = {LEASE}\nfetch_limit = 9\nfanout = 1\n'
        )
        program = Program(config)
        add_probe(program, "nap", f"sleep {NAP}; echo 1\n", 30, every=3600, priority="critical")
        yield program


def tasks_of(program: Program) -> list[sa.RowMapping]:
    """The critical tasks, of which each node has three: load, memory and nap. One session asks for all of them."""
    line = next(line for line in program.config.read_text().splitlines() if line.startswith("database"))
    engine = connect(line.split('"')[1])
    with engine.connect() as connection:
        query = "SELECT j.*, w.host FROM tasks j LEFT JOIN collectors w ON w.id = j.collector WHERE j.priority = 10"
        rows = connection.execute(sa.text(f"{query} ORDER BY j.id")).mappings().all()
    engine.dispose()
    return list(rows)


def awaited(seconds: float, program: Program, test: Callable[[list[sa.RowMapping]], bool]) -> list[sa.RowMapping]:
    """The tasks as soon as they are as they should be."""
    end = time.monotonic() + seconds
    while not test(rows := tasks_of(program)):
        assert time.monotonic() < end, [dict(row) for row in rows]
        time.sleep(0.2)
    return rows


def begun(rows: list[sa.RowMapping]) -> list[sa.RowMapping]:
    """The tasks that run, without those that are only held."""
    return [row for row in rows if row["started"] is not None]


def test_sk1_sk2_killed_collector_and_a_collector_on_another_host(hosts: Program) -> None:
    """SK1, SK2: after SIGKILL what a collector held is free within the lease; the other host keeps what it holds."""
    hosts("db", "upgrade")
    with hosts.running("collect") as first:
        held = [row for row in awaited(20, hosts, lambda rows: len(begun(rows)) == 3) if row["state"] == "running"]
        assert [row["node"] for row in held] == [name for name in ("n1", "n2", "n3") for _ in range(3)]
        assert {row["node"] for row in begun(held)} == {"n1"}, "one node is being asked, two wait for their turn"
        with hosts.running("collect", inside=OTHER) as second:
            rows = awaited(20, hosts, lambda rows: len(begun(rows)) == 6)
            theirs = {row["id"]: row["token"] for row in rows if row["host"] == "head2"}
            assert len(theirs) == 9
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            killed = time.time()
            with hosts.running("daemon", "--processes", "1"):
                mine = {row["id"] for row in held}
                rows = awaited(
                    20, hosts, lambda rows: all(r["collector"] != held[0]["collector"] for r in rows if r["id"] in mine)
                )
                assert time.time() - killed <= LEASE + 3
                before = {row["id"]: row["attempts"] - (row["started"] is not None) for row in rows}
                assert [before[row["id"]] for row in held] == [1, 1, 1, 0, 0, 0, 0, 0, 0], "only what had begun counts"
                assert all(row["token"] in (None, theirs[row["id"]]) for row in rows if row["id"] in theirs)
                awaited(90, hosts, lambda rows: all(row["finished"] for row in rows))
            assert second.wait(60) == 0
