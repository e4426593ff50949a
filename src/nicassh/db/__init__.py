"""The database: engines, tables made from record types, and the errors of SQLAlchemy in our words.

SQLite, MariaDB (10.6 and newer; MySQL 8) and PostgreSQL, chosen by one URL, behave alike for who uses this.
"""

from nicassh.db import schema
from nicassh.db.clock import Clock, uptime
from nicassh.db.differences import Difference, differences, review
from nicassh.db.engine import DRIVERS, connect, writing
from nicassh.db.faults import again, explained, place, retried
from nicassh.db.making import create
from nicassh.db.sheet import Cells, Sheet, chunks, held
from nicassh.db.sqlite import BUSY, exposed
from nicassh.db.tables import NODE, TEXT, Moment, Tables, tables
from nicassh.db.timescale import CHUNKS, Chunks, Timescale

__all__ = [
    "BUSY", "CHUNKS", "DRIVERS", "NODE", "TEXT", "Cells", "Chunks", "Clock", "Difference", "Moment", "Sheet", "Tables",
    "Timescale", "again", "chunks", "connect", "create", "differences", "explained", "exposed", "held", "place",
    "retried", "review", "schema", "tables", "uptime", "writing",
]  # fmt: skip
