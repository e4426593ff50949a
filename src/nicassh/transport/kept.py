"""Sessions that wait for their node's next task."""

from __future__ import annotations

import time
from pathlib import Path

from nicassh.inventory import Node
from nicassh.transport.client import Client

Login = tuple[str, str, int, str | None, tuple[Path, ...], tuple[Path, ...], bool, str]
"""All of a node's record that its login depends on."""


class Kept:
    """Authenticated sessions with nothing open in them, the least recently used first.

    `lifetime` is the time in seconds after its login in which a session may be used.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._clients: dict[Login, Client] = {}

    def __contains__(self, node: Node) -> bool:
        """Whether there is a session with this node, made for the record that it has now."""
        return _login(node) in self._clients

    def keep(self, client: Client) -> None:
        """Takes a session in; one that another task of this node left here meanwhile is ended."""
        other = self._clients.pop(_login(client.node), None)
        if other:
            other.close()
        self._clients[_login(client.node)] = client

    def take(self, node: Node) -> Client | None:
        """The node's session, no longer kept; None where there is none that is young and still open."""
        client = self._clients.pop(_login(node), None)
        if client and (self._old(client) or client.hung_up()):
            client.close()
            return None
        return client

    def sweep(self) -> None:
        """Ends the sessions that are too old."""
        for login in [login for login, client in self._clients.items() if self._old(client)]:
            self._clients.pop(login).close()

    def shrink(self, size: int) -> None:
        """Ends the least recently used sessions until there are no more than that."""
        while len(self._clients) > max(0, size):
            self._clients.pop(next(iter(self._clients))).close()

    def _old(self, client: Client) -> bool:
        return time.monotonic() - client.since > self._lifetime


def _login(node: Node) -> Login:
    return (
        node.name,
        node.address,
        node.port,
        node.user,
        node.identity,
        node.known_hosts,
        node.identities_only,
        node.host_key_alias,
    )
