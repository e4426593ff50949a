"""PostgreSQL, with TimescaleDB where an administrator has put it in."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import sqlalchemy as sa

from nicassh.database.dialects.base import BUSY, Account, Dialect, taken
from nicassh.database.timescale import Timescale
from nicassh.model.errors import DatabaseError

OWNERS = "nicamon_tables"
"""The role that all tables belong to."""
_MAKING = 0x6E696361
"""The number of the lock under which tables are made."""
_POLL_INTERVAL = 0.1
"""Seconds between two tries of the lock: one that waits inside the server could not ask who holds it."""
_HOLDER = sa.text(
    "SELECT concat('process ', pid, ', ', usename, '@', coalesce(host(client_addr), 'socket'), ', since ',"
    " date_trunc('second', xact_start)) FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :name"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_UTF8 = "make another: CREATE DATABASE nicamon ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
_BYTES = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""


class PostgreSql(Dialect):
    """PostgreSQL, through psycopg."""

    clock: ClassVar[str] = "SELECT extract(epoch FROM clock_timestamp())"
    driver: ClassVar[str] = "psycopg"
    extra: ClassVar[str] = "postgresql"
    settings: ClassVar[dict[str, Any]] = {"client_encoding": "utf8", "application_name": "nicamon"}

    def configure(self, connection: Any) -> None:
        """Set the same patience as elsewhere. Raises DatabaseError where the database cannot hold every character."""
        with connection.cursor() as cursor:
            # TimescaleDB would refuse to change what takes more than so many compressed rows to be opened; 0: no limit.
            limit = "set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', false)"
            patience = f"set_config('lock_timeout', '{BUSY}s', false)"
            cursor.execute(f"SELECT {patience}, {limit}, current_setting('server_encoding')")
            (_, _, encoding) = cursor.fetchone()
        connection.commit()
        if encoding != "UTF8":
            connection.close()
            raise DatabaseError(f"the PostgreSQL database is in {encoding}, and texts need UTF8", _UTF8)

    @contextmanager
    def exclusive(self, connection: sa.Connection, patience: float) -> Iterator[None]:
        """Take a lock that ends with the transaction."""
        until = time.monotonic() + patience
        while not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_MAKING))):
            if time.monotonic() > until:
                raise taken(connection.scalar(_HOLDER, {"name": _MAKING}), patience)
            time.sleep(_POLL_INTERVAL)
        yield

    def insert_ignore(self, table: sa.Table) -> Any:
        """Return INSERT … ON CONFLICT DO NOTHING."""
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 a tenth of a reader's start, who needs none of it

        return postgresql.insert(table).on_conflict_do_nothing()

    def sizes(self, connection: sa.Connection) -> dict[str, int]:
        """Ask the server; of hypertables all chunks count."""
        found = {name: int(number) for name, number in connection.exec_driver_sql(_BYTES)}
        timescale = self.timescale(connection)
        return found | timescale.sizes(connection) if timescale else found

    def damage(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        """Read every value as a text, so that it is fetched from wherever it lies; errors are raised."""
        quoted = connection.dialect.identifier_preparer.format_table(table)
        connection.exec_driver_sql(f"SELECT count({quoted}::text) FROM {quoted}")  # noqa: S608 a name, quoted
        yield from ()

    def file_damage(self, connection: sa.Connection) -> list[str]:  # noqa: ARG002
        """Return nothing: a server has no one file."""
        return []

    def continue_numbers(self, connection: sa.Connection, table: sa.Table) -> None:
        """Set the sequence of a table's key after the greatest number."""
        for column in table.primary_key:
            sequence = sa.func.pg_get_serial_sequence(f'"{table.name}"', column.name)
            if connection.scalar(sa.select(sequence)):
                last = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
                connection.execute(sa.select(sa.func.setval(sequence, last, False)))

    def timescale(self, connection: sa.Connection) -> Timescale | None:
        """Look for the extension."""
        return Timescale.of(connection)

    def change_type(self, table: str, column: str, kind: str, nullable: bool) -> str:
        """Return ALTER TABLE … TYPE."""
        changed = f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} USING {column}::{kind}"
        return f"{changed}, ALTER COLUMN {column} DROP NOT NULL;" if nullable else f"{changed};"

    def may_drop_views(self) -> bool:
        """Return True: a collector acts as the role that owns them."""
        return True

    def _grants(self, url: sa.URL, collector: Account, reader: Account, host: str) -> str:  # noqa: ARG002
        # Over a socket the URL need name nobody: then it is who runs this.
        database, owner = _quoted(url.database or ""), _quoted(url.username or getpass.getuser())
        writes, reads = _quoted(collector.name), _quoted(reader.name)
        return f"""
-- PostgreSQL lets nobody add a column but the owner of a table. So all tables belong to one role that cannot
-- log in, and whoever is in it acts as it in this database, and has no rights in any other.
CREATE ROLE {OWNERS} NOLOGIN;
GRANT {OWNERS} TO {owner};
ALTER ROLE {owner} IN DATABASE {database} SET role = '{OWNERS}';
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO {OWNERS};
DO $$
DECLARE
    one regclass;
BEGIN
    FOR one IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {OWNERS}', one);
    END LOOP;
END $$;

-- It writes rows, makes the tables of new probes and adds columns.
CREATE ROLE {writes} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{collector.password}' IN ROLE {OWNERS};
ALTER ROLE {writes} IN DATABASE {database} SET role = '{OWNERS}';
GRANT CONNECT ON DATABASE {database} TO {writes}, {OWNERS};

-- It reads, also the tables that are yet to come.
CREATE ROLE {reads} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{reader.password}';
ALTER ROLE {reads} IN DATABASE {database} SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE {database} TO {reads};
GRANT USAGE ON SCHEMA public TO {reads};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reads};
ALTER DEFAULT PRIVILEGES FOR ROLE {OWNERS} IN SCHEMA public GRANT SELECT ON TABLES TO {reads};
"""  # noqa: S608 names that are quoted

    def utc(self, seconds: str) -> str:
        """Return a TIMESTAMP WITH TIME ZONE."""
        return f"to_timestamp({seconds})"

    def now(self) -> str:
        """Return the seconds at which the transaction began."""
        return "CAST(extract(epoch FROM now()) AS BIGINT)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
