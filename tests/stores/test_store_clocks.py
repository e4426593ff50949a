"""Clocks that were ahead, are behind, or were set: what is stored, and what is deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from unit_rows import PROBES, login, made, node, outcome

from nicassh.collection.run import NodeResult
from nicassh.collector.saving import save
from nicassh.config.settings import Config
from nicassh.database import Clock, create
from nicassh.model.outcome import State
from nicassh.query import Snapshot
from nicassh.query.tables.farm import farm
from nicassh.store import Store

HOUR, DAY = 3600, 86400


class Step(Clock):
    """This machine's clock, set wrong by so many seconds; with SQLite it is the database's as well."""

    def __init__(self) -> None:
        super().__init__(lambda: time.time() + self.wrong)
        self.wrong = 0.0

    def moment(self) -> datetime:
        """What this machine takes for now."""
        return datetime.fromtimestamp(int(self._own()), UTC)


def opened(url: str, wrong: float = 0.0) -> Store:
    """A store as one process opens it, whose machine has such a clock."""
    clock = Step()
    clock.wrong = wrong
    store = Store(url, PROBES, clock=clock)
    store.create()
    store.clocks.watch()
    return store


@pytest.fixture
def stores(database: str) -> Iterator[Any]:
    """Opens stores, and closes them at the end."""
    made: list[Store] = []

    def make(wrong: float = 0.0) -> Store:
        made.append(opened(database, wrong))
        return made[-1]

    yield make
    for store in made:
        store.engine.dispose()


def answer(store: Store, *names: str, load1: float = 1.0) -> None:
    """These nodes answer now, by the clock of the machine that asks."""
    assert isinstance(store.clock, Step)
    now = store.clock.moment()
    for name in names:
        asked = outcome(name, "load", now, made("load", load1=load1))
        save(store, PROBES, [NodeResult(node(name), login(name, now), (asked,), None)])


def seen(store: Store, *names: str) -> dict[str, dict[str, Any]]:
    """The rows of the farm by node, as a person sees them now."""
    snapshot = Snapshot(store, [node(name) for name in names], 900, store.now())
    return {str(row.values["node"]): {**row.values, "old": row.stale} for row in farm(snapshot).rows}


def count(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0


@pytest.mark.parametrize("wrong", [2 * HOUR, 30 * DAY, 600])
def test_a_clock_that_was_ahead(stores: Any, wrong: float, caplog: pytest.LogCaptureFixture) -> None:
    """One collection with it, then it is right again; a node has died since: it is down, and values have their age."""
    ahead = stores(wrong)
    answer(ahead, "nc2", "nc3")
    right = stores()
    begin = right.clock.moment()
    save(right, PROBES, [NodeResult(node("nc2"), login("nc2", begin, State.TIMEOUT, "no word"), (), None)])
    answer(right, "nc3", load1=7.0)
    rows = seen(right, "nc2", "nc3")
    assert rows["nc2"]["state"] == "down"
    assert 0 <= rows["nc2"]["age"] < 60, "it answered some seconds ago, and not in the time to come"
    assert rows["nc2"]["updated"] <= begin
    assert (rows["nc3"]["state"], rows["nc3"]["load1"]) == ("up", 7.0), "the later answer counts"
    assert count(right, "load_series") in (2, 3), "no row is lost but one of the same second"
    with right.engine.connect() as connection:
        newest = connection.exec_driver_sql("SELECT max(at) FROM load_series").scalar_one()
        lasting = connection.exec_driver_sql("SELECT max(since) FROM outcomes_intervals").scalar_one()
    assert max(newest, lasting) <= time.time()
    if right.engine.dialect.name == "sqlite":
        assert "the clock was set back" in caplog.text
    else:
        assert "ahead of the database's, whose times are stored" in caplog.text


def test_two_monitoring_hosts(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One is ten minutes ahead, one ten behind: whichever answer comes later counts, and both hosts are told."""
    late, right, early = stores(600), stores(), stores(-600)
    if right.engine.dialect.name == "sqlite":
        pytest.skip("a file has one host")
    for number, store in enumerate((late, early, right, early, late, right)):
        answer(store, "nc2", load1=float(number))
        assert seen(right, "nc2")["nc2"]["load1"] == number
        assert abs(seen(right, "nc2")["nc2"]["age"]) < 60
    assert "is 10 m 00 s ahead of the database's" in caplog.text
    assert "is 10 m 00 s behind the database's" in caplog.text


