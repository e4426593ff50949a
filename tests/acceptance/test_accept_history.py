"""Looking back with the program: plots and tables of what was collected, trends beside the farm, who ran what then."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from program import Program
from unit_rows import PROBES, login, made, outcome

from nicassh.store import Store

MISSING = range(40, 60)
"""Minutes before now in which n1 gave nothing."""


@cache
def now() -> datetime:
    """The moment at which the first of these tests began: others may have taken long before."""
    return datetime.now(UTC).replace(microsecond=0)


def ago(minutes: float) -> datetime:
    return now() - timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Two of ten nodes with a load of two hours, one with file systems, and a listing of processes an hour ago."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "n[1-10]"\nrole = "batch"\n')
    config = folder / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    store = Store(f"sqlite:///{folder}/nicamon.db", PROBES)
    store.create()
    for minute in range(120, -1, -1):
        nodes = ["n2"] if minute in MISSING else ["n1", "n2"]
        load1 = {"n1": 10.0, "n2": 30.0}
        store.write([outcome(name, "load", ago(minute), made("load", load1=load1[name])) for name in nodes])
    for minute in (20, 15, 10, 5, 0):
        disks = [made("disks", mount=mount) for mount in ("/", "/home", *(f"/data{number}" for number in range(8)))]
        store.write([login("n1", ago(minute)), outcome("n1", "disks", ago(minute), *disks)])
    people = [made("processes", pid=pid, user=f"user{pid}", cpu_percent=10.0 * pid) for pid in range(1, 4)]
    store.write([outcome("n1", "processes", ago(61), *people, made("processes_visibility"))])
    store.engine.dispose()
    return Program(config)


def on_a_terminal(program: Program, *words: str, **environment: str) -> str:
    """What the program writes to a terminal of 100 columns."""
    master, slave = pty.openpty()
    environment = {"NICAMON_CONFIG": str(program.config), "TERM": "xterm-256color", "COLUMNS": "100", **environment}
    command = [sys.executable, "-m", "nicassh", *words]
    text = b""
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=slave, env=os.environ | environment):
        os.close(slave)
        try:
            while block := os.read(master, 65536):
                text += block
        except OSError:  # how Linux tells that all was read
            pass
    os.close(master)
    return text.decode()


def test_a_gap_is_a_row_without_a_value(program: Program) -> None:
    rows = program.rows("history", "n1", "load1", "--since", "90m", "--step", "0")
    values = [row["value"] for row in rows]
    assert values.count(None) == 1
    assert set(values) == {10.0, None}
    gap = next(row for row in rows if row["gap"])
    assert (gap["n"], gap["min"], gap["seconds"]) == (0, None, 60.0 * (len(MISSING) + 1))


def test_all_formats_hold_the_same_rows(program: Program) -> None:
    words = ("history", "n1", "load1", "--since", ago(100).isoformat(), "--until", ago(30).isoformat())
    document = json.loads(program(*words, "--json").stdout)
    assert document["schema"] == "nicamon.history/1"
    assert [json.loads(line) for line in program(*words, "--ndjson").stdout.splitlines()] == document["rows"]
    table = list(csv.DictReader(io.StringIO(program(*words, "--csv").stdout)))
    assert [float(row["value"]) if row["value"] else None for row in table] == [
        row["value"] for row in document["rows"]
    ]
    text = program(*words).stdout
    assert text.splitlines()[0].split() == ["node", "at", "seconds", "value", "min", "max", "n"]
    assert "–" in text


def test_a_terminal_gets_a_plot_and_a_pipe_a_table(program: Program) -> None:
    words = ("history", "n1", "load1", "--since", "2h", "--until", now().isoformat())
    coloured, plain = on_a_terminal(program, *words), on_a_terminal(program, *words, NO_COLOR="1")
    assert "┤" in plain
    assert "\x1b" in coloured
    assert "\x1b" not in plain
    assert max(map(len, plain.splitlines())) <= 100
    assert "┤" not in on_a_terminal(program, *words, "--table")
    assert "┤" not in program(*words).stdout
    assert "┤" in program(*words, "--plot").stdout
    assert plain.splitlines()[-1].endswith("1 gap")


def test_a_terminal_of_few_columns(program: Program) -> None:
    for columns in range(1, 16):
        done = program("history", "n1", "load1", "--since", "2h", "--plot", COLUMNS=str(columns))
        assert " UTC:" in done.stdout


def test_one_line_over_nodes(program: Program) -> None:
    words = ("history", "n[1-2]", "load1", "--since", "2h", "--step", "10m")
    for over, both, alone in (("--sum", 40.0, 30.0), ("--mean", 20.0, 30.0)):
        rows = program.rows(*words, over)
        assert {(row["nodes"], row["value"]) for row in rows if not row["gap"]} == {(2, both), (1, alone)}
        assert {row["node"] for row in rows} == {"n[1-2]"}
    assert {row["node"] for row in program.rows(*words)} == {"n1", "n2"}


def test_keys(program: Program) -> None:
    rows = program.rows("history", "n1", "disks.used", "--where", "mount=/home", "--since", "1h")
    assert {(row["mount"], row["value"]) for row in rows if not row["gap"]} == {("/home", 60.0 * 1024**3)}
    assert len({row["mount"] for row in program.rows("history", "n1", "disks.used")}) == 10
    done = program("history", "n1", "disks.used", "--plot", code=2)
    assert "10 lines are too many for one plot" in done.stderr
    assert "--where mount=" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("n1 load1 --since yesterdayish", "invalid time 'yesterdayish'; a time is 5m, 12h or 2d (ago), 03:12"),
        ("n1 load1 --until 2026-13-01", "invalid time"),
        ("n1 load1 --step often", "'often' is not a duration such as 90s, 5m"),
        ("n1 load1 --step 1e30", "at most 3650d"),
        ("n1 load1 --since 1h --until 2h", "UTC is not before until 2"),
        ("n1 load1 --since 0s", "UTC is not before now"),
        ("n1 laod1", "did you mean 'load1'"),
        ("n1 used", "disks.used, mounts_space.used"),
        ("n1 disks.used --where device=sda", "expected KEY=VALUE, e.g. mount=/home"),
        ("n99 load1", "n99"),
        ("n1", "METRIC is missing"),
        ("n1 load1 --plot --json", "--plot and --json cannot be used together"),
        ("n1 load1 --top cpu", "METRIC cannot be used together with --top"),
        ("n1 --top cpu --since 2d", "--since cannot be used together with --top"),
        ("n1 load1 --at 03:12", "--at"),
        ("--top disk", "cpu"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_clear_words(program: Program, words: str, told: str) -> None:
    assert told in program("history", *words.split(), code=2).stderr


def test_who_ran_what_then(program: Program) -> None:
    rows = program.rows("history", "--top", "cpu", "--at", ago(60).isoformat())
    assert [(row["node"], row["user"], row["cpu_percent"]) for row in rows] == [
        ("n1", "user3", 30.0),
        ("n1", "user2", 20.0),
        ("n1", "user1", 10.0),
    ]
    assert "no data for 20" in program("history", "n2", "--top", "memory", "--at", ago(60).isoformat()).stdout
    assert program.rows("history", "--top", "cpu", "--at", "2d") == []


def test_trends_beside_the_farm(program: Program) -> None:
    first, second, *_ = program.rows("show", "farm", "--columns", "+load1~")
    assert {cell for cell in first["load1~"] if cell is not None} == {10.0}
    # Twenty minutes, which begin anywhere in five; one more where this test comes late.
    assert first["load1~"].count(None) in (3, 4, 5)
    assert set(second["load1~"][:-1]) == {30.0}
    assert "load1~" not in program.rows("show", "farm")[0]
    text = program("show", "farm", "--columns", "node,load1~").stdout.splitlines()
    assert text[2].split()[0] == "n2"
    assert "█" * 11 in text[2]
    assert "did you mean 'load1'" in program("show", "farm", "--columns", "+laod1~", code=2).stderr


def test_completion_of_metrics(program: Program) -> None:
    done = program(
        code=None, _NICAMON_COMPLETE="bash_complete", COMP_WORDS="nicamon history n1 memory_u", COMP_CWORD="3"
    )
    assert done.stdout.split() == ["plain,memory_used", "plain,memory_utilisation"]
