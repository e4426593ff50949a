"""Jobs, queues, workers, users and nodes to avoid, as the batch systems and the nodes tell them together."""

from __future__ import annotations

from typing import Any

import pytest
from unit_rows import at, login, made, node, outcome, summary, with_users

from nicassh.model.outcome import State
from nicassh.model.records import Record
from nicassh.query import Snapshot, Table
from nicassh.query.tables.bad import bad, exclusion
from nicassh.query.tables.batch_nodes import batch_nodes
from nicassh.query.tables.explain import explain
from nicassh.query.tables.jobs import jobs
from nicassh.query.tables.queues import queues
from nicassh.query.tables.users import users
from nicassh.store import Store

SUBMIT = node("nc2", "interactive", batch_cluster="nica")
WORKER = node("nc10")
NODES = [SUBMIT, WORKER, node("nc11"), node("nc12")]
ARRAY = {"job": "3791", "task": "7", "tie": "3791.7"}


def told(store: Store, *records: Record, when: float = 0) -> None:
    """One collection: the head's batch system with these records, and the nodes well."""
    up = made("batch")
    store.write([login(one.name, at(when)) for one in NODES])
    store.write([outcome(one.name, name, at(when), made(name)) for one in NODES for name in ("load", "system")])
    store.write([outcome("nc2", "batch", at(when), *([] if type(up) in map(type, records) else [up]), *records)])


BUILDERS = {"batch-nodes": batch_nodes, "jobs": jobs, "queues": queues, "users": users, "bad": bad}


def show(store: Store, name: str, *nodes: Any, now: float = 60) -> Table:
    return BUILDERS[name](Snapshot(store, nodes or NODES, 900, at(now), inventory_nodes=NODES))


def said(view: Table) -> str:
    return summary(view)


def cells(view: Table, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values[name] for name in names) for row in view.rows]


def test_jobs_in_the_order_of_their_states(store: Store) -> None:
    told(
        store,
        made("batch_job", job="5", state="waiting", hosts=None, started=None, submitted=at(-600), tasks=100),
        made("batch_job", job="10", state="running"),
        made("batch_job", job="9", state="running"),
        made("batch_job", job="4", state="error"),
    )
    view = show(store, "jobs")
    assert cells(view, "job", "cluster") == [("9", "nica"), ("10", "nica"), ("4", "nica"), ("5", "nica")]
    assert said(view) == "103 jobs of 1 user: 2 running, 1 error, 100 waiting"
    assert view.rows[-1].values["elapsed"] == 660


def test_a_job_uses_what_its_processes_use_on_all_nodes(store: Store) -> None:
    told(store, made("batch_job", **ARRAY, slots=2, started=at(-3600)), made("batch_job", job="12", tie="12.1"))
    for name, job, cpu in (("nc10", "3791.7", 30.0), ("nc11", "3791.7", 10.0), ("nc11", "12", 80.0)):
        process = made("processes", batch="sge", job=job, kind="batch", cpu_percent=cpu)
        store.write([outcome(name, "processes", at(30), process)] if job != "12" else [])
    store.write([
        outcome("nc12", "processes", at(30), made("processes", batch="sge", job="12", kind="batch", cpu_percent=80.0))
    ])  # fmt: skip
    view = show(store, "jobs")
    assert cells(view, "job", "cpu_percent", "cpu_per_slot", "processes") == [
        ("12", 80.0, 80.0, 1),
        ("3791", 40.0, 20.0, 2),
    ]
    assert view.rows[1].severities["cpu_per_slot"] == 1


def test_a_job_of_htcondor_is_known_by_its_slot(store: Store) -> None:
    told(
        store,
        made("batch_job", system="condor", job="12", task="3", tie="slot1_2@nc10"),
        made("batch", system="condor"),
    )
    for name, slot in (("nc10", "slot1_2"), ("nc11", "slot1_2"), ("nc10", "slot1_2@nc10")):
        process = made("processes", pid=len(slot), batch="condor", job=slot, kind="batch", cpu_percent=70.0)
        store.write([outcome(name, "processes", at(30), process)])
        if name == "nc10":
            assert cells(show(store, "jobs"), "processes", "cpu_percent") == [(1, 70.0)]


