"""The user's ssh-agent, spoken to in the event loop and with deadlines: a forwarded one may hang for good.

The messages are those of draft-ietf-sshm-ssh-agent. What an agent says is judged here: no more than its form reaches
libssh2.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import gevent
from gevent import socket as gsocket

from nicassh.transport.libssh2.key_file import string

TIMEOUT = 3.0
"""Seconds in which an agent must list its keys."""
FAILURE = b"\x05"
_LIST, KEYS, SIGN, _SIGNED = 11, 12, 13, 14
_LIMIT = 256 * 1024
"""Bytes of the longest message, as with ssh itself."""
_LONGEST = 32 * 1024
"""Bytes of the longest key or signature that is passed on."""
_POLL_INTERVAL = 0.05
"""Seconds between two attempts to connect."""


class AgentError(Exception):
    """The agent cannot be used; the text says why."""


@dataclass(frozen=True)
class AgentKey:
    """A key of the agent: its public part, and what its owner calls it."""

    blob: bytes
    comment: bytes


class Agent:
    """A connection to the agent at a socket."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket: Any = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Agent:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def keys(self) -> list[AgentKey]:
        """Connect and ask for the keys; raise AgentError where there is no list within TIMEOUT."""
        try:
            with gevent.Timeout(TIMEOUT, TimeoutError):
                self._connect()
                return _listed(self._exchange(bytes([_LIST])))
        except TimeoutError:
            raise AgentError("the agent does not answer") from None
        except (OSError, ValueError) as error:  # a path that is too long or holds a NUL is no value to connect to
            words = getattr(error, "strerror", None) or error
            raise AgentError(f"no agent answers at SSH_AUTH_SOCK ({self._path}: {words})") from None

    def sign(self, request: bytes) -> bytes:
        """Return the agent's answer to a request to sign: a signature, or FAILURE. Never raises.

        It waits as long as the caller lets it: the owner may have to confirm, and a token takes its time.
        """
        try:
            answer = self._exchange(request)
        except (OSError, AgentError):
            return FAILURE
        signature, rest = string(answer[1:])
        good = answer[:1] == bytes([_SIGNED]) and signature and not rest and len(answer) < _LONGEST
        return answer if good else FAILURE

    def _connect(self) -> None:
        """Connects. Tries again and again where the agent has no room: waiting for the socket would not help."""
        self._socket.setblocking(False)
        while True:
            with suppress(BlockingIOError):
                self._socket.connect(self._path)
                break
            gevent.sleep(_POLL_INTERVAL)
        self._socket = gsocket.socket(fileno=self._socket.detach())

    def _exchange(self, request: bytes) -> bytes:
        self._socket.sendall(framed(request))
        size = int.from_bytes(self._read(4), "big")
        if not 0 < size <= _LIMIT:
            raise AgentError(f"the agent's answer cannot be read: it announces {size} bytes")
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            part = self._socket.recv(min(size - len(data), 65536))
            if not part:
                raise AgentError("the agent closed the connection in the midst of its answer")
            data += part
        return bytes(data)


def framed(message: bytes) -> bytes:
    """Return a message with its length in front, as it goes over the socket."""
    return len(message).to_bytes(4, "big") + message


def answer_of(keys: list[AgentKey]) -> bytes:
    """Return the message that lists some keys. It leaves their comments out."""
    return bytes([KEYS]) + len(keys).to_bytes(4, "big") + b"".join(framed(key.blob) + framed(b"") for key in keys)


def _listed(answer: bytes) -> list[AgentKey]:
    if answer[:1] == FAILURE:
        raise AgentError("the agent refuses to list its keys")
    count, rest = int.from_bytes(answer[1:5], "big"), answer[5:]
    keys = []
    while rest:
        blob, rest = string(rest)
        if len(rest) < 4 or not string(blob)[0]:
            break
        comment, rest = string(rest)
        keys.append(AgentKey(blob, comment))
    if answer[0] != KEYS or len(keys) != count:
        raise AgentError("the agent's list of keys cannot be read")
    return [key for key in keys if len(key.blob) < _LONGEST]
