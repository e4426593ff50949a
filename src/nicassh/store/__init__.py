"""The store: outcomes and records written in one transaction a collection, and read back by views."""

from nicassh.store.forgetting import forget_nodes
from nicassh.store.history import Point
from nicassh.store.prune import prune
from nicassh.store.result import Result
from nicassh.store.rollup import rollup
from nicassh.store.size import Size, sizes
from nicassh.store.store import Fence, Row, Store, Stored

__all__ = ["Fence", "Point", "Result", "Row", "Size", "Store", "Stored", "forget_nodes", "prune", "rollup", "sizes"]
