"""Two programs on one database: writers of the same nodes, makers of the same tables, readers meanwhile."""

from __future__ import annotations

import threading
from functools import partial
from random import Random

import pytest
import sqlalchemy as sa
from multitude import at_once
from servers import Server
from unit_rows import PROBES, at, login, made, outcome

from nicassh.database import connect, is_retryable, translate_errors, with_retry, writing
from nicassh.model.errors import DatabaseError
from nicassh.store import Store

NODES = [f"nc{number}" for number in range(8)]


def test_several_make_the_tables_at_once(database: str) -> None:
    stores = [Store(database, PROBES) for _ in range(4)]
    at_once(*(store.create for store in stores))
    stores[0].write([login("nc2", at(0))])
    assert len(stores[3].newest("outcomes", ["nc2"])) == 1
    for store in stores:
        store.engine.dispose()


def test_two_collections_at_once_leave_the_rows_of_one(database: str) -> None:
    """Each listing is of one of the writers, whole, and each node has one interval that lasts."""
    stores = [Store(database, PROBES) for _ in range(2)]
    stores[0].create()

    def collect(store: Store, which: int, nodes: list[str]) -> None:
        for turn in range(6):
            pids = range(which * 100, which * 100 + 5)
            moment = at(turn * 60)
            store.write([
                one
                for name in nodes
                for one in (
                    outcome(name, "processes", moment, *(made("processes", pid=pid, user=f"u{which}") for pid in pids)),
                    outcome(name, "system", moment, made("system", kernel=f"{which}.{turn}")),
                )
            ])  # fmt: skip

    at_once(lambda: collect(stores[0], 0, NODES), lambda: collect(stores[1], 1, NODES[::-1]))
    for name in NODES:
        rows = stores[0].newest("processes", [name])
        assert len(rows) == 5
        assert len({row["user"] for row in rows}) == 1
        lasting = [row for row in stores[0].spans("system", [name], at(-1)) if row["until"] is None]
        assert len(lasting) == 1
        assert lasting[0]["kernel"] == stores[0].newest("system", [name])[0]["kernel"]
    for store in stores:
        store.engine.dispose()


def test_writers_of_new_nodes_and_known_ones_never_wait_for_each_other(server: Server) -> None:
    """A server ends such a wait itself, after a second, and counts it."""
    counted = {
        "mariadb": "SELECT variable_value FROM information_schema.global_status"
        " WHERE variable_name = 'Innodb_deadlocks'",
        "postgresql": "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    }[server.kind]

    def deadlocks(url: str) -> int:
        engine = connect(url)
        with engine.connect() as connection:
            number = int(connection.exec_driver_sql(counted).scalar_one())
        engine.dispose()
        return number

    with server.fresh() as url:
        stores = [Store(url, PROBES) for _ in range(4)]
        stores[0].create()
        before = deadlocks(url)

        def write(store: Store, chance: Random) -> None:
            for turn in range(12):
                nodes = chance.sample(range(300), 40)
                store.write([outcome(f"n{node}", "load", at(turn), made("load")) for node in nodes])

        at_once(*(partial(write, store, Random(index)) for index, store in enumerate(stores)))
        for store in stores:
            store.engine.dispose()
        assert deadlocks(url) == before


def test_what_is_read_meanwhile_is_whole(store: Store, database: str) -> None:
    """A reader sees the rows from before or from after, and waits for nobody."""
    store.write([outcome("nc2", "processes", at(0), *(made("processes", pid=pid) for pid in range(50)))])
    reader = Store(database, PROBES)
    seen: set[int] = set()
    done = threading.Event()

    def write() -> None:
        for turn in range(1, 10):
            rows = (made("processes", pid=pid) for pid in range(turn * 100, turn * 100 + 50))
            store.write([outcome("nc2", "processes", at(turn), *rows)])
        done.set()

    def read() -> None:
        while not done.is_set():
            seen.add(len(reader.newest("processes", ["nc2"])))

    at_once(write, read)
    assert seen == {50}
    reader.engine.dispose()


def two_rows(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE pairs (name INT PRIMARY KEY, number INT)")
        connection.exec_driver_sql("INSERT INTO pairs VALUES (1, 0), (2, 0)")


def test_the_victim_of_a_deadlock_begins_anew(database: str) -> None:
    """Two transactions take two rows in opposite order: both get through, one of them at its second try."""
    engine = connect(database)
    two_rows(engine)
    both_hold_one = threading.Barrier(2)
    tries: list[int] = []

    def work(connection: sa.Connection, order: tuple[int, int]) -> int:
        tries.append(order[0])
        for name in order:
            connection.execute(sa.text("UPDATE pairs SET number = number + 1 WHERE name = :name"), {"name": name})
            if name == order[0] and len(tries) < 3 and connection.dialect.name != "sqlite":
                both_hold_one.wait(20)
        return order[0]

    at_once(*(lambda order=order: with_retry(engine, lambda c: work(c, order)) for order in ((1, 2), (2, 1))))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT number FROM pairs").scalars().all() == [2, 2]
    # SQLite lets in one after the other; a server breaks off one of them, or on a slow machine each once.
    assert len(tries) in ((2,) if engine.dialect.name == "sqlite" else (3, 4))
    engine.dispose()


def test_a_row_that_another_holds_for_long(server: Server) -> None:
    with server.fresh() as url:
        engine = connect(url)
        two_rows(engine)
        patience = {"mariadb": "SET SESSION innodb_lock_wait_timeout = 1", "postgresql": "SET lock_timeout = '100ms'"}
        with engine.begin() as holder:
            holder.exec_driver_sql("UPDATE pairs SET number = 1 WHERE name = 1")
            with (
                pytest.raises(DatabaseError) as caught,
                translate_errors(engine),
                writing(engine).begin() as connection,
            ):
                connection.exec_driver_sql(patience[server.kind])
                connection.exec_driver_sql("UPDATE pairs SET number = 2 WHERE name = 1")
        assert is_retryable(caught.value)
        assert "another program holds" in caught.value.hint
        engine.dispose()


def test_what_another_try_would_not_mend_is_tried_once(database: str) -> None:
    engine = connect(database)
    two_rows(engine)
    tries = []

    def work(connection: sa.Connection) -> None:
        tries.append(1)
        connection.exec_driver_sql("INSERT INTO pairs VALUES (1, 0)")

    with pytest.raises(DatabaseError) as caught:
        with_retry(engine, work)
    assert not is_retryable(caught.value)
    assert not is_retryable(None)
    assert tries == [1]
    engine.dispose()