@pytest.mark.parametrize("batch", ["condor", "slurm"])
def test_a_process_of_a_job_whose_number_is_not_known_counts_for_none(store: Store, batch: str) -> None:
    told(store, made("batch_job", system=batch, tie="slot1@nc10"), made("batch", system=batch))
    process = made("processes", batch=batch, job=None, kind="batch")
    store.write([outcome("nc10", "processes", at(30), process)])
    assert cells(show(store, "jobs"), "processes", "cpu_percent") == [(None, None)]


def test_a_young_job_may_be_slow(store: Store) -> None:
    told(store, made("batch_job", **ARRAY, started=at(0)))
    process = made("processes", batch="sge", job="3791.7", kind="batch", cpu_percent=0.0)
    store.write([outcome("nc10", "processes", at(30), process)])
    assert show(store, "jobs", now=599).rows[0].severities["cpu_per_slot"] == 0
    assert show(store, "jobs", now=660).rows[0].severities["cpu_per_slot"] == 2


def test_jobs_of_some_nodes_are_those_that_run_there_or_wait(store: Store) -> None:
    told(
        store,
        made("batch_job", job="1", hosts="nc[10-11].jinr.ru"),
        made("batch_job", job="2", hosts="nc12"),
        made("batch_job", job="3", state="waiting", hosts=None),
    )
    assert cells(show(store, "jobs", WORKER), "job") == [("1",), ("3",)]


def test_a_scheduler_that_is_down_is_not_a_cluster_without_jobs(store: Store) -> None:
    told(store, made("batch_job"), made("batch_host"))
    down = made("batch", state="down", reason="commlib error: got select error")
    gaps = tuple(_unknown(made(name)) for name in ("batch_job", "batch_host"))
    store.write([outcome("nc2", "batch", at(30), down, unknown=gaps)])
    view = show(store, "jobs")
    assert cells(view, "job") == [("3791",)]
    assert "state" in view.rows[0].stale
    assert said(view).endswith("; nica: sge is down since 2026-11-21 12:00:30 UTC: commlib error: got select error")
    assert "batch" in next(row for row in show(store, "batch-nodes").rows if row.values["node"] == "nc10").stale
    assert show(store, "bad").rows == ()
    (user,) = show(store, "users").rows
    assert user.stale == {"jobs_running"}
    (finding,) = explain(Snapshot(store, [WORKER], 900, at(60), inventory_nodes=NODES)).rows
    assert (finding.values["severity"], finding.values["finding"]) == (
        "unknown",
        "sge does not answer; it said last: busy",
    )


def _unknown(record: Record) -> Any:
    from nicassh.model.outcome import Unknown

    return Unknown(type(record), (("system", "sge"),))


def test_a_head_that_cannot_be_asked(store: Store) -> None:
    told(store, made("batch_job"))
    store.write([login("nc2", at(30), State.REFUSED, "closed"), outcome("nc2", "batch", at(30), state=State.REFUSED)])
    view = show(store, "jobs")
    assert said(view).endswith("; nica: nc2 could not be asked since 2026-11-21 12:00:30 UTC: refused")
    assert "state" in view.rows[0].stale


def test_a_cluster_that_was_never_asked_and_a_farm_without_one(store: Store) -> None:
    assert said(show(store, "jobs")) == "no jobs; nica: nc2 was never asked for its batch system"
    view = jobs(Snapshot(store, [WORKER], 900, at(0)))
    assert said(view) == "no jobs; no node of the inventory answers for a batch cluster"


def test_queues_count_their_jobs(store: Store) -> None:
    told(
        store,
        made("batch_queue", slots=24, used=3, free=20, broken=1),
        made("batch_job", job="1"),
        made("batch_job", job="2", state="waiting", tasks=50),
        made("batch_job", job="3", state="waiting", queue=None),
    )
    view = show(store, "queues")
    assert cells(view, "queue", "slots", "used", "free", "running", "waiting") == [("all.q", 24, 3, 20, 1, 50)]
    assert view.rows[0].severities["unavailable"] == 1
    assert said(view) == "1 queue: 20 of 24 slots free"


