"""Servers that mean harm, one for each way to do it, all in a process of their own that ends with its standard input.

    python hostile_servers.py FOLDER

Each listens on a port of its own; which, and the host key of those that let one in, is printed as one line of JSON.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import paramiko

BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"
MOST = 60.0
"""Seconds after which a flood ends in any case."""


def packet(kind: int, body: bytes) -> bytes:
    """A packet of SSH before the keys are exchanged (RFC 4253, 6): no cipher, no MAC."""
    padding = 4 + (-len(body) - 10) % 8
    return (len(body) + padding + 2).to_bytes(4, "big") + bytes([padding, kind]) + body + bytes(padding)


def text(words: bytes) -> bytes:
    """A string of SSH: its length, and its bytes."""
    return len(words).to_bytes(4, "big") + words


BEFORE: dict[str, tuple[bytes, bytes, float]] = {
    "lines": (b"", b"a line before the greeting\r\n" * 1000, 0),
    "empty lines": (b"", b"\n" * 30000, 0),
    "one line": (b"", b"x" * 30000, 0),
    "ignore": (BANNER, packet(2, text(b"x" * 30000)), 0),
    "small ignore": (BANNER, packet(2, text(b"x")) * 1000, 0),
    "debug": (BANNER, packet(4, b"\1" + text(b"x" * 30000) + text(b"")), 0),
    "huge packet": (BANNER + b"\x7f\xff\xff\xff\x04\x14", b"x" * 30000, 0),
    "silence": (b"", b"", 1),
    "silence after the banner": (BANNER, b"", 1),
    "slow lines": (b"", b"x", 1),
    "slow banner": (b"SSH-", b"x", 1),
    "slow key exchange": (BANNER + packet(20, bytes(1200))[:700], b"\0", 1),
}
"""What is said first, what again and again, and the seconds in between."""
LOUD: dict[str, tuple[int, bytes]] = {
    "ignore within": (2, text(b"x" * 30000)),
    "small ignore within": (2, text(b"x")),
    "debug within": (4, b"\1" + text(b"x" * 30000) + text(b"")),
    "global requests": (80, text(b"x" * 30000) + b"\0"),
    "unknown packets": (199, b"x" * 30000),
    "small unknown packets": (199, b"x"),
    "banners": (53, text(b"x" * 30000) + text(b"")),
    "window": (93, bytes(8)),
}
"""Packets that are sent without end once a command was asked for: type and content."""
WITHIN = ("silent login", "slow login", "silent answer", "slow answer", *LOUD)


class Slowly:
    """A socket that sends one byte a second once it is told to."""

    def __init__(self, peer: socket.socket) -> None:
        self._peer, self.slow = peer, False

    def send(self, data: bytes) -> int:
        if self.slow:
            time.sleep(1)
        return self._peer.send(data[:1] if self.slow else data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)


class Door(paramiko.ServerInterface):
    """Lets everybody in, and then does what it is there for."""

    def __init__(self, kind: str, sock: Slowly, asked: Callable[[paramiko.Channel], None]) -> None:
        self._kind, self._sock, self._asked = kind, sock, asked

    def get_allowed_auths(self, _username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, _username: str, _key: paramiko.PKey) -> int:
        self._sock.slow = self._kind == "slow login"
        if self._kind == "silent login":
            time.sleep(MOST)
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, _kind: str, _chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, _command: bytes) -> bool:
        threading.Thread(target=self._asked, args=(channel,), daemon=True).start()
        return True


def before(kind: str, peer: socket.socket) -> None:
    """Says what is to be said before the login, until the other side has enough."""
    first, again, pause = BEFORE[kind]
    peer.sendall(first)
    end = time.monotonic() + MOST
    while time.monotonic() < end:
        peer.sendall(again)
        time.sleep(pause)


def within(kind: str, key: paramiko.PKey, count: Path, peer: socket.socket) -> None:
    """Lets one in, and notes in the file that a command was asked for."""
    slowly = Slowly(peer)
    transport = paramiko.Transport(slowly)

    def asked(channel: paramiko.Channel) -> None:
        with count.open("a") as file:
            file.write("asked\n")
        end = time.monotonic() + MOST
        with suppress(OSError, EOFError):
            while time.monotonic() < end and transport.is_active():
                if kind in LOUD:
                    flood(transport, *LOUD[kind])
                elif kind == "slow answer":
                    channel.send(b"x")
                time.sleep(0 if kind in LOUD else 1)

    transport.add_server_key(key)
    transport.start_server(server=Door(kind, slowly, asked))
    transport.join(MOST)
    transport.close()


def flood(transport: paramiko.Transport, kind: int, content: bytes) -> None:
    """Sends the packet some times."""
    message = paramiko.Message()
    message.add_byte(bytes([kind]))
    message.add_bytes(content)
    for _ in range(100):
        transport._send_message(message)


def listen(serve: Callable[[socket.socket], None]) -> int:
    """Serves each connection in a thread; the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def one(peer: socket.socket) -> None:
        with peer, suppress(OSError, EOFError, paramiko.SSHException):  # it hung up, which is what it should do
            serve(peer)

    def accept() -> None:
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def main() -> None:
    """Serves until standard input ends."""
    logging.disable()
    folder = Path(sys.argv[1])
    key = paramiko.ECDSAKey.generate()
    ports = {kind: listen(partial(before, kind)) for kind in BEFORE}
    ports |= {kind: listen(partial(within, kind, key, folder / f"{kind}.asked")) for kind in WITHIN}
    print(json.dumps({"ports": ports, "key": f"{key.get_name()} {key.get_base64()}"}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
