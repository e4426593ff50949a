"""TimescaleDB and what is done around the tables: taking over, altering, checking, saving, accounts of few rights."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
import servers
import sqlalchemy as sa
from program import Program
from scaled import chunks, count, growing, hypertables
from servers import USER, Server
from tiered import BEGIN, DAY, Mirror, agree, write
from unit_rows import PROBES, at, made, outcome

from nicassh.config.settings import Config
from nicassh.database import differences, views
from nicassh.database.backup import backup
from nicassh.database.checking import check
from nicassh.database.copying import copy
from nicassh.database.dialects import DIALECTS, Account
from nicassh.database.dialects.postgresql import OWNERS
from nicassh.model.errors import DatabaseError
from nicassh.store import Store
from nicassh.tasks import TaskList
from nicassh.tasks.model import METADATA

SERIES = [probe for probe in PROBES if probe.name in ("load", "disks")]


def filled(store: Store, hours: int = 48) -> Mirror:
    """Rows of some days, rolled up, and most of them compressed."""
    mirror, now = Mirror(), BEGIN + (hours + 24) * 3600
    for hour in range(hours):
        write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
    store.rollup(now)
    store.prune(Config(), now)
    return mirror


def program(folder: Path, url: str) -> Program:
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "nc2"\n')
    (folder / "nicamon.toml").write_text(f'database = "{url}"\ninventory = ["inventory.toml"]\n')
    (folder / "nicamon.toml").chmod(0o600)
    return Program(folder / "nicamon.toml")


def run(store: Store, *statements: str) -> None:
    with store.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_rows_from_before_the_extension_move_when_somebody_asks(timescale_server: Server, tmp_path: Path) -> None:
    """To move them takes long, so no collection does it by itself; what has no rows yet does not wait."""
    with timescale_server.fresh() as url:
        here, store, mirror = program(tmp_path, url), Store(url, PROBES), Mirror()
        store.create()
        for hour in range(30):
            write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
        timescale_server.run("CREATE EXTENSION timescaledb", database=url.rpartition("/")[2])
        assert store.create() == []
        assert hypertables(store) == growing(store) - {"load_series", "disks_series"}
        (row,) = json.loads(here("db", "status", "--json").stdout)["rows"]
        assert (row["timescaledb"][:2], row["plain"]) == ("2.", 2)
        here("db", "upgrade")
        (row,) = json.loads(here("db", "status", "--json").stdout)["rows"]
        assert row["plain"] == 0
        assert hypertables(store) == growing(store)
        assert len(chunks(store, "load_series")) == 4
        store.rollup(BEGIN + 2 * DAY)
        agree(store, mirror, BEGIN + 2 * DAY)
        store.engine.dispose()


def test_a_probe_gains_a_field_and_one_has_another_type(scaled: Store) -> None:
    """A column is added to what is compressed; the type of one is nothing that TimescaleDB changes there."""
    filled(scaled)
    run(scaled, *(f"DROP VIEW {name}" for name in sa.inspect(scaled.engine).get_view_names()))
    run(scaled, "ALTER TABLE load_series DROP COLUMN blocked")
    assert [str(one) for one in scaled.create()] == ["load_series.blocked is missing, wanted: BIGINT"]
    scaled.write([outcome("nc2", "load", at(0), made("load"))])
    with scaled.engine.begin() as connection:
        assert differences(connection, scaled.metadata) == []
        views.drop(connection, sa.inspect(connection).get_view_names())
        connection.exec_driver_sql("ALTER TABLE load_5m DROP COLUMN load1_min, ADD COLUMN load1_min TEXT")
    with pytest.raises(DatabaseError, match="load1_min is TEXT, wanted: DOUBLE") as refused:
        scaled.create()
    assert "load_5m_before" in refused.value.hint
    run(scaled, *(line for line in refused.value.hint.splitlines()[1:] if not line.startswith("--")))
    assert scaled.create() == []
    assert hypertables(scaled) == growing(scaled) | {"load_5m_before"}
    assert count(scaled, "load_5m_before") == 48


def test_checked_saved_and_copied_there_and_back(scaled: Store, tmp_path: Path) -> None:
    TaskList(scaled.engine).create()
    mirror = filled(scaled)
    assert chunks(scaled, "disks_series")[0][2]
    assert [one for one in check(scaled.engine, ["nc2"]) if one.fault or one.unlisted] == []
    declared = [scaled.metadata, METADATA]
    backup(scaled.engine, tmp_path / "saved.db", declared)
    back = Store(f"sqlite:///{tmp_path / 'saved.db'}", PROBES)
    agree(back, mirror, BEGIN + 3 * DAY)
    done = copy(back.engine, scaled.engine, declared)
    assert {one.table: one.rows for one in done}["disks_series"] == 96
    agree(scaled, mirror, BEGIN + 3 * DAY)
    back.engine.dispose()


def test_an_account_of_few_rights_makes_compresses_and_drops_and_a_reader_reads(
    timescale: str, timescale_server: Server
) -> None:
    """The SQL is run where there are hypertables and compressed chunks already."""
    database = timescale.rpartition("/")[2]
    owner = Store(timescale, SERIES)
    owner.create()
    filled(owner)
    names = [f"{role}_{secrets.token_hex(4)}" for role in ("collector", "reader")]
    accounts = [Account(name, secrets.token_hex(8)) for name in names]
    sql = DIALECTS["postgresql"].grants(sa.make_url(timescale), *accounts)
    timescale_server.run(sql.replace("%", "%%"), database=database)
    urls = [sa.make_url(timescale).set(username=one.name, password=one.password) for one in accounts]
    collector, reader = (Store(url.render_as_string(hide_password=False), PROBES) for url in urls)
    try:
        collector.create()
        assert hypertables(collector) == growing(collector)
        collector.write([outcome("nc2", "memory", at(0), made("memory"))])
        filled(collector, 5 * 24)
        assert chunks(collector, "load_series")[-1][2]
        assert count(reader, "load_series") == count(owner, "load_series") > 0
        collector.rollup(BEGIN + 30 * DAY)
        assert collector.prune(Config(), BEGIN + 30 * DAY)["load_series"] > 0
        with pytest.raises(sa.exc.DBAPIError), reader.engine.begin() as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql("DELETE FROM load_series")
    finally:
        for store in (owner, collector, reader):
            store.engine.dispose()
        roles = ", ".join([*names, OWNERS])
        timescale_server.run(
            f"SET ROLE {USER}; ALTER ROLE {USER} IN DATABASE {database} RESET role;"
            f"REASSIGN OWNED BY {OWNERS} TO {USER}; DROP OWNED BY {roles}; DROP ROLE {roles}",
            database=database,
        )  # fmt: skip


@pytest.mark.usefixtures("timescale_server")
def test_where_the_licence_has_no_compression() -> None:
    """There are chunks, and they go by age. The other server says whether the extension is there at all."""
    with servers.timescale("apache") as server, server.fresh() as url:
        server.run("CREATE EXTENSION timescaledb", database=url.rpartition("/")[2])
        store = Store(url, SERIES)
        store.create()
        filled(store)
        assert hypertables(store) == growing(store)
        assert [compressed for _, _, compressed in chunks(store, "load_series")] == [False] * 5
        store.rollup(BEGIN + 30 * DAY)
        assert store.prune(Config(), BEGIN + 30 * DAY) == {"load_series": 48, "disks_series": 96}
        store.engine.dispose()


def test_a_table_of_another_owner_is_left_as_it_is(timescale: str, timescale_server: Server) -> None:
    """Who may only write rows goes on doing that."""
    database, name, word = timescale.rpartition("/")[2], f"writer_{secrets.token_hex(4)}", secrets.token_hex(8)
    timescale_server.run(
        "DROP EXTENSION timescaledb",
        f"CREATE ROLE {name} LOGIN PASSWORD '{word}'",
        database=database,
    )
    owner = Store(timescale, SERIES)
    owner.create()
    timescale_server.run(
        "CREATE EXTENSION timescaledb",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
        database=database,
    )
    url = sa.make_url(timescale).set(username=name, password=word).render_as_string(hide_password=False)
    writer = Store(url, SERIES)
    try:
        assert writer.create() == []
        write(writer, Mirror(), "nc2", BEGIN, 1)
        assert hypertables(owner) == set()
    finally:
        owner.engine.dispose()
        writer.engine.dispose()
        timescale_server.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}", database=database)