def test_rows_of_a_time_to_come_that_nobody_explains(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The machine was booted since, so nobody knows by how much its clock was ahead: the age is unknown, never 0."""
    store = stores()
    answer(store, "nc2", "nc3")
    with store.engine.begin() as connection:
        for table in (store.outcomes.newest, store.records["load"].newest):
            later = sa.type_coerce(sa.type_coerce(table.c.at, sa.BigInteger) + 3 * HOUR, sa.BigInteger)
            connection.execute(sa.update(table).where(table.c.node == "nc2").values(at=later))
        connection.exec_driver_sql("UPDATE host_clocks SET boot = 'another'")
    row = seen(store, "nc2")["nc2"]
    assert (row["state"], row["reason"]) == ("stale", "asked while the clock was ahead")
    assert row["age"] is None
    assert "load1" in row["old"]
    again = stores()
    assert "rows are stored of a time up to 2 h 59 m ahead" in caplog.text
    assert 0 <= seen(again, "nc2")["nc2"]["age"] < 60
    answer(again, "nc2", load1=5.0)
    assert seen(again, "nc2")["nc2"]["load1"] == 5.0


def test_a_clock_that_is_behind_loses_nothing(stores: Any) -> None:
    """It is wrong only now: the history that is right stays where it is, and what comes now counts."""
    store = stores()
    begin = store.clock.moment()
    for hours in (5, 3, 1):
        moment = begin - timedelta(hours=hours)
        store.write([login("nc2", moment), outcome("nc2", "load", moment, made("load"))])
    answer(store, "nc2")
    with store.engine.begin() as connection:  # it has run for a day
        connection.exec_driver_sql(f"UPDATE host_clocks SET set_at = set_at - {DAY}")
        before = connection.exec_driver_sql("SELECT at FROM load_series ORDER BY at").fetchall()
    wrong = stores(-2 * HOUR)
    answer(wrong, "nc2", load1=3.0)
    assert seen(wrong, "nc2")["nc2"]["load1"] == 3.0
    right = stores()
    answer(right, "nc2", load1=4.0)
    assert seen(right, "nc2")["nc2"]["load1"] == 4.0
    with right.engine.connect() as connection:
        after = connection.exec_driver_sql("SELECT at FROM load_series ORDER BY at").fetchall()
        upside = connection.exec_driver_sql("SELECT count(*) FROM outcomes_intervals WHERE until < since").scalar_one()
    assert {tuple(row) for row in before} <= {tuple(row) for row in after}
    assert upside == 0


def test_nothing_goes_by_a_clock_that_was_set_forward(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A month ahead on a database of one day: history stays, until somebody says that the clock is right."""
    store = stores()
    answer(store, "nc2")
    wrong = stores(30 * DAY)
    if wrong.engine.dialect.name != "sqlite":
        # The database's own clock was set: as if this machine had been booted so much earlier by it.
        with wrong.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE host_clocks SET booted = booted - {30 * DAY}")
        wrong = stores()
    now = wrong.clock.now()
    trusted = wrong.clocks.trusted(now)
    assert abs(now - 30 * DAY - trusted) < 60
    assert "nicamon db prune --trust-clock" in caplog.text
    wrong.rollup(trusted)
    assert wrong.prune(Config(), trusted) == {}
    assert count(wrong, "load_series") == 1
    wrong.clocks.trust()
    assert abs(wrong.clocks.trusted(now) - now) < 60


def test_the_clock_is_right_again_and_trusted(stores: Any) -> None:
    """What was set forward and back leaves no doubt, and series are stored as ever."""
    answer(stores(), "nc2")
    wrong = stores(30 * DAY)
    answer(wrong, "nc2")
    wrong.rollup(wrong.clocks.trusted(wrong.clock.now()))
    wrong.prune(Config(), wrong.clocks.trusted(wrong.clock.now()))
    right = stores()
    assert abs(right.clocks.trusted(right.clock.now()) - time.time()) < 60
    rows = count(right, "load_series")
    right.write([outcome("nc9", "load", right.clock.moment(), made("load"))])
    assert count(right, "load_series") == rows + 1


def test_nothing_was_stored_for_long(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """After a boot the clock may be a month ahead, or nicamon was off for a month: that only a person knows."""
    store = stores()
    moment = store.clock.moment() - timedelta(days=30)
    store.write([login("nc2", moment), outcome("nc2", "load", moment, made("load"))])
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE host_clocks SET boot = 'another', seen = seen - {30 * DAY}")
    again = stores()
    trusted = again.clocks.trusted(again.clock.now())
    assert abs(trusted - moment.timestamp()) < 60
    assert "nothing was stored for so long" in caplog.text


def test_an_answer_of_a_time_to_come_is_stored_as_of_now(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The clock was set back between the answer and its save."""
    store = stores()
    moment = store.clock.moment() + timedelta(hours=3)
    asked = outcome("nc2", "load", moment, made("load"))
    save(store, PROBES, [NodeResult(node("nc2"), login("nc2", moment), (asked,), None)])
    assert 0 <= seen(store, "nc2")["nc2"]["age"] < 60
    assert "ahead are stored as of now" in caplog.text


def test_a_database_of_before_gets_the_table(stores: Any) -> None:
    store = stores()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE host_clocks")
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '0001'")
    assert store.clock_rows() == []
    create(store.engine, store.metadata, allow_changes=True)
    store.clocks._booted = None
    store.clocks.watch()
    assert len(store.clock_rows()) == 1
