"""Sessions that wait for their node's next request."""

from __future__ import annotations

import time
from pathlib import Path

from nicassh.inventory import Node
from nicassh.transport.libssh2.client import Client

Login = tuple[str, str, int, str | None, tuple[Path, ...], tuple[Path, ...], bool, str]
"""All of a node's description that its login depends on."""


class SessionPool:
    """Authenticated sessions in which no command runs, the least recently used first.

    `lifetime` is the time in seconds after its login in which a session may be used.
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self._clients: dict[Login, Client] = {}

    def __contains__(self, node: Node) -> bool:
        """Return whether there is a session that was made for this node as it is described now."""
        return _login(node) in self._clients

    def put(self, client: Client) -> None:
        """Add a session. Closes the one that another request to the same node left here meanwhile."""
        other = self._clients.pop(_login(client.node), None)
        if other:
            other.close()
        self._clients[_login(client.node)] = client

    def get(self, node: Node) -> Client | None:
        """Take the node's session out and return it; None where there is none that is young and still open."""
        client = self._clients.pop(_login(node), None)
        if client and (self._is_expired(client) or client.peer_closed()):
            client.close()
            return None
        return client

    def expire(self) -> None:
        """Close the sessions that are older than their lifetime."""
        for login in [login for login, client in self._clients.items() if self._is_expired(client)]:
            self._clients.pop(login).close()

    def evict(self, size: int) -> None:
        """Close the least recently used sessions until at most `size` are left."""
        while len(self._clients) > max(0, size):
            self._clients.pop(next(iter(self._clients))).close()

    def _is_expired(self, client: Client) -> bool:
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
