"""What the commands of one run share: configuration, inventory, probes and store, each loaded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nicassh.config import Config
    from nicassh.jobs import Queue
    from nicassh.nodes import Inventory, Node
    from nicassh.probe import Probe
    from nicassh.store import Store
    from nicassh.views import Scene


class Session:
    """Loads what a command needs and nothing else, so that `nicamon --version` stays fast."""

    def __init__(self, file: Path | None) -> None:
        self.file = file

    @cached_property
    def config(self) -> Config:
        """The configuration in force. Raises ConfigError."""
        from nicassh import config

        return config.load(self.file)

    @cached_property
    def inventory(self) -> Inventory:
        """All nodes. Raises InventoryError."""
        from nicassh import nodes
        from nicassh.errors import InventoryError

        if not self.config.inventory:
            raise InventoryError("there is no inventory", "write one with `nicamon init`, or try `nicamon demo up`")
        return nodes.load(self.config.inventory)

    def select(self, expression: str = "") -> list[Node]:
        """The nodes of an expression; all where it is empty. Raises InventoryError."""
        from nicassh import nodes

        return nodes.select(self.inventory, expression)

    @cached_property
    def _loaded(self) -> list[Probe]:
        from nicassh import probe

        return probe.load_all(self.config.probes)

    def probes(self, names: Sequence[str] = ()) -> list[Probe]:
        """All probes, or those named. Raises ProbeError."""
        from nicassh import probe

        return probe.named(self._loaded, names)

    @cached_property
    def store(self) -> Store:
        """The database. Raises DatabaseError, also where a newer program has upgraded it."""
        self.database.refuse_newer()
        return self.database

    @cached_property
    def database(self) -> Store:
        """The same whatever its schema is, for the commands that look after it. Raises DatabaseError."""
        from nicassh.store import Store

        return Store(self.config.database_url, self._loaded, stale=self.config.stale)

    @cached_property
    def queue(self) -> Queue:
        """The jobs of the database. Raises DatabaseError."""
        from nicassh.jobs import Queue

        config = self.config
        return Queue(
            self.store.engine, lease=config.lease, sessions=config.sessions, reserved=config.reserved,
            ceiling=config.ceiling, clock=self.store.clock,
        )  # fmt: skip

    def scene(self, nodes: Sequence[Node]) -> Scene:
        """These nodes as the database has them now. Raises DatabaseError."""
        from nicassh.views import Scene

        everyone = list(self.inventory.nodes.values())
        return Scene(self.store, nodes, self.config.stale, self.store.now(), everyone=everyone)


def session_of(ctx: click.Context) -> Session:
    """The session of a run; a fresh one while a shell asks for completions, which runs no command."""
    found = ctx.find_object(Session)
    return found or Session((ctx.find_root().params or {}).get("config"))


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
    from nicassh import nodes
    from nicassh.errors import NicamonError

    try:
        return nodes.complete(session_of(ctx).inventory, incomplete)
    except NicamonError:
        return []


def complete_probes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The names of probes, for the shell's completion."""
    from nicassh.errors import NicamonError

    try:
        return [probe.name for probe in session_of(ctx).probes() if probe.name.startswith(incomplete)]
    except NicamonError:
        return []