@pytest.mark.parametrize(
    ("load", "used", "started", "trouble"),
    [
        (4.0, 4, -3600, 0),
        (0.1, 4, -3600, 2),  # the jobs wait for something
        (0.1, 4, 0, 0),  # they have only begun
        (9.0, 4, -3600, 2),  # a runaway beside the jobs
        (6.0, 4, -3600, 1),
        (1.0, 0, -3600, 0),
    ],
)
def test_load_that_is_not_that_of_the_jobs(store: Store, load: float, used: int, started: float, trouble: int) -> None:
    told(store, made("batch_host", used=used), made("batch_job", started=at(started)))
    store.write([outcome("nc10", "load", at(10), made("load", load1=load))])
    (row,) = show(store, "batch-nodes", WORKER).rows
    assert (row.values["load_minus_slots"], row.severities["load_minus_slots"]) == (round(load - used, 2), trouble)


def test_workers_of_the_batch_system_and_of_the_inventory(store: Store) -> None:
    drained = made(
        "batch_host", host="nc11.jinr.ru", state="drained", words="d", reason="disk", by="root", marked=at(-60)
    )
    told(store, made("batch_host", host="nc10"), drained, made("batch_host", host="ghost.jinr.ru"))
    view = show(store, "batch-nodes")
    assert cells(view, "node", "batch", "slots", "jobs") == [
        ("nc10", "busy", 4, 0),
        ("nc11", "drained", 4, 0),
        ("nc12", None, None, None),
        ("ghost.jinr.ru", "busy", 4, 0),
    ]
    assert cells(view, "batch_reason", "by", "batch_since")[1] == ("disk", "root", at(-60))
    since = next(field for field in view.fields if field.name == "batch_since")
    assert [since.text(row) for row in view.rows] == ["–", "2026-11-21 11:59:00", "–", "–"]
    assert view.rows[3].values["reason"] == "not in the inventory"
    assert said(view) == "4 batch nodes: 6 of 12 slots used, 1 drained"


SLEEPS = ("IDLE+CLOUD+POWERED_DOWN", "IDLE+POWERING_DOWN", "MIXED+NOT_RESPONDING+POWERING_UP", "IDLE~", "IDLE*+POWER")


@pytest.mark.parametrize("words", SLEEPS)
def test_a_node_that_sleeps_to_save_power_is_not_bad(store: Store, words: str) -> None:
    told(store, made("batch", system="slurm"), made("batch_host", system="slurm", state="free", words=words))
    store.write([login("nc10", at(30), State.UNREACHABLE, "no route to the host")])
    assert cells(show(store, "bad"), "node") == []
    assert exclusion(show(store, "bad"), "slurm") == ""
    (row,) = show(store, "batch-nodes", WORKER).rows
    assert (row.values["state"], row.values["reason"]) == ("asleep", f"to save power ({words})")
    assert (row.severities["state"], row.severities["batch"]) == (0, 0)
    view = explain(Snapshot(store, [WORKER], 900, at(60), inventory_nodes=NODES))
    found = [("ok", f"asleep to save power, as slurm says ({words})")]
    assert cells(view, "severity", "finding") == found


@pytest.mark.parametrize(
    ("words", "state", "why"),
    [
        ("IDLE", State.UNREACHABLE, {}),
        ("DOWN+CLOUD+POWERED_DOWN", State.UNREACHABLE, {}),
        ("DOWN~", State.UNREACHABLE, {}),
        ("IDLE+POWER_DOWN", State.TIMEOUT, {}),
        ("IDLE+POWERED_DOWN", State.HOST_KEY_CHANGED, {}),
        ("IDLE+POWERED_DOWN", State.AUTH_FAILED, {}),
        ("IDLE+POWERED_DOWN", State.UNREACHABLE, {"state": "down", "reason": "no answer"}),
    ],
)
def test_a_node_that_does_not_sleep_and_does_not_answer_is_bad(
    store: Store, words: str, state: State, why: dict[str, str]
) -> None:
    told(store, made("batch", system="slurm", **why), made("batch_host", system="slurm", state="free", words=words))
    store.write([login("nc10", at(30), state, "no")])
    assert cells(show(store, "bad", WORKER), "node") == [("nc10",)]
    (row,) = show(store, "batch-nodes", WORKER).rows
    assert (row.values["state"], row.severities["state"]) == ("down", 2)


def test_slots_that_are_not_known_are_drawn_so(store: Store) -> None:
    told(store, made("batch_job", slots=None), made("batch_job", job="9", slots=None, tasks=20))
    view = show(store, "jobs")
    slots = next(field for field in view.fields if field.name == "slots")
    assert [slots.text(row) for row in view.rows] == ["20×–", "–"]


