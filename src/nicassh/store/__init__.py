"""The store: outcomes and records written in one transaction a collection, and read back by views."""

from nicassh.store.result import Result
from nicassh.store.store import Row, Store

__all__ = ["Result", "Row", "Store"]
