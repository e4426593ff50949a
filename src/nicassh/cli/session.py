"""What the commands of one run share: configuration, inventory, probes and store, each loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nicassh.model.text import clean

if TYPE_CHECKING:
    from nicassh.config.settings import Config
    from nicassh.inventory import Inventory, Node
    from nicassh.probes.loader import Probe
    from nicassh.query import Scene
    from nicassh.store import Store
    from nicassh.tasks import TaskList


class Session:
    """Loads what a command needs and nothing else, so that `nicamon --version` stays fast.

    While a shell asks for completions, `completing`, no probe of the site is loaded: the TAB key runs no Python of
    whatever folder its user is in.
    """

    def __init__(self, file: Path | None, completing: bool = False) -> None:
        self.file, self.completing = file, completing

    @cached_property
    def config(self) -> Config:
        """The configuration in force. Raises ConfigError."""
        from nicassh.config import settings as config

        found = config.load(self.file)
        if not self.completing:
            from nicassh.cli import sources

            for warning in sources.warnings(found):
                warn(warning)
        return found

    @cached_property
    def inventory(self) -> Inventory:
        """All nodes. Raises InventoryError, also for a file that others may write."""
        from nicassh import inventory as nodes
        from nicassh.model.errors import InventoryError

        if not self.config.inventory:
            raise InventoryError("there is no inventory", "write one with `nicamon init`, or try `nicamon demo up`")
        return nodes.load(self._trusted("inventory"))

    def select(self, expression: str = "") -> list[Node]:
        """The nodes of an expression; all where it is empty. Raises InventoryError."""
        from nicassh import inventory as nodes

        return nodes.select(self.inventory, expression)

    @cached_property
    def builtin(self) -> list[Probe]:
        """The probes that nicamon brings."""
        from nicassh.probes import loader as probe

        return probe.load_all()

    @cached_property
    def listed(self) -> dict[str, Path]:
        """The probes of the site by name, each with its folder. Nothing of them is run."""
        from nicassh.probes import loader as probe

        return probe.folders(self.config.probes)

    def _trusted(self, name: str) -> tuple[Path, ...]:
        from nicassh.cli import sources
        from nicassh.config import settings as config

        return sources.trusted(self.config, name, config.is_named(self.file))

    @cached_property
    def _loaded(self) -> list[Probe]:
        from nicassh.probes import loader as probe

        if self.completing:
            return self.builtin
        return probe.load_all(self._trusted("probes"), self.builtin)

    def probes(self, names: Sequence[str] = ()) -> list[Probe]:
        """All probes, or those named. Raises ProbeError."""
        from nicassh.probes import loader as probe

        return probe.named(self._loaded, names)

    @cached_property
    def store(self) -> Store:
        """The database of a collector, made where it is missing. Raises DatabaseError."""
        store = self._open(make=True)
        store.refuse_newer()
        return store

    @cached_property
    def database(self) -> Store:
        """The database of a command that looks after it: it must be there, whatever its schema is."""
        return self._open(make=False)

    @cached_property
    def reader(self) -> Store:
        """The database of a command that shows it. Raises DatabaseError where nothing was ever collected into it."""
        self.database.refuse_newer()
        self.database.refuse_empty()
        return self.database

    def _open(self, make: bool) -> Store:
        from nicassh.database import exposed
        from nicassh.store import Store

        store = Store(self.config.database_url, self._loaded, stale=self.config.stale, make=make)
        if (warning := exposed(store.engine)) and not self.completing:
            warn(warning)
        return store

    @cached_property
    def task_list(self) -> TaskList:
        """The tasks of a collector's database. Raises DatabaseError."""
        return self._task_list(self.store)

    @cached_property
    def existing_task_list(self) -> TaskList:
        """The tasks of a database that a collector has made. Raises DatabaseError where there is none."""
        self.database.refuse_newer()
        self.database.refuse_empty(rows=False)
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

    def scene(self, nodes: Sequence[Node]) -> Scene:
        """These nodes as the database has them now. Raises DatabaseError."""
        from nicassh.query import Scene

        everyone = list(self.inventory.nodes.values())
        return Scene(self.reader, nodes, self.config.stale, self.reader.now(), everyone=everyone)


def session_of(ctx: click.Context) -> Session:
    """The session of a run; a fresh one while a shell asks for completions, which runs no command."""
    found = ctx.find_object(Session)
    return found or Session((ctx.find_root().params or {}).get("config"), completing=True)


def node_expression(*declaration: str, **settings: Any) -> Callable[[Any], Any]:
    """An option or argument that takes a node expression, with completion from the inventory."""
    decorate = click.option if declaration[0].startswith("-") else click.argument
    return decorate(*declaration, shell_complete=_complete_nodes, callback=_given, **settings)


def _given(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuses an empty expression, which an unset variable of a script would make of "these nodes" all of them."""
    source = ctx.get_parameter_source(parameter.name or "")
    if not value.strip() and source is click.core.ParameterSource.COMMANDLINE:
        raise click.BadParameter("it is empty; leave it out, or write @* for all nodes", ctx, parameter)
    return value


def _complete_nodes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from nicassh import inventory as nodes
    from nicassh.model.errors import NicamonError

    try:
        return nodes.complete(session_of(ctx).inventory, incomplete)
    except NicamonError:
        return []


def complete_probes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of probes, for the shell's completion."""
    from nicassh.model.errors import NicamonError
    from nicassh.probes import loader as probe

    try:
        session = session_of(ctx)
        names = [*probe.folders([probe.builtin()]), *session.listed]
    except NicamonError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def warn(text: str) -> None:
    """Tells an operator once a run of something that should be mended."""
    if text not in _WARNED:
        _WARNED.add(text)
        click.echo(f"nicamon: warning: {clean(text)}", err=True)


_WARNED: set[str] = set()
