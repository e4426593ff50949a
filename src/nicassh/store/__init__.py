"""The store: outcomes and records written in one transaction, and read back as rows."""

from nicassh.store.history import Point
from nicassh.store.layout import Result
from nicassh.store.reader import Row, Stored
from nicassh.store.size import Size, sizes
from nicassh.store.store import Fence, Store

__all__ = ["Fence", "Point", "Result", "Row", "Size", "Store", "Stored", "sizes"]
