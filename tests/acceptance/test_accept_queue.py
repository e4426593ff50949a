"""The queue as an operator sees and steers it, on each kind of database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program, add_probe

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.tasks import Ended, Queue


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """This machine as two nodes, and a site's own probe that fails."""
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here,there"\ntransport = "local"\nrole = "batch"\n')
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\n')
    found = Program(config)
    add_probe(found, "broken", "echo no >&2; exit 1", 10, every=3600, priority="low")
    return found


@pytest.fixture
def queue(program: Program) -> Iterator[Queue]:
    """The queue of its SQLite file, with all jobs armed."""
    program("collect", "--quiet", code=1)
    queue = Queue(connect(f"sqlite:///{program.config.parent}/nicamon.db"))
    yield queue
    queue.engine.dispose()


def classes(program: Program) -> dict[str, dict[str, int]]:
    """The rows of `nicamon queue` by class."""
    return {row["priority"]: row for row in program.rows("queue")}


def states(program: Program, *words: str) -> dict[tuple[str, str], str]:
    """The states of all jobs, or those of a node, by node and name."""
    return {(row["node"], row["argument"]): row["state"] for row in program.rows("queue", "jobs", *words)}


def test_what_is_done_is_counted(program: Program, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is one JSON object: classes as rows, workers and troubled jobs beside them."""
    monkeypatch.setenv("NICAMON_DATABASE", database)
    program("collect", "--quiet", code=1)
    page = json.loads(program("queue", "--json").stdout)
    assert page["schema"] == "nicamon.queue/1"
    assert [row["priority"] for row in page["rows"]] == ["critical", "high", "medium", "low", "negligible"]
    assert page["workers"] == []
    assert sorted(job["node"] for job in page["troubled"]) == ["here", "there"]
    assert {(job["argument"], job["state"], job["error"]) for job in page["troubled"]} == {
        ("broken", "deferred", "failed: no"),
    }  # fmt: skip
    found = classes(program)
    assert found["low"]["deferred"] == 2
    assert sum(row["running"] + row["failed"] + row["paused"] for row in found.values()) == 0
    assert sum(row["rate_60"] * 60 for row in found.values()) == pytest.approx(len(states(program)), rel=0.02)
    assert program("queue", "retry").stdout == "2 jobs to be tried again now\n"
    assert classes(program)["low"]["waiting"] == 2
    assert program("queue", "cancel", "here", "broken").stdout == "1 job cancelled\n"
    assert program("queue", "now", "@batch", "software").stdout == "2 jobs due now\n"
    assert [state for (_, name), state in states(program).items() if name == "software"] == ["waiting"] * 2
    program("collect", "--quiet", code=1)
    assert states(program, "there")["there", "broken"] == "deferred"


def test_a_wrong_word_changes_nothing(program: Program, queue: Queue) -> None:
    before = jobs.listed(queue)
    for words, said in (
        (("retry", "nowhere"), "nowhere"), (("now", "here", "lod"), "load"), (("cancel", ""), "empty"),
        (("jobs", "nowhere"), "nowhere"), (("now", "here", "load", "disks"), "unexpected extra argument"),
    ):  # fmt: skip
        done = program("queue", *words, code=2)
        assert said in done.stderr
        assert done.stdout == ""
    assert jobs.listed(queue) == before


def test_an_empty_set_of_nodes_is_no_word_for_all(program: Program, queue: Queue) -> None:
    program("queue", "retry", "@batch!@batch", code=None)
    assert set(states(program).values()) == {"scheduled", "deferred"}


def test_a_job_that_failed_for_good(program: Program, queue: Queue) -> None:
    """It is in the table, marked, with its last words, until somebody has it tried again."""
    worker = jobs.enter(queue)
    batch = jobs.take(queue, worker, [("here", "load")])
    jobs.finish(queue, worker, batch, [Ended(job, "it cannot be", hopeless=True) for job in batch.jobs])
    jobs.leave(queue, worker)
    assert classes(program)["high"]["failed"] == 1
    shown = program("queue").stdout
    assert "it cannot be" in shown
    assert "‼ failed" in shown
    assert program("queue", "retry", "here", "load").stdout == "1 job to be tried again now\n"
    program("collect", "--quiet", code=None)
    assert classes(program)["high"]["failed"] == 0


def test_a_database_that_is_not_there(program: Program) -> None:
    done = program("queue", "--json", code=3, NICAMON_DATABASE="postgresql://nicamon@127.0.0.1:1/nowhere")
    assert done.stdout == ""
    assert "no server answers there" in done.stderr
