"""What a probe makes of its records and those before: CPU over an interval, a boot time that wavers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from unit_rows import NOON, PROBES, at, made, outcome

from nicassh.collection.bundle import Section
from nicassh.collection.judge import to_outcome
from nicassh.collection.run import NodeResult
from nicassh.collector.saving import save
from nicassh.inventory import Node
from nicassh.model.outcome import State, Unknown
from nicassh.model.records import Record
from nicassh.probes.loader import load
from nicassh.store import Store


def advance(name: str, now: list[Record], before: list[Record], seconds: float) -> list[Any]:
    probe = next(one for one in PROBES if one.name == name)
    assert probe.advance
    return list(probe.advance(now, before, seconds))


def process(time: float, pid: int = 10, **fields: Any) -> Any:
    return made("processes", pid=pid, time=time, cpu_percent=33.0, **fields)


@pytest.mark.parametrize(
    ("now", "before", "seconds", "percent"),
    [
        ([160.0], [100.0], 60, 100.0),
        ([580.0], [100.0], 60, 800.0),
        ([100.0], [100.0], 60, 0.0),
        ([100.1], [100.0], 60, 0.2),
        ([90.0], [100.0], 60, 0.0),
        ([160.0], [], 60, 33.0),
        ([160.0], [100.0], 0, 33.0),
        ([160.0], [100.0], 0.5, 33.0),
    ],
)
def test_cpu_since_the_previous_collection(
    now: list[float], before: list[float], seconds: float, percent: float
) -> None:
    (found,) = advance("processes", [process(time) for time in now], [process(time) for time in before], seconds)
    assert found.cpu_percent == percent
    assert found.time == now[0]


@pytest.mark.parametrize(("shift", "percent"), [(0, 100.0), (2, 100.0), (-2, 100.0), (3, 33.0), (-600, 33.0)])
def test_a_pid_used_anew_is_another_process(shift: int, percent: float) -> None:
    later = NOON - timedelta(hours=1) + timedelta(seconds=shift)
    (found,) = advance("processes", [process(160.0, started=later)], [process(100.0)], 60)
    assert found.cpu_percent == percent


def test_processes_are_matched_by_pid_and_none_is_lost() -> None:
    found = advance("processes", [process(70.0, 2), process(5.0, 3)], [process(1.0, 1), process(10.0, 2)], 60)
    assert [(one.pid, one.cpu_percent) for one in found] == [(2, 100.0), (3, 33.0)]


@pytest.mark.parametrize(("shift", "kept"), [(0, True), (1, True), (-29, True), (30, False), (-86400, False)])
def test_a_boot_time_that_wavers_is_kept(shift: int, kept: bool) -> None:
    old, new = made("system", boot_time=NOON), made("system", boot_time=NOON + timedelta(seconds=shift), kernel="6")
    (found,) = advance("system", [new], [old], 60)
    assert found.boot_time == NOON + timedelta(seconds=0 if kept else shift)
    assert found.kernel == "6"


def test_a_boot_time_may_be_unknown() -> None:
    unknown, known = made("system", boot_time=None), made("system", boot_time=NOON)
    assert advance("system", [unknown], [known], 60) == [unknown]
    assert advance("system", [known], [unknown], 60) == [known]
    assert advance("system", [known], [], 60) == [known]


def test_saving_advances_from_what_was_stored(store: Store) -> None:
    def collect(second: int, *records: Record) -> None:
        done = outcome("nc2", "processes", at(second), *records)
        login = outcome("nc2", "login", at(second))
        save(store, PROBES, [NodeResult(Node("nc2", "nc2"), login, (done,), None)])

    collect(0, process(100.0), process(5.0, 11))
    collect(60, process(130.0), process(5.0, 12))
    rows = sorted((row["pid"], row["cpu_percent"]) for row in store.newest("processes", ["nc2"]))
    assert rows == [(10, 50.0), (12, 33.0)]


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, [10, 11]),
        ({"unknown": (Unknown(type(process(1.0)), (("pid", 11),)),)}, [10]),
        ({"unknown": (Unknown(type(process(1.0))),)}, None),
        ({"unknown": (Unknown(type(made("system"))),)}, [10, 11]),
        ({"state": State.ABSENT}, None),
        ({"state": State.FAILED}, None),
    ],
)
def test_a_probe_that_finds_nothing_is_told_what_was_there(
    store: Store, fields: dict[str, Any], asked: list[int] | None
) -> None:
    seen: list[list[int]] = []

    def remembering(now: Any, before: Any, _seconds: float) -> Any:
        seen.append(sorted(one.pid for one in before))
        return now

    probes = [replace(one, advance=remembering) if one.name == "processes" else one for one in PROBES]
    node, login = Node("nc2", "nc2"), outcome("nc2", "login", at(0))
    before = outcome("nc2", "processes", at(0), process(1.0), process(2.0, 11))
    save(store, probes, [NodeResult(node, login, (before,), None)])
    assert seen == []
    save(store, probes, [NodeResult(node, login, (outcome("nc2", "processes", at(60), **fields),), None)])
    assert seen == ([] if asked is None else [asked])


def test_a_comparison_that_fails_is_the_outcome_of_its_node_alone(store: Store) -> None:
    def stumbling(now: Any, _before: Any, _seconds: float) -> Any:
        if any(one.pid == 66 for one in now):
            raise ZeroDivisionError("no time has passed")
        return now

    probes = [replace(one, advance=stumbling) if one.name == "processes" else one for one in PROBES]
    for second in (0, 60):
        answers = [
            NodeResult(
                Node(name, name),
                outcome(name, "login", at(second)),
                (outcome(name, "processes", at(second), one),),
                None,
            )
            for name, one in (("nc2", process(1.0, 66)), ("nc3", process(1.0)))
        ]
        save(store, probes, answers)
    states = {row["node"]: row for row in store.newest("outcomes", ["nc2", "nc3"], probe=["processes"])}
    assert (states["nc2"]["state"], states["nc3"]["state"]) == ("unreadable", "ok")
    assert states["nc2"]["reason"].startswith("it could not be compared with the time before: ")
    assert "ZeroDivisionError: no time has passed" in states["nc2"]["text"]


STRANGE = """
from dataclasses import dataclass, replace
from nicassh.model.records import Record, column
from nicassh.model.units import Number, Text
every, priority, timeout, keep = 60, "low", 10, "series"

