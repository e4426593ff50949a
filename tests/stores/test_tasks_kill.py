"""Collectors that are killed while they write leave a whole database, and every task is run again."""

from __future__ import annotations

import random
import time

import sqlalchemy as sa
from killing import NODES, PROBES, killer
from task_rows import Driven, rows

from nicassh import tasks
from nicassh.database import connect
from nicassh.database.checking import check
from nicassh.store import Store
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList

ROUNDS = 30
NAMES = [probe.name for probe in PROBES]


def whole(store: Store, deep: bool = True) -> set[tuple[str, int]]:
    """The answers in the database, by node and time; fails where one is there in part, or a row damaged (`deep`)."""
    assert not deep or [one for one in check(store.engine, NODES) if one.fault] == []
    with store.engine.connect() as connection:
        tables = {name: store.records[name] for name in ("load", "memory", "system")}
        at = {name: sa.type_coerce(shape.newest.c.at, sa.BigInteger) for name, shape in tables.items()}
        newest = {
            name: {tuple(row) for row in connection.execute(sa.select(shape.newest.c.node, at[name]))}
            for name, shape in tables.items()
        }
        outcomes = store.outcomes.newest
        told = sa.select(outcomes.c.node, sa.type_coerce(outcomes.c.at, sa.BigInteger), outcomes.c.probe)
        states = {(node, at, name) for node, at, name in connection.execute(told)}
    for name, found in newest.items():
        assert {(node, moment, name) for node, moment in found} <= states, f"{name} is of another time than its outcome"
    return newest["load"]


def test_thirty_kills_while_a_transaction_is_open(database: str) -> None:
    task_list, store = TaskList(connect(database), clock=Driven(time.time())), Store(database, PROBES)
    store.create()
    task_list.create()
    tasks.sync_periodic(
        task_list, [PeriodicTask(PROBE, node, name, Priority.MEDIUM, 3600) for node in NODES for name in NAMES]
    )
    armed = {(row.node, row.argument) for row in rows(task_list)}
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    with killer(database) as collector:
        statements = int(collector.run())
        assert statements > ROUNDS
        # One in each thirtieth of its statements: claims, beginnings, answers, endings.
        for turn in range(ROUNDS):
            fatal = 1 + turn * (statements - 2) // ROUNDS + dice.randrange(max(1, statements // ROUNDS - 1))
            while (said := collector.run(fatal)) != "killed":
                fatal = dice.randint(1, int(said))  # more answers came together than in the first run
            whole(store, deep=turn % 10 == 0 or store.engine.dialect.name == "sqlite")
            task_list.clock = Driven(time.time() + task_list.lease + 1)
            tasks.reap(task_list)
            left = rows(task_list)
            assert {(row.node, row.argument) for row in left} == armed
            assert {(row.state, row.token) for row in left} == {("waiting", None)}, f"seed {seed}, round {turn}"
        begin = int(time.time())
        assert collector.run().isdigit()
    assert all(row.finished and row.finished >= begin and not row.error for row in rows(task_list)), "each ran again"
    assert {node for node, at in whole(store) if at >= begin} == set(NODES)
    for engine in (task_list.engine, store.engine):
        engine.dispose()
