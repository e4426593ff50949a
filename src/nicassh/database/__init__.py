"""The database: engines, tables made from record types, and the errors of SQLAlchemy in our words.

SQLite, MariaDB (10.6 and newer; MySQL 8) and PostgreSQL, chosen by one URL, behave alike for who uses this.
"""

from sqlalchemy import Engine, MetaData

from nicassh.database import schema
from nicassh.database.bulk import (
    BulkTable,
    RowTuple,
    as_dicts,
    chunks,
    converted,
    driver_rows,
    row_maker,
    stored_form,
)
from nicassh.database.clock import Clock, uptime
from nicassh.database.comparison import Difference, differences, review
from nicassh.database.dialects import BUSY, Dialect, dialect_of
from nicassh.database.engine import DRIVERS, connect, server_engine, writing
from nicassh.database.faults import is_retryable, place, translate_errors, with_retry
from nicassh.database.making import create
from nicassh.database.record_tables import NODE, TEXT, Moment, Tables, TableSet, tables
from nicassh.database.sqlite import exposed
from nicassh.database.timescale import CHUNK_SPEC, Chunks, Timescale

__all__ = [
    "BUSY", "CHUNK_SPEC", "DRIVERS", "NODE", "TEXT", "BulkTable", "Chunks", "Clock", "Dialect", "Difference", "Engine",
    "MetaData", "Moment", "RowTuple", "TableSet", "Tables", "Timescale", "as_dicts", "chunks", "connect", "converted",
    "create", "dialect_of", "differences", "driver_rows", "exposed", "is_retryable", "place", "review", "row_maker",
    "schema", "server_engine", "stored_form", "tables", "translate_errors", "uptime", "with_retry", "writing",
]  # fmt: skip
