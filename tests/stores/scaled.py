"""What TimescaleDB has made of the tables of a store, by its own word."""

from __future__ import annotations

import sqlalchemy as sa

from nicassh.database import CHUNK_SPEC, dialect_of
from nicassh.store import Store
from nicassh.store.tiers import seconds


def chunks(store: Store, table: str) -> list[tuple[int, int, bool]]:
    """Begin and end of each chunk, and whether it is compressed."""
    query = "SELECT range_start_integer, range_end_integer, is_compressed FROM timescaledb_information.chunks"
    with store.engine.connect() as connection:
        found = connection.execute(sa.text(f"{query} WHERE hypertable_name = :table ORDER BY 1"), {"table": table})
        return [(row[0], row[1], row[2]) for row in found]


def hypertables(store: Store) -> set[str]:
    with store.engine.connect() as connection:
        timescale = dialect_of(connection).timescale(connection)
        assert timescale is not None
        return timescale.hypertables(connection)


def growing(store: Store) -> set[str]:
    return {table.name for table in store.metadata.sorted_tables if CHUNK_SPEC in table.info}


def count(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def trim(store: Store) -> None:
    """Deletes what prune has left in chunks of which a part is to be kept; what it should have deleted it has."""
    with store.engine.begin() as connection:
        gone = store.layout.horizons(connection)
        for series in store.layout.series.values():
            for tier, table in series.tables.items():
                ended = [end for _, end, _ in chunks(store, table.name) if end <= gone[tier.name]]
                assert ended == []
                connection.execute(sa.delete(table).where(seconds(table.c.at) < gone[tier.name]))