@dataclass(frozen=True)
class Odd(Record):
    name: Text = column("Name.", key=True)
    rate: Number | None = column("Rate.")

def parse(output):
    yield Odd("a", 1.0)
    yield Odd("b", 1.0)

def advance(now, before, seconds):
    LINE
"""


@pytest.mark.parametrize(
    ("line", "state", "reason", "notes", "rates"),
    [
        ("return [replace(now[0], rate=float('inf')), now[1]]", "ok", "", "a: rate: inf cannot be held", [None, 1.0]),
        ("return {}['x']", "unreadable", "it could not be compared with the time before: the output of odd is not",
         None, [1.0, 1.0]),
    ],
)  # fmt: skip
def test_what_advance_gives_is_fit_to_store(
    tmp_path: Path, line: str, state: str, reason: str, notes: str | None, rates: list[float | None]
) -> None:
    """A sum that is not finite would end each roll-up on a server."""
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/probe.sh").write_text("")
    (tmp_path / "odd/record.py").write_text(STRANGE.replace("LINE", line))
    odd = load(tmp_path / "odd")
    store = Store(f"sqlite:///{tmp_path}/nicamon.db", [odd])
    store.create()
    node = Node("nc2", "nc2")
    for second in (0, 60):
        read = to_outcome(odd, Section(b"", b"", 0, timed_out=False, whole=True), outcome("nc2", "odd", at(second)))
        save(store, [odd], [NodeResult(node, outcome("nc2", "login", at(second)), (read,), None)])
    (row,) = store.newest("outcomes", ["nc2"], probe=["odd"])
    assert (row["state"], row["notes"]) == (state, notes)
    assert row["reason"].startswith(reason) and "Error" not in row["reason"]
    assert ("record.py line 17: KeyError: 'x'" in row["text"]) == (state == "unreadable")
    assert [one["rate"] for one in store.newest("odd", ["nc2"])] == rates
    store.engine.dispose()
