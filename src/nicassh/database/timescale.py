"""TimescaleDB, where an administrator has put it into a PostgreSQL: tables in chunks of time, the older compressed.

A table says by `info[CHUNK_SPEC]` that it grows with the time in its column `at`. Here such tables become
hypertables. Who reads and writes them need not know; only what is deleted by age goes a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

CHUNK_SPEC = "chunks"
"""The key of a table's `info` under which its Chunks are."""
_TURN = 0x6E696362
"""The number of PostgreSQL's lock for who drops and compresses chunks."""
_FOUND = """
SELECT extversion, nspname, current_setting('timescaledb.license', true) FROM pg_extension
JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'timescaledb'
"""
_GROWING = """
SELECT relname, hypertable_name IS NOT NULL, coalesce(compression_enabled, false), pg_relation_size(oid) = 0,
  pg_has_role(relowner, 'USAGE')
FROM pg_class LEFT JOIN timescaledb_information.hypertables
  ON hypertable_schema = current_schema() AND hypertable_name = relname
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""
_OLD = """
SELECT range_end_integer, format('%I.%I', chunk_schema, chunk_name) FROM timescaledb_information.chunks
JOIN timescaledb_information.hypertables USING (hypertable_schema, hypertable_name)
WHERE hypertable_schema = current_schema() AND hypertable_name = :table AND range_end_integer <= :before
  AND (NOT :loose OR (compression_enabled AND NOT is_compressed)) ORDER BY range_end_integer LIMIT 1
"""


@dataclass(frozen=True)
class Chunks:
    """How a table grows: the seconds of a chunk, and columns; rows that are alike in them are compressed together."""

    seconds: int
    alike: tuple[str, ...]


@dataclass(frozen=True)
class Growing:
    """A table that grows, as it is now; `ours`: this account may alter it."""

    table: str
    hyper: bool
    compressed: bool
    empty: bool
    ours: bool


@dataclass(frozen=True)
class Timescale:
    """The extension in a database: its version, the schema of its functions, whether its licence lets it compress."""

    version: str
    schema: str
    compresses: bool

    @classmethod
    def of(cls, connection: sa.Connection) -> Timescale | None:
        """Look for the extension in a PostgreSQL; None where it is not there."""
        row = connection.exec_driver_sql(_FOUND).one_or_none()
        return None if row is None else cls(row[0], row[1], row[2] == "timescale")

    def growing(self, connection: sa.Connection, metadata: sa.MetaData) -> list[Growing]:
        """Return the tables that grow, of those there are."""
        names = {table.name for table in metadata.tables.values() if CHUNK_SPEC in table.info}
        rows = connection.exec_driver_sql(_GROWING).all() if names else []
        return [Growing(*row) for row in rows if row[0] in names]

    def convert(self, connection: sa.Connection, metadata: sa.MetaData, filled: bool) -> None:
        """Make hypertables of the tables that grow, also, which takes long, of the `filled`; those of others stay."""
        for one in self.growing(connection, metadata):
            if one.ours and (one.hyper or one.empty or filled):
                if not one.hyper:
                    self._convert(connection, metadata.tables[one.table])
                if self.compresses and not one.compressed:
                    _have_compressed(connection, metadata.tables[one.table])

    def hypertables(self, connection: sa.Connection) -> set[str]:
        """Return the names of all hypertables."""
        query = "SELECT hypertable_name FROM timescaledb_information.hypertables"
        return set(connection.exec_driver_sql(f"{query} WHERE hypertable_schema = current_schema()").scalars())

    def sizes(self, connection: sa.Connection) -> dict[str, int]:
        """Return the bytes of each hypertable with all its chunks, compressed or not, and their indexes."""
        size = f"{self._function('hypertable_size')}(format('%I.%I', hypertable_schema, hypertable_name)::regclass)"
        query = f"SELECT hypertable_name, {size} FROM timescaledb_information.hypertables"  # noqa: S608 names, quoted
        found = connection.execute(sa.text(f"{query} WHERE hypertable_schema = current_schema()"))
        return {name: int(number) for name, number in found}

    def drop_oldest(self, connection: sa.Connection, table: sa.Table, before: int) -> int | None:
        """Drop the oldest chunk, where all of it is before a moment; the rows it had, None where there is no such."""
        chunk = _oldest(connection, table, before, False)
        if chunk is None:
            return None
        end, name = chunk
        rows = connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()  # noqa: S608 the database quoted it
        drop = f"SELECT {self._function('drop_chunks')}(CAST(:table AS regclass), CAST(:end AS bigint))"
        connection.execute(sa.text(drop), {"table": _name(connection, table), "end": end})
        return int(rows or 0)

    def compress_oldest(self, connection: sa.Connection, table: sa.Table, before: int) -> bool:
        """Compress the oldest chunk that is not and ended before a moment; whether there was one."""
        chunk = _oldest(connection, table, before, True) if self.compresses else None
        if chunk is None:
            return False
        compress = f"SELECT {self._function('compress_chunk')}(CAST(:chunk AS regclass))"
        connection.execute(sa.text(compress), {"chunk": chunk[1]})
        return True

    def _convert(self, connection: sa.Connection, table: sa.Table) -> None:
        # Its own index of time is left aside: the key has the time, and is made for what we ask.
        query = (
            f"SELECT {self._function('create_hypertable')}(CAST(:table AS regclass), 'at', migrate_data => true,"
            " create_default_indexes => false, chunk_time_interval => CAST(:chunk AS bigint))"
        )
        values = {"table": _name(connection, table), "chunk": table.info[CHUNK_SPEC].seconds}
        connection.execute(sa.text(query), values)

    def _function(self, name: str) -> str:
        return '"' + self.schema.replace('"', '""') + f'".{name}'


def _have_compressed(connection: sa.Connection, table: sa.Table) -> None:
    alike = _quoted(connection, table.info[CHUNK_SPEC].alike)
    settings = f"timescaledb.compress, timescaledb.compress_segmentby = '{alike}', timescaledb.compress_orderby = 'at'"
    connection.exec_driver_sql(f"ALTER TABLE {_name(connection, table)} SET ({settings})")


def _oldest(connection: sa.Connection, table: sa.Table, before: int, loose: bool) -> tuple[int, str] | None:
    """Return the end and the quoted name of the oldest chunk, of all or of those that are not compressed.

    None as well where another program is at it.
    """
    if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_TURN))):
        return None
    row = connection.execute(sa.text(_OLD), {"table": table.name, "before": before, "loose": loose}).first()
    return None if row is None else (row[0], row[1])


def _name(connection: sa.Connection, table: sa.Table) -> str:
    return connection.dialect.identifier_preparer.format_table(table)


def _quoted(connection: sa.Connection, columns: Iterable[str]) -> str:
    return ", ".join(connection.dialect.identifier_preparer.quote_identifier(column) for column in columns)
