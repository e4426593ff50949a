"""The task list as an operator sees and steers it, on each kind of database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program, add_probe

from nicassh import tasks
from nicassh.database import connect
from nicassh.tasks import TaskList, TaskResult


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
def task_list(program: Program) -> Iterator[TaskList]:
    """The task list of its SQLite file, with all tasks armed."""
    program("collect", "--quiet", code=1)
    task_list = TaskList(connect(f"sqlite:///{program.config.parent}/nicamon.db"))
    yield task_list
    task_list.engine.dispose()


def classes(program: Program) -> dict[str, dict[str, int]]:
    """The rows of `nicamon tasks` by class."""
    return {row["priority"]: row for row in program.rows("tasks")}


def states(program: Program, *words: str) -> dict[tuple[str, str], str]:
    """The states of all tasks, or those of a node, by node and name."""
    return {(row["node"], row["argument"]): row["state"] for row in program.rows("tasks", "list", *words)}


def test_what_is_done_is_counted(program: Program, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is one JSON object: classes as rows, collectors and troubled tasks beside them."""
    monkeypatch.setenv("NICAMON_DATABASE", database)
    program("collect", "--quiet", code=1)
    page = json.loads(program("tasks", "--json").stdout)
    assert page["schema"] == "nicamon.task-classes/1"
    assert [row["priority"] for row in page["rows"]] == ["critical", "high", "medium", "low", "background"]
    assert page["collectors"] == []
    assert sorted(task["node"] for task in page["troubled"]) == ["here", "there"]
    assert {(task["argument"], task["state"], task["error"]) for task in page["troubled"]} == {
        ("broken", "deferred", "failed: no"),
    }  # fmt: skip
    found = classes(program)
    assert found["low"]["deferred"] == 2
    assert sum(row["running"] + row["failed"] + row["paused"] for row in found.values()) == 0
    assert sum(row["rate_60"] * 60 for row in found.values()) == pytest.approx(len(states(program)), rel=0.02)
    assert program("tasks", "retry").stdout == "2 tasks to be tried again now\n"
    assert [state for (_, name), state in states(program).items() if name == "broken"] == ["waiting"] * 2
    assert classes(program)["low"]["waiting"] >= 2  # a task of another probe of the class may come due meanwhile
    assert program("tasks", "cancel", "here", "broken").stdout == "1 task cancelled\n"
    assert program("tasks", "now", "@batch", "software").stdout == "2 tasks due now\n"
    assert [state for (_, name), state in states(program).items() if name == "software"] == ["waiting"] * 2
    program("collect", "--quiet", code=1)
    assert states(program, "there")["there", "broken"] == "deferred"


def test_a_wrong_word_changes_nothing(program: Program, task_list: TaskList) -> None:
    before = tasks.task_rows(task_list)
    for words, said in (
        (("retry", "nowhere"), "nowhere"), (("now", "here", "lod"), "load"), (("cancel", ""), "empty"),
        (("list", "nowhere"), "nowhere"), (("now", "here", "load", "disks"), "unexpected extra argument"),
    ):  # fmt: skip
        done = program("tasks", *words, code=2)
        assert said in done.stderr
        assert done.stdout == ""
    assert tasks.task_rows(task_list) == before


def test_an_empty_set_of_nodes_is_no_word_for_all(program: Program, task_list: TaskList) -> None:
    def times() -> dict[tuple[str, str], str]:
        return {(row["node"], row["argument"]): row["next"] for row in program.rows("tasks", "list")}

    before = times()
    assert "deferred" in states(program).values()
    program("tasks", "retry", "@batch!@batch", code=None)
    assert times() == before


def test_a_task_that_failed_for_good(program: Program, task_list: TaskList) -> None:
    """It is in the table, marked, with its last words, until somebody has it tried again."""
    collector = tasks.register(task_list)
    batch = tasks.enqueue_claimed(task_list, collector, [("here", "load")])
    tasks.complete(
        task_list, collector, batch, [TaskResult(task, "it cannot be", hopeless=True) for task in batch.tasks]
    )
    tasks.unregister(task_list, collector)
    assert classes(program)["high"]["failed"] == 1
    shown = program("tasks").stdout
    assert "it cannot be" in shown
    assert "‼ failed" in shown
    assert program("tasks", "retry", "here", "load").stdout == "1 task to be tried again now\n"
    program("collect", "--quiet", code=None)
    assert classes(program)["high"]["failed"] == 0


def test_a_database_that_is_not_there(program: Program) -> None:
    done = program("tasks", "--json", code=3, NICAMON_DATABASE="postgresql://nicamon@127.0.0.1:1/nowhere")
    assert done.stdout == ""
    assert "no server answers there" in done.stderr
