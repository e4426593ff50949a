"""The application: configuration, inventory, probes, store and tasks of one run, and the answer to every question.

It knows no command line and no web: those are faces above it. Each part is loaded when it is first asked for, so that a
command pays for nothing that it does not use; that is why imports stand inside the methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nicassh.config.settings import Config
    from nicassh.inventory import Inventory, Node
    from nicassh.probes.loader import Probe
    from nicassh.query import Table, TableSpec
    from nicassh.query.comparison import Words
    from nicassh.store import Store
    from nicassh.tasks import TaskList


class App:
    """What the faces share. `file` is the configuration that the operator named, `warn` takes texts for the operator.

    While a shell asks for completions (`completing`), no probe of the site is loaded: the TAB key runs no Python of
    whatever folder its user is in.
    """

    def __init__(
        self, file: Path | None = None, completing: bool = False, warn: Callable[[str], None] = lambda _text: None
    ) -> None:
        self.file, self.completing, self.warn = file, completing, warn

    def query(
        self,
        name: str,
        *,
        nodes: str = "",
        filter: str = "",  # noqa: A002 the word of the command line
        sort: Sequence[str] = (),
        columns: Sequence[str] = (),
        group: bool | None = False,
        limit: int | None = None,
        **parameters: Any,
    ) -> Table:
        """Return the answer to one question: the table `name` about some nodes.

        `nodes` is a node expression, `filter` an expression such as `load1 > 4 and role = batch`. `sort` are columns,
        `-load1` from the largest. `columns` are the columns to show, or `+a` and `-a`. With `group` there is one row
        for all nodes whose rows are alike; None groups where the table is best read so. `limit` is a number of rows.
        `parameters` are those of the table, as values or as texts. Raises NicamonError.
        """
        from nicassh.query.answer import Arrangement, answer, read_parameters
        from nicassh.query.registry import Request

        now = datetime.now(UTC).replace(microsecond=0)
        spec = self.table(name)
        values = read_parameters(spec, parameters, now)
        request = Request(self, self._nodes_of(spec, nodes or ""), values, now, nodes or "")
        return answer(spec, request, Arrangement.read(filter, sort, columns, group, limit))

    def check(self, name: str, **arrangement: Any) -> None:
        """Raise UsageError where a table cannot be arranged so: before nodes are asked for what is in it."""
        from nicassh.query.answer import Arrangement, check

        check(self.table(name), Arrangement(**arrangement), self._words)

    def arrange(self, table: Table, **arrangement: Any) -> Table:
        """Return a table that was made of fresh answers of nodes, arranged as `query` does it. Raises UsageError."""
        from nicassh.query.answer import Arrangement, arranged, summarized

        wanted = Arrangement(**arrangement)
        return summarized(self.table(table.name), arranged(table, wanted, self._words), wanted)

    @property
    def _words(self) -> Words:
        from nicassh.query.comparison import Words

        return Words(datetime.now(UTC).replace(microsecond=0), lambda: self.inventory)

    def _nodes_of(self, spec: TableSpec, expression: str) -> Sequence[Node]:
        """Return the nodes that a question is about. Raises UsageError."""
        from nicassh.model.errors import UsageError
        from nicassh.query.registry import Nodes

        if spec.nodes is Nodes.NONE:
            if expression:
                raise UsageError(f"the table {spec.name} is not about nodes: leave {expression!r} out")
            return []
        if spec.nodes is not Nodes.SOME and not expression:
            raise UsageError(f"the table {spec.name} needs a node", f"for example: nicamon {spec.words} nc13")
        chosen = self.select(expression)
        if spec.nodes is Nodes.ONE and len(chosen) != 1:
            hint = f"{spec.words} takes one; for more, see: nicamon show farm"
            raise UsageError(f"{expression!r} names {len(chosen)} nodes", hint)
        return chosen

    @cached_property
    def tables(self) -> dict[str, TableSpec]:
        """Return every table by name: those of the program, and one for each record of its own probes."""
        from nicassh.query.records import record_specs
        from nicassh.query.registry import table_specs

        return {**table_specs(), **record_specs(self.builtin, table_specs())}

    def table(self, name: str) -> TableSpec:
        """Return a table by name, also that of a record of the site's own probes. Raises UsageError."""
        import difflib

        from nicassh.model.errors import UsageError
        from nicassh.query.records import record_specs

        if name in self.tables:
            return self.tables[name]
        found = self.tables | record_specs(self.probes(), self.tables)
        if name not in found:
            near = difflib.get_close_matches(name, found, 1)
            raise UsageError(f"there is no table {name!r}", f"did you mean {near[0]!r}?" if near else "")
        return found[name]

    @cached_property
    def config(self) -> Config:
        """Return the configuration in force. Raises ConfigError."""
        from nicassh.config import settings, sources

        found = settings.load(self.file)
        if not self.completing:
            for warning in sources.warnings(found):
                self.warn(warning)
        return found

    @cached_property
    def inventory(self) -> Inventory:
        """Return all nodes. Raises InventoryError, also for a file that others may write."""
        from nicassh import inventory
        from nicassh.model.errors import InventoryError

        if not self.config.inventory:
            raise InventoryError("there is no inventory", "write one with `nicamon init`, or try `nicamon demo up`")
        return inventory.load(self._trusted("inventory"))

    def select(self, expression: str = "") -> list[Node]:
        """Return the nodes of an expression; all where it is empty. Raises InventoryError."""
        from nicassh import inventory

        return inventory.select(self.inventory, expression)

    @cached_property
    def builtin(self) -> list[Probe]:
        """Return the probes that come with nicamon."""
        from nicassh.probes import loader

        return loader.load_all()

    @cached_property
    def listed(self) -> dict[str, Path]:
        """Return the probes of the site by name, each with its folder. Nothing of them is run."""
        from nicassh.probes import loader

        return loader.folders(self.config.probes)

    def _trusted(self, name: str) -> tuple[Path, ...]:
        from nicassh.config import settings, sources

        return sources.trusted(self.config, name, settings.is_named(self.file))

    @cached_property
    def _loaded(self) -> list[Probe]:
        from nicassh.probes import loader

        return self.builtin if self.completing else loader.load_all(self._trusted("probes"), self.builtin)

    def probes(self, names: Sequence[str] = ()) -> list[Probe]:
        """Return all probes, or those named. Raises ProbeError."""
        from nicassh.probes import loader

        return loader.named(self._loaded, names)

    @cached_property
    def store(self) -> Store:
        """Return the database of a collector, made where it is missing. Raises DatabaseError."""
        store = self._open(make=True)
        store.check_not_newer()
        return store

    @cached_property
    def database(self) -> Store:
        """Return the database for a command that looks after it: it must be there, whatever its schema is."""
        return self._open(make=False)

    @cached_property
    def reader(self) -> Store:
        """Return the database for reading. Raises DatabaseError where nothing was ever collected into it."""
        self.database.check_readable()
        self.database.check_not_empty()
        return self.database

    def _open(self, make: bool) -> Store:
        from nicassh.database import exposed
        from nicassh.store import Store

        store = Store(self.config.database_url, self._loaded, stale=self.config.stale, make=make)
        if (warning := exposed(store.engine)) and not self.completing:
            self.warn(warning)
        return store

    @cached_property
    def task_list(self) -> TaskList:
        """Return the tasks of the database of a collector. Raises DatabaseError."""
        return self._task_list(self.store)

    @cached_property
    def existing_task_list(self) -> TaskList:
        """Return the tasks of a database that a collector has made. Raises DatabaseError where there is none."""
        self.database.check_readable()
        self.database.check_not_empty(rows=False)
        task_list = self._task_list(self.database)
        task_list.read(task_list.clock.ask)
        return task_list

    def _task_list(self, store: Store) -> TaskList:
        from nicassh.tasks import TaskList

        config = self.config
        return TaskList(
            store.engine, lease=config.lease, sessions=config.sessions, reserved=config.reserved,
            ceiling=config.ceiling, clock=store.clock,
        )  # fmt: skip
