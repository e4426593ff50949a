"""The registry of every table that nicamon can answer with. A table is one file in `query/tables/`.

Each file there has one `TABLE`. The command line, JSON, CSV, the generated documentation and the completion of the
shell follow from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache, cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Protocol

from nicassh.query.comparison import Words
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Table

if TYPE_CHECKING:
    from nicassh.config.settings import Config
    from nicassh.inventory import Inventory, Node
    from nicassh.probes.loader import Probe
    from nicassh.store import Store
    from nicassh.tasks import TaskList


class Nodes(Enum):
    """How a question names the nodes that a table is about."""

    SOME = "some"
    """An expression, or all nodes of the inventory."""
    NAMED = "named"
    """An expression that must be given."""
    ONE = "one"
    """An expression that names exactly one node."""
    NONE = "none"
    """The table is not about nodes."""


class Sources(Protocol):
    """What tables are made from; `App` is one."""

    @property
    def config(self) -> Config: ...
    @property
    def inventory(self) -> Inventory: ...
    @property
    def reader(self) -> Store: ...
    @property
    def database(self) -> Store: ...
    @property
    def existing_task_list(self) -> TaskList: ...
    def select(self, expression: str = "") -> list[Node]: ...
    def probes(self, names: Sequence[str] = ()) -> list[Probe]: ...


@dataclass(frozen=True)
class Parameter:
    """One thing that a question may say besides its nodes: its Python type, what it means, and what it is by default.

    A parameter that is `required` has no default. One that is `many` takes a list. `choices` are the words that it may
    be. `position` is its place among the arguments of a command; without one it is an option.
    """

    name: str
    kind: type
    help: str
    default: Any = None
    required: bool = False
    many: bool = False
    choices: tuple[str, ...] = ()
    position: int | None = None
    metavar: str = ""
    least: float | None = None
    """The smallest number that it may be."""
    complete: Callable[[Sources, str], Iterable[str]] | None = None


@dataclass(frozen=True)
class Request:
    """One question: where to look, about which nodes, with which parameters."""

    sources: Sources
    nodes: Sequence[Node]
    parameters: Mapping[str, Any]
    now: datetime
    """When it was asked, by the clock of this machine: what times such as `2d` are relative to."""
    expression: str = ""
    """The node expression of the question; empty where it named none and is about all nodes."""

    @cached_property
    def snapshot(self) -> Snapshot:
        """Return the newest rows of the nodes. Raises DatabaseError where nothing was ever collected."""
        store = self.sources.reader
        inventory_nodes = list(self.sources.inventory.nodes.values())
        return Snapshot(store, self.nodes, self.sources.config.stale, store.now(), inventory_nodes=inventory_nodes)

    @property
    def words(self) -> Words:
        """Return what the words of a filter of this question may refer to."""
        return Words(self.now, lambda: self.sources.inventory)

    @property
    def names_nodes(self) -> bool:
        """Say whether the question named nodes, be it all of them."""
        return bool(self.expression)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]


@dataclass(frozen=True)
class TableSpec:
    """One table of the registry.

    `name` is unique, and the schema of the rows is `nicamon.NAME/1`. `fields` are the columns that it always has.
    `build` answers a question with all rows; `summarize` says in one line what the rows tell. `command` are the words
    of the command line that show it.
    """

    name: str
    help: str
    fields: tuple[Field, ...]
    build: Callable[[Request], Table]
    summarize: Callable[[Table], str] = lambda _table: ""
    parameters: tuple[Parameter, ...] = ()
    nodes: Nodes = Nodes.SOME
    command: str = ""
    details: str = ""
    """What the help of the command says besides `help`."""
    is_open: bool = False
    """Whether answers may have more columns than `fields`: one for each package, or those of a site's record."""

    @property
    def words(self) -> str:
        """Return the words of the command line that show the table."""
        return self.command or f"show {self.name}"


@cache
def table_specs() -> dict[str, TableSpec]:
    """Return all tables of the program by name. Raises ValueError where two have one name."""
    found: dict[str, TableSpec] = {}
    for module in sorted(one.name for one in iter_modules(import_module(_PACKAGE).__path__)):
        spec: TableSpec = import_module(f"{_PACKAGE}.{module}").TABLE
        if spec.name in found:
            raise ValueError(f"two tables have the name {spec.name!r}")
        found[spec.name] = spec
    return dict(sorted(found.items(), key=lambda item: item[1].words))


_PACKAGE = "nicassh.query.tables"
