"""The greeting of a node: what stands before its SSH banner is read here, within bounds.

libssh2 skips such lines without any bound, and forgets them. They are sshd's own words where it turns a connection
away (`Exceeded MaxStartups`, `Not allowed at this time`), or those of something that is no sshd at all.
"""

from __future__ import annotations

import socket

from gevent import socket as gsocket

from nicassh.model.outcome import State
from nicassh.model.units import draw_bytes
from nicassh.transport.libssh2.connection import Connection
from nicassh.transport.libssh2.failures import NodeFailure, quoted

_MOST = 16 * 1024
"""Bytes that may stand before the banner (RFC 4253, 4.2 sets no bound)."""
_LINE = 255
"""Bytes of a banner at most (RFC 4253, 4.2)."""
_LEAST = 32
"""Bytes that even the shortest line counts for."""
_MAGIC = b"SSH-"
_SPOKEN = (b"SSH-2.", b"SSH-1.99-")


def await_banner(connection: Connection) -> None:
    """Take what comes before the banner, keep its last line in `connection.said`, and leaves the banner to libssh2.

    Raises NodeFailure where no banner of SSH 2 comes, and OSError.
    """
    left, line, seen = _MOST, b"", 0
    while True:
        data = connection.sock.recv(1024, socket.MSG_PEEK)
        if len(data) == seen:  # nothing was added to the beginning of a banner, so nothing more will come
            raise ConnectionResetError
        end = data.find(b"\n") + 1
        if not line and _MAGIC.startswith(data[: len(_MAGIC)]) and (end or len(data)) <= _LINE:
            if end:
                return _check(data[:end])
            connection.said, seen = data, len(data)
            _await_more(connection.sock, seen)
            continue
        part = data[: end or len(data)]
        left -= max(len(part), _LEAST)
        if left < 0:
            raise NodeFailure(
                State.UNREACHABLE, f"the node sent {draw_bytes(_MOST)} and no SSH greeting{quoted(connection.said)}"
            )
        connection.sock.recv(len(part))
        connection.said = line + part if (line + part).strip() else connection.said
        line, seen = b"" if end else line + part, 0


def _check(banner: bytes) -> None:
    if not banner.startswith(_SPOKEN):
        raise NodeFailure(State.UNREACHABLE, f"the node does not speak SSH 2{quoted(banner)}")


def _await_more(sock: gsocket.socket, number: int) -> None:
    """Wait until more than so many bytes lie there, or the node hangs up."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, number + 1)
    try:
        gsocket.wait_read(sock.fileno())
    finally:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
