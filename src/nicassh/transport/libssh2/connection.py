"""The connection under an SSH session: parallel-ssh's client on libssh2, made safe for a farm.

It differs from the client of the library (figures in docs/decisions.md): every step waits for the socket in the event
loop, no step polls, and none blocks the other nodes. The phase is known when a deadline strikes.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

from gevent import socket as gsocket
from pssh.clients.native import SSHClient
from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN
from ssh2.exceptions import SSH2Error
from ssh2.session import LIBSSH2_SESSION_BLOCK_INBOUND

from nicassh.inventory import Node
from nicassh.transport.libssh2.failures import Flood
from nicassh.transport.libssh2.lookup import addresses
from nicassh.transport.libssh2.loop import Loop
from nicassh.transport.libssh2.watchdog import Line, Watchdog

_SMALL_BUFFER = 4096
"""Bytes of a node that the kernel buffers before the login: we want to notice a flood before it is large."""


class Connection(SSHClient):  # type: ignore[misc]
    """A TCP connection to a node, and libssh2's session on it when there is one.

    `phase` names the step that is under way, for the words of a timeout. `said` is the last line that the node
    wrote before its SSH greeting.
    """

    def __init__(self, node: Node, dog: Watchdog, loop: Loop) -> None:
        self.node = node
        self.said = b""
        self.phase = "connection"
        self.sock: Any = None
        self.session: Any = None
        self._dog, self._loop = dog, loop
        self._line: Any = None
        super().__init__(
            node.address, user=node.user, port=node.port, alias=node.name,
            num_retries=1, keepalive_seconds=0, allow_agent=False, identity_auth=False,
        )  # fmt: skip

    def _init(self) -> None:
        """Do nothing. The client of the library would log in here."""

    def connect(self, timeout: float) -> None:
        """Connect to the first address of the node that answers. All addresses share the timeout, in seconds."""
        self.phase = "name lookup"
        found = addresses(self.node, self._loop)
        self.phase = "connection"
        for index, (family, kind, protocol, _, address) in enumerate(found):
            self.sock = gsocket.socket(family, kind, protocol)
            self.sock.settimeout(timeout / len(found))
            try:
                if self.node.bind_address:
                    self.sock.bind((self.node.bind_address, 0))
                self.sock.connect(address)
            except OSError:
                self.sock.close()
                if index + 1 == len(found):
                    raise
            else:
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
                self._line = Line(self._dog, self.sock)
                return

    def eagain(self, method: Any, *arguments: Any) -> Any:
        """Call libssh2 until it is done, and wait for the socket in between. Raises Flood.

        Every call that reads or writes goes through here, or is made inside the connection's `Line`.
        """
        while True:
            with self._line:
                result = method(*arguments)
            if result != LIBSSH2_ERROR_EAGAIN:
                return result
            self._wait()

    def close(self) -> None:
        """End the session and free its descriptor at once; the client of the library leaks it."""
        sock, self.sock = self.sock, None
        session, self.session = self.session, None
        if session is not None:
            with suppress(SSH2Error, OSError, Flood), self._line:  # the node may be gone, and one attempt is enough
                session.disconnect()
            # libssh2 frees nothing while it still has to send something. After the socket is shut there is nothing.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            session.set_blocking(True)
            with self._line:
                del session
        if sock is not None:
            sock.close()

    def _disconnect(self) -> None:
        self.close()

    def _wait(self) -> None:
        """Wait for the socket itself; the client of the library wakes up a thousand times a second."""
        self._line.check()
        if self.session.block_directions() & LIBSSH2_SESSION_BLOCK_INBOUND:
            gsocket.wait_read(self.sock.fileno())
        else:
            gsocket.wait_write(self.sock.fileno())
