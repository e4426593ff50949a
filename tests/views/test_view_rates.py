"""Rates are per second of the node's own clock, from the time of each row, and unknown where that cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from unit_rows import PROBES, at, made, outcome

from nicassh.collection.run import NodeResult
from nicassh.collector.saving import save
from nicassh.inventory import Node
from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.model.records import Record
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe
from nicassh.store import Store

LINKS = """
from dataclasses import dataclass, replace
from nicassh.model.records import Record, column
from nicassh.model.units import Bytes, Count, Text

every, priority, timeout, keep = 60, "low", 5, "{keep}"

@dataclass(frozen=True)
class Link(Record):
    name: Text = column("Which one.", key=True)
    sent: Bytes = column("Since the boot.", volatile=True)
    rate: Count | None = column("Bytes a second.", volatile=True)

def parse(output):
    return []

def advance(now, before, seconds):
    known = {{link.name: link for link in before}}
    for link in now:
        old = known.get(link.name)
        good = old and seconds and link.sent >= old.sent
        yield replace(link, rate=round((link.sent - old.sent) / seconds) if good else None)
"""


def collected(store: Store, probes: Sequence[Probe], *outcomes: Outcome) -> None:
    node = Node("nc2", "nc2")
    for one in outcomes:
        save(store, probes, [NodeResult(node, outcome("nc2", "login", one.at), (one,), None)])


def process(time: float) -> Record:
    return made("processes", pid=10, time=time, cpu_percent=33.0)


def looked(second: float, uptime: float | None, *records: Record, **fields: Any) -> Outcome:
    name = "processes" if records and type(records[0]).__name__ == "Process" else "links"
    return replace(outcome("nc2", name, at(second), *records, **fields), uptime=uptime)


def percent(store: Store) -> float:
    (row,) = store.newest("processes", ["nc2"])
    return float(row["cpu_percent"])


@pytest.fixture(params=["series", "latest", "intervals"])
def links(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Store, Probe]:
    """A store of a site's probe that counts bytes."""
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "probe.sh").write_text("#!/bin/sh\necho\n")
    (folder / "record.py").write_text(LINKS.format(keep=request.param))
    one = probe.load(folder)
    store = Store(f"sqlite:///{tmp_path / 'nicamon.db'}", [one])
    store.create()
    return store, one


def rates(store: Store) -> dict[str, int | None]:
    return {row["name"]: row["rate"] for row in store.newest("links", ["nc2"])}


@pytest.mark.parametrize("late", [0, 40, 600])
def test_a_session_that_goes_on_makes_no_process_busier(store: Store, late: int) -> None:
    """The first answer was handled late: by our clock the next comes at once."""
    collected(store, PROBES, looked(late, 1000.5, process(100.0)), looked(late + 20, 1060.5, process(160.0)))
    assert percent(store) == 100.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((0, 1000.0), (60, 30.0)),  # it counts anew
        ((0, 1000.0), (7200, 1100.0)),  # so it does when it is up for longer than it was then
        ((0, 20.0), (300, 50.0)),
        ((0, None), (60, 1060.0)),
        ((0, 1000.0), (60, None)),
        ((0, 1000.0), (60, 1000.0)),
    ],
)
def test_what_cannot_be_told_is_no_rate(
    store: Store, before: tuple[int, float | None], after: tuple[int, float | None]
) -> None:
    collected(store, PROBES, looked(*before, process(100.0)), looked(*after, process(160.0)))
    assert percent(store) == 33.0


def test_a_node_that_never_tells_its_uptime_is_measured_by_our_clock(store: Store) -> None:
    collected(store, PROBES, looked(0, None, process(100.0)), looked(60, None, process(160.0)))
    assert percent(store) == 100.0


def test_a_database_of_an_older_version_has_a_rate_after_one_collection(store: Store) -> None:
    collected(store, PROBES, looked(0, 1000.0, process(100.0)))
    quoted = store.engine.dialect.identifier_preparer.quote_identifier
    try:
        with store.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {quoted('processes')} DROP COLUMN {quoted('node_uptime')}"))
        assert percent(store) == 33.0, "it can be read before it is upgraded"
    finally:
        store.create()
    collected(store, PROBES, looked(60, 1060.0, process(160.0)))
    assert percent(store) == 33.0
    collected(store, PROBES, looked(120, 1120.0, process(190.0)))
    assert percent(store) == 50.0


def test_the_rate_of_each_row_is_by_its_own_time(links: tuple[Store, Probe]) -> None:
    """Both send 100 bytes a second. Nothing of the first can be learned for eight minutes."""
    store, one = links
    link = one.records["links"]
    gap = (Unknown(link, (("name", "a"),)),)

    def told(minute: int, *names: str) -> Outcome:
        rows = [link(name=name, sent=6000 * minute, rate=None) for name in names]  # type: ignore[call-arg]
        return looked(60 * minute, 5000.0 + 60 * minute, *rows, unknown=gap if "a" not in names else ())

    collected(store, [one], told(0, "a", "b"))
    for minute in range(1, 9):
        collected(store, [one], told(minute, "b"))
        assert rates(store) == {"a": None, "b": 100}
    collected(store, [one], told(9, "a", "b", "c"))
    assert rates(store) == {"a": 100, "b": 100, "c": None}


def test_a_failure_between_two_answers_changes_no_rate(links: tuple[Store, Probe]) -> None:
    store, one = links
    link = one.records["links"]
    rows = [link(name="a", sent=6000 * minute, rate=None) for minute in range(3)]  # type: ignore[call-arg]
    failed = outcome("nc2", "links", at(60), state=State.TIMEOUT)
    collected(store, [one], looked(0, 5000.0, rows[0]), failed, looked(120, 5120.0, rows[2]))
    assert rates(store) == {"a": 100}


def test_a_boot_between_two_answers_is_no_rate(links: tuple[Store, Probe]) -> None:
    store, one = links
    rows = [one.records["links"](name="a", sent=sent, rate=None) for sent in (6000, 60_000)]  # type: ignore[call-arg]
    collected(store, [one], looked(0, 100.0, rows[0]), looked(600, 400.0, rows[1]))
    assert rates(store) == {"a": None}


def test_rows_of_many_ages_cost_few_comparisons(links: tuple[Store, Probe]) -> None:
    """A node that leaves another row unknown each time must not make a collection take ever longer."""
    store, one = links
    link = one.records["links"]
    calls: list[float] = []
    assert one.advance

    def counting(now: Any, before: Any, seconds: float) -> Any:
        calls.append(seconds)
        return one.advance(now, before, seconds)  # type: ignore[misc]

    def told(minute: int, first: int, **fields: Any) -> Outcome:
        rows = [link(name=f"l{n:02}", sent=6000 * minute, rate=None) for n in range(first, 40)]  # type: ignore[call-arg]
        return looked(60 * minute, 5000.0 + 60 * minute, *rows, **fields)

    probes = [replace(one, advance=counting)]
    for minute in range(40):
        gaps = tuple(Unknown(link, (("name", f"l{n:02}"),)) for n in range(minute))
        collected(store, probes, told(minute, minute, unknown=gaps))
    calls.clear()
    collected(store, probes, told(40, 0))
    assert len(calls) <= 9
    found = rates(store)
    assert [found[f"l{n:02}"] for n in range(33, 40)] == [100] * 7
    assert set(found.values()) == {100, None}
