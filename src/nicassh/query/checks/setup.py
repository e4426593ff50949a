"""What the checks look at: the sources of all tables, and the nodes, each asked once for all checks together."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from queue import Empty, SimpleQueue
from threading import Thread

from nicassh.collection.commands import Command, CommandResult, command_limits, run_command
from nicassh.inventory import Node, fold
from nicassh.query.registry import Request, Sources
from nicassh.transport import Connections

SECONDS = 5
"""The longest time for a name lookup, for a login, and for the command that each node runs."""
_LOOKERS = 32
"""Names that are looked up at the same time."""


class Setup:
    """A set-up that is checked. `only` is an expression of the nodes to ask, "" for all."""

    def __init__(self, request: Request, only: str = "") -> None:
        self.request, self._only = request, only
        self.sources: Sources = request.sources

    @cached_property
    def nodes(self) -> list[Node]:
        """Return the nodes to ask. Raises InventoryError."""
        return self.sources.select(self._only)

    @cached_property
    def remote(self) -> list[Node]:
        """Return the nodes that are reached by SSH."""
        return [node for node in self.nodes if node.uses_ssh and not node.barred]

    @cached_property
    def unknown(self) -> dict[str, str]:
        """Return the nodes whose address cannot be looked up, with the reason."""
        faults = lookup_faults(node.address for node in self.remote)
        return {node.name: faults[node.address] for node in self.remote if faults[node.address]}

    @property
    def answers(self) -> dict[str, CommandResult]:
        """Return what each node answered to `date`. Raises ConfigError where files of host keys cannot be used."""
        return self._asked[0]

    @property
    def ahead(self) -> dict[str, float]:
        """Return by how many seconds the clock of each node is ahead of this machine. Raises ConfigError."""
        return self._asked[1]

    @cached_property
    def _asked(self) -> tuple[dict[str, CommandResult], dict[str, float]]:
        config, command = self.sources.config, Command("date -u +%s", SECONDS)
        # No host key is recorded by a check.
        limits = replace(
            command_limits(config, None, command),
            connect_timeout=min(config.connect_timeout, SECONDS), timeout=2 * SECONDS, host_keys="strict",
        )  # fmt: skip
        found: dict[str, CommandResult] = {}
        ahead: dict[str, float] = {}
        with Connections(limits) as connections:
            for result in run_command(self.nodes, command, connections):
                found[result.node.name] = result
                if result.output.strip().isdecimal():
                    ahead[result.node.name] = int(result.output) - time.time()
        return found, ahead

    @cached_property
    def reached(self) -> list[Node]:
        """Return the nodes that ran the command."""
        return [node for node in self.nodes if self.answers[node.name].is_ok]


def lookup_faults(names: Iterable[str], seconds: float = SECONDS) -> dict[str, str]:
    """Return for each name why it has no address; "" where it has one."""
    waiting: SimpleQueue[str] = SimpleQueue()
    done: SimpleQueue[tuple[str, str]] = SimpleQueue()
    found = dict.fromkeys(names, f"no answer within {seconds:g} s")
    for name in found:
        waiting.put(name)

    def work() -> None:
        try:
            while True:
                name = waiting.get_nowait()
                done.put((name, _fault(name)))
        except Empty:
            pass

    # Threads that nobody waits for at the end: a name server that does not answer holds one up for long.
    for _ in range(min(_LOOKERS, len(found))):
        Thread(target=work, name="lookup", daemon=True).start()
    end = time.monotonic() + seconds * (1 + len(found) // _LOOKERS)
    for _ in found:
        try:
            name, fault = done.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        found[name] = fault
    return found


def _fault(name: str) -> str:
    try:
        socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def by_words(words: Mapping[str, str], most: int = 5) -> str:
    """Return nodes with what is wrong with them, those alike together: `nc[3,7]: no route to the host; …`."""
    alike: dict[str, list[str]] = {}
    for node, text in words.items():
        alike.setdefault(text, []).append(node)
    parts = [f"{fold(nodes)}: {text}" for text, nodes in sorted(alike.items(), key=lambda item: -len(item[1]))]
    return "; ".join([*parts[:most], *([f"and {len(parts) - most} more"] if len(parts) > most else [])])
