"""Names of nodes to addresses, by the system's own resolver, each in a thread of its own.

So /etc/hosts, sssd, mDNS and whatever else nsswitch.conf names hold here as everywhere on this host. A look-up cannot
be broken off: one that its node has given up ends when the system gives up, beside all others.
"""

from __future__ import annotations

import socket
from typing import Any

import gevent
from gevent import socket as gsocket

_ROOM = 1000
"""Look-ups at the same time. gevent allows for ten: an eleventh waits for one of them, in vain if no server answers."""


def addresses(host: str, port: int) -> list[Any]:
    """getaddrinfo(3), which needs no thread for a numeric address. Raises OSError."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        threads = gevent.get_hub().threadpool
        threads.maxsize = max(threads.maxsize, _ROOM)
        found: list[Any] = gsocket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return found
