"""What the probe of services remembers: what ran before and is not there any more is down, until it is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from unit_rows import NOON, PROBES, at, made, outcome

from nicassh.collection.run import NodeResult
from nicassh.collector.saving import save
from nicassh.inventory import Node
from nicassh.model.outcome import Unknown
from nicassh.model.records import Record
from nicassh.store import Store

SERVICES = next(one for one in PROBES if one.name == "services")


def clock(time: datetime = NOON) -> Record:
    return SERVICES.records["clock"](source="none", synchronised=None, offset=None, stratum=None, time=time)  # type: ignore[call-arg]


def service(**fields: Any) -> Any:
    return made("services", **fields)


def down(**fields: Any) -> Any:
    missing = {"state": "down", "reason": "no", "pid": None, "started": None, "clients": None}
    return service(**{**missing, "user": None, "version": None, "port": None, **fields})


def advanced(now: list[Any], before: list[Any], time: datetime = NOON) -> list[Any]:
    """The services that are stored, after a collection at some time on the node's clock."""
    assert SERVICES.advance
    found = list(SERVICES.advance([clock(time), *now], before, 60))
    assert clock(time) in found
    return [row for row in found if row != clock(time)]


def test_what_is_gone_is_down_since_it_was_missed() -> None:
    (row,) = advanced([], [service()])
    assert (row.service, row.instance, row.state, row.ended) == ("xrootd", "mpd", "down", NOON)
    assert row.reason == "not running since 2026-11-21 12:00:00"
    assert (row.pid, row.started, row.clients) == (None, None, None)
    assert (row.user, row.version, row.port, row.kind) == ("xrootd", "v5.5.3", 1094, "system")


def test_it_stays_down_with_its_first_moment_and_returns() -> None:
    (first,) = advanced([], [service()])
    (later,) = advanced([], [first], NOON + timedelta(days=3))
    assert later == first
    assert advanced([service(pid=99)], [later]) == [service(pid=99)]


@pytest.mark.parametrize(("days", "kept"), [(0, True), (29.9, True), (30, True), (30.1, False), (-5, True)])
def test_it_is_forgotten_after_thirty_days(days: float, kept: bool) -> None:
    (gone,) = advanced([], [service()])
    assert advanced([], [gone], NOON + timedelta(days=days)) == ([gone] if kept else [])


def test_another_process_of_it_is_not_another_service() -> None:
    new = service(pid=77, started=NOON, version="v5.6.0")
    assert advanced([new], [service()]) == [new]


@pytest.mark.parametrize(
    ("fields", "remembered"),
    [
        ({}, True),
        ({"state": "degraded", "reason": "stopped by a signal"}, True),
        ({"kind": "site", "instance": "mpd of merz"}, True),
        ({"kind": "user", "instance": "of merz"}, False),
        ({"kind": "unit", "service": "nslcd", "instance": ""}, False),
        ({"service": "cvmfs", "instance": "nica.jinr.ru"}, False),
        ({"service": "eos", "instance": "/eos/nica"}, False),
        ({"service": "munge", "instance": ""}, True),
    ],
)
def test_whose_end_is_a_fault(fields: dict[str, Any], remembered: bool) -> None:
    assert bool(advanced([], [service(**fields)])) == remembered


def test_instances_are_services_of_their_own() -> None:
    stays, goes = service(instance="bmn"), service(instance="mpd")
    states = {row.instance: row.state for row in advanced([stays], [stays, goes])}
    assert states == {"bmn": "up", "mpd": "down"}


def test_a_users_fake_does_not_hide_the_dead() -> None:
    fakes = [service(kind="user", instance="of eve", user="eve"), service(kind="site", instance="mpd of eve")]
    rows = advanced(fakes, [service()])
    assert {(row.instance, row.state) for row in rows} == {("of eve", "up"), ("mpd of eve", "up"), ("mpd", "down")}


def test_what_the_node_says_is_kept_with_the_moment_when_it_was_missed() -> None:
    said = down(reason="xrootd.pid names process 30, which is gone")
    (row,) = advanced([said], [service()])
    assert (row.reason, row.ended) == (said.reason, NOON)
    assert (row.user, row.version, row.port, row.pid) == ("xrootd", "v5.5.3", 1094, None)
    (later,) = advanced([said], [row], NOON + timedelta(hours=1))
    assert later == row
    (silent,) = advanced([], [row], NOON + timedelta(hours=2))
    assert (silent.state, silent.ended) == ("down", NOON), "the pid file went away, the service did not come back"


def test_what_never_ran_while_we_looked_is_down_only_while_the_node_says_so() -> None:
    assert advanced([down()], [down()]) == [down()]
    assert advanced([], [down()]) == []


def test_what_systemd_says_about_the_end_is_kept() -> None:
    ended = NOON - timedelta(hours=5)
    (row,) = advanced([down(state="failed", ended=ended)], [service()])
    assert (row.state, row.ended) == ("failed", ended)


def test_memory_knows_better_which_instance_it_was() -> None:
    vague = down(instance="", reason="started at boot, and does not run")
    (row,) = advanced([vague], [service()])
    assert row.instance == "mpd"
    assert advanced([vague], [down(instance="")]) == [vague]


@pytest.mark.parametrize(("new", "old_is_down"), [("timesyncd", False), ("chrony", False), ("munge", True)])
def test_another_daemon_may_set_the_clock(new: str, old_is_down: bool) -> None:
    rows = advanced([service(service=new, instance="")], [service(service="ntp", instance="")])
    assert ("ntp" in [row.service for row in rows]) == old_is_down


def test_from_collection_to_collection_through_the_store(store: Store) -> None:
    def collect(second: int, *records: Record, **fields: Any) -> None:
        done = outcome("nc2", "services", at(second), clock(at(second)), *records, **fields)
        save(store, PROBES, [NodeResult(Node("nc2", "nc2"), outcome("nc2", "login", at(second)), (done,), None)])

    def stored() -> list[tuple[Any, ...]]:
        rows = store.newest("services", ["nc2"])
        return sorted((row["service"], row["state"], row["ended"], row["since"]) for row in rows)

    execd = service(service="execd", instance="")
    collect(0, service(), execd)
    collect(60, execd)
    assert stored() == [("execd", "up", None, at(0)), ("xrootd", "down", at(60), at(60))]
    collect(120, execd)
    assert stored()[1] == ("xrootd", "down", at(60), at(60)), "one interval, not one for each collection"
    collect(180, unknown=(Unknown(SERVICES.records["services"]),))
    assert [row[:2] for row in stored()] == [("execd", "up"), ("xrootd", "down")], "who cannot look finds nobody dead"
    collect(240, service(pid=99), execd)
    assert stored() == [("execd", "up", None, at(0)), ("xrootd", "up", None, at(240))]
