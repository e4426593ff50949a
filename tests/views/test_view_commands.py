"""How commands name nodes and users, what they refuse, and their exit codes; on a database with a row of everything."""

from __future__ import annotations

import json
import pwd
from pathlib import Path
from typing import Any

import pytest
from program import Program


@pytest.fixture
def nicamon(config: Path) -> Program:
    return Program(config)


@pytest.mark.parametrize(
    "words",
    ["show farm", "show load", "show bad", "nodes", "explain", "show node", "tasks list", "procs --cached"],
)
def test_nodes_are_an_argument_or_an_option(nicamon: Program, words: str) -> None:
    named, by_option = (nicamon(*words.split(), *some, "--json").stdout for some in (["n2"], ["-n", "n2"]))
    nodes = {row["node"] for row in json.loads(named)["rows"] if row["node"]}
    assert nodes <= {"n2"}
    assert [row["node"] for row in json.loads(by_option)["rows"]] == [row["node"] for row in json.loads(named)["rows"]]
    assert "name the nodes once" in nicamon(*words.split(), "n2", "-n", "n3", code=2).stderr
    assert "it is empty" in nicamon(*words.split(), "", code=2).stderr


def test_behind_the_option_the_first_argument_is_what_follows_the_nodes(nicamon: Program) -> None:
    span = ("--since", "2h", "--table")
    lines = [nicamon.rows("history", *words, *span) for words in (["-n", "n2", "load1"], ["n2", "load1"])]
    assert [row["value"] for row in lines[0]] == [row["value"] for row in lines[1]] and lines[0]
    assert "0 tasks cancelled" in nicamon("tasks", "cancel", "-n", "n2", "load").stdout
    assert "known probes" in nicamon("tasks", "cancel", "-n", "n2", "lod", code=2).stderr
    assert "name the nodes once" in nicamon("tasks", "cancel", "-n", "n2", "n3", "load", code=2).stderr
    assert nicamon.rows("show", "versions", "ROOT", "-n", "n2")


def test_several_nodes_may_be_several_arguments(nicamon: Program) -> None:
    assert [row["node"] for row in nicamon.rows("show", "farm", "n3", "n1")] == ["n1", "n3"]


def test_users_are_chosen_everywhere_in_the_same_way(nicamon: Program) -> None:
    users = [row["user"] for row in nicamon.rows("show", "users")]
    first, second = users[:2]
    for words in (["show", "users"], ["show", "jobs"], ["procs", "--cached"], ["history", "--top", "cpu"]):
        chosen = nicamon.rows(*words, "-u", f"{first},{second}")
        assert {row["user"] for row in chosen} <= {first, second}, words
        assert nicamon.rows(*words, "-u", first, "-u", second) == chosen
        me = pwd.getpwuid(0).pw_name
        assert {row["user"] for row in nicamon.rows(*words, "--me")} <= {me}
    assert {row["user"] for row in nicamon.rows("show", "users", "-u", first)} == {first}


def test_the_busiest_processes_of_the_farm_come_first(nicamon: Program) -> None:
    used = [row["cpu_percent"] for row in nicamon.rows("procs", "--cached", "--limit", "5")]
    assert used == sorted(used, reverse=True) and len(used) == 5
    kinds = {row["kind"] for row in nicamon.rows("procs", "--cached", "--no-jobs")}
    assert kinds and "batch" not in kinds


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["procs", "--filter", "rsss > 1"], "no column 'rsss'"),
        (["procs", "--columns", "+rsss"], "no column 'rsss'"),
        (["procs", "--sort", "cpu"], "did you mean 'cpu_percent'?"),
        (["procs", "--state", "Q"], "'Q' is not one of"),
        (["procs", "--min-cpu", "-1"], "-1.0 is not in the range"),
        (["show", "farm", "--filter", "state = Up"], "did you mean 'up'?"),
        (["show", "farm", "--filter", "role = batc"], "role is one of: batch"),
        (["show", "farm", "--filter", "node = n99"], "not in the inventory: n99"),
        (["explain", "n2", "--filter", "severity = bad"], "severity is one of: ok, warning, critical, unknown"),
        (["show", "jobs", "--filter", "state = runing"], "did you mean 'running'?"),
        (["history", "n2", "disks.used", "--where", "mount=/nope"], "these nodes have no mount '/nope'"),
        (["show", "frm"], "Did you mean 'farm'?"),
        (["collcet"], "Did you mean 'collect'?"),
        (["farm"], "Did you mean 'show farm'?"),
        (["tasks", "lst"], "Did you mean 'list'?"),
        (["db", "upgrde"], "Did you mean 'upgrade'?"),
        (["show", "farm", "--colums", "node"], "--columns"),
        (["help", "shwo"], "Did you mean 'show'?"),
        (["help", "nodes", "more"], "has no commands below it"),
    ],
)
def test_what_cannot_be_is_refused_at_once(nicamon: Program, words: list[str], said: str) -> None:
    done = nicamon(*words, code=2)
    assert said in done.stderr and done.stdout == ""


def test_help_is_that_of_the_command(nicamon: Program) -> None:
    assert nicamon("help").stdout == nicamon("--help").stdout
    assert nicamon("help", "show", "farm").stdout == nicamon("show", "farm", "--help").stdout


def test_exit_codes_say_what_is_found_only_where_they_are_asked_to(nicamon: Program) -> None:
    bad = nicamon.rows("show", "bad")
    assert nicamon("show", "bad", "--exit-code", code=None).returncode == bool(bad)
    assert nicamon("show", "bad", "--as", "slurm", "--exit-code", code=None).returncode == bool(bad)
    assert nicamon("show", "bad", "--exit-code", "--filter", "reason ~ '^no such'").returncode == 0
    nicamon("explain", "@*", "--exit-code", code=int(bool(nicamon.rows("explain", "@*"))))
    nicamon("explain", "@*", "--filter", "severity = ok", "--exit-code")


def test_all_disks_of_the_nodes_that_are_named(nicamon: Program) -> None:
    def local(*words: str) -> set[Any]:
        return {row["node"] for row in nicamon.rows("show", "storage", *words) if row["kind"] == "local"}

    assert local() == set()
    assert local("-n", "@all") == local("@*") == {"n1", "n2", "n3"}
