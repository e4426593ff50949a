"""The database: engines, tables made from record types, and the errors of SQLAlchemy in our words.

SQLite, MariaDB (10.6 and newer; MySQL 8) and PostgreSQL, chosen by one URL, behave alike for who uses this.
"""

from nicassh.db.engine import BUSY, DRIVERS, connect, writing
from nicassh.db.faults import again, explained, retried
from nicassh.db.sheet import Cells, Sheet, chunks, held
from nicassh.db.tables import NODE, TEXT, Moment, Tables, create, tables

__all__ = [
    "BUSY", "DRIVERS", "NODE", "TEXT", "Cells", "Moment", "Sheet", "Tables", "again", "chunks", "connect", "create",
    "explained", "held", "retried", "tables", "writing",
]  # fmt: skip