def test_users_with_their_processes_and_jobs(store: Store) -> None:
    told(
        store,
        made("batch_job", job="1", user="merz"),
        made("batch_job", job="2", user="merz", state="waiting", tasks=20),
        made("batch_job", job="3", user="ivanov", state="held"),
    )
    store.write([outcome(name, "memory", at(0), made("memory", total=100 * 2**30)) for name in ("nc10", "nc11")])
    kinds = [("batch", "sge"), ("interactive", None), ("background", None)]
    for name in ("nc10", "nc11"):
        people = [made("processes", pid=pid, kind=kind, batch=batch) for pid, (kind, batch) in enumerate(kinds)]
        system = made("processes", pid=9, user="root", ordinary=False, kind="system")
        store.write([outcome(name, "processes", at(0), *with_users(*people, system))])
    view = show(store, "users")
    names = ("user", "nodes", "processes", "cpu_percent", "memory", "jobs_running", "jobs_waiting", "interactive")
    assert cells(view, *names) == [
        ("merz", ["nc10", "nc11"], 6, 60.0, 6 * 2**30, 1, 20, 2),
        ("ivanov", [], 0, 0.0, 0, 0, 1, 0),
    ]
    assert cells(view, "batch", "background", "software")[0] == (2, 2, ["ROOT"])
    assert said(view) == "2 users: 6 processes, 2 of them interactive"


@pytest.mark.parametrize(
    ("batch", "option"),
    [
        ("slurm", "--exclude=nc[11-12]"),
        ("sge", "-l h=!(nc10.jinr.ru)"),
        ("nica-scheduler", 'hosts="~nc10.jinr.ru,nc11,nc12"'),
    ],
)
def test_the_option_that_keeps_jobs_off_bad_nodes(store: Store, batch: str, option: str) -> None:
    told(
        store,
        made("batch_host", host="nc10.jinr.ru", state="down", words="u"),
        made("batch_host", system="slurm", host="nc11", state="drained", words="IDLE+DRAIN"),
        made("batch", system="slurm"),
        made("batch"),
        made("batch_host", system="slurm", host="nc12"),
    )
    store.write([login("nc12", at(30), State.UNREACHABLE, "no route")])
    assert exclusion(show(store, "bad"), batch) == option


def test_a_host_without_slots_is_no_batch_node_to_avoid(store: Store) -> None:
    told(store, made("batch_host", host="nc2", state="drained", words="no queue", slots=0, used=0))
    assert show(store, "bad").rows == ()


def test_no_bad_nodes_no_option(store: Store) -> None:
    told(store, made("batch_host"))
    assert exclusion(show(store, "bad"), "sge") == ""


def test_without_a_batch_system_the_nodes_of_role_batch_are_left_out(store: Store) -> None:
    store.write([login(one.name, at(0), State.REFUSED) for one in NODES])
    assert exclusion(show(store, "bad"), "slurm") == "--exclude=nc[10-12]"


@pytest.mark.parametrize("hosts", ["slot1@nc[", "nc[1-3000000]", "@all", "nc[1-99999999999999999999]", "nc[2-1]"])
def test_a_job_that_says_it_runs_nowhere_breaks_nothing(store: Store, hosts: str) -> None:
    told(store, made("batch_job", hosts=hosts))
    assert cells(show(store, "jobs", WORKER), "job") == []
    assert len(show(store, "batch-nodes").rows) == 3


def test_a_head_whose_scheduler_is_down_says_so(store: Store) -> None:
    told(store, made("batch", state="down", reason="commlib error"))
    view = explain(Snapshot(store, NODES, 900, at(60), inventory_nodes=NODES))
    assert cells(view, "node", "severity", "finding") == [
        ("nc2", "critical", "sge does not answer here: commlib error")
    ]


def test_users_of_some_nodes_are_those_who_are_there(store: Store) -> None:
    told(store, made("batch_job", user="ivanov"))
    store.write([outcome("nc10", "processes", at(0), *with_users(made("processes")))])
    assert cells(show(store, "users"), "user") == [("merz",), ("ivanov",)]
    assert cells(show(store, "users", WORKER), "user") == [("merz",)]
