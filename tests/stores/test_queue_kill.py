"""Workers that are killed while they write leave a whole database, and every job is run again."""

from __future__ import annotations

import random
import time

import sqlalchemy as sa
from killing import NODES, PROBES, killer
from queueing import Driven, rows

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.database.checking import check
from nicassh.store import Store
from nicassh.tasks import PROBE, Priority, Queue, Wanted

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
    queue, store = Queue(connect(database), clock=Driven(time.time())), Store(database, PROBES)
    store.create()
    queue.create()
    jobs.arm(queue, [Wanted(PROBE, node, name, Priority.MEDIUM, 3600) for node in NODES for name in NAMES])
    armed = {(row.node, row.argument) for row in rows(queue)}
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    with killer(database) as worker:
        statements = int(worker.run())
        assert statements > ROUNDS
        # One in each thirtieth of its statements: claims, beginnings, answers, endings.
        for turn in range(ROUNDS):
            fatal = 1 + turn * (statements - 2) // ROUNDS + dice.randrange(max(1, statements // ROUNDS - 1))
            while (said := worker.run(fatal)) != "killed":
                fatal = dice.randint(1, int(said))  # more answers came together than in the first run
            whole(store, deep=turn % 10 == 0 or store.engine.dialect.name == "sqlite")
            queue.clock = Driven(time.time() + queue.lease + 1)
            jobs.reap(queue)
            left = rows(queue)
            assert {(row.node, row.argument) for row in left} == armed
            assert {(row.state, row.token) for row in left} == {("waiting", None)}, f"seed {seed}, round {turn}"
        begin = int(time.time())
        assert worker.run().isdigit()
    assert all(row.finished and row.finished >= begin and not row.error for row in rows(queue)), "each ran again"
    assert {node for node, at in whole(store) if at >= begin} == set(NODES)
    for engine in (queue.engine, store.engine):
        engine.dispose()
