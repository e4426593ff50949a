"""The store: outcomes and records written in one transaction a collection, and read back by views."""

from nicassh.store.result import Result
from nicassh.store.size import Size, sizes
from nicassh.store.store import Store
from nicassh.store.writing import Row

__all__ = ["Result", "Row", "Size", "Store", "sizes"]
