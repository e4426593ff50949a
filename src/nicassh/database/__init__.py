"""The database: engines, tables made from record types, and the errors of SQLAlchemy in our words.

SQLite, MariaDB (10.6 and newer; MySQL 8) and PostgreSQL, chosen by one URL, behave alike for who uses this.
"""

from nicassh.database import schema
from nicassh.database.clock import Clock, uptime
from nicassh.database.differences import Difference, differences, review
from nicassh.database.engine import DRIVERS, connect, writing
from nicassh.database.faults import again, explained, place, retried
from nicassh.database.making import create
from nicassh.database.sheet import Cells, Sheet, chunks, held
from nicassh.database.sqlite import BUSY, exposed
from nicassh.database.tables import NODE, TEXT, Moment, Tables, tables
from nicassh.database.timescale import CHUNKS, Chunks, Timescale

__all__ = [
    "BUSY", "CHUNKS", "DRIVERS", "NODE", "TEXT", "Cells", "Chunks", "Clock", "Difference", "Moment", "Sheet", "Tables",
    "Timescale", "again", "chunks", "connect", "create", "differences", "explained", "exposed", "held", "place",
    "retried", "review", "schema", "tables", "uptime", "writing",
]  # fmt: skip
