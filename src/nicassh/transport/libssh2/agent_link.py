"""libssh2's connection to an agent, of which we hold the other end.

libssh2 stops the whole process while it waits for an agent. So it never meets the real one: it finds the list of keys
before it asks for them, and its requests to sign are handed out, to be answered in the event loop.
"""

from __future__ import annotations

import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN

from nicassh.transport.libssh2.agent import SIGN, AgentError, AgentKey, answer_of, framed


class AgentLink:
    """Keys that libssh2 may offer, for one session; our end must outlive each call, so it is closed at the end."""

    def __init__(self, session: Any, keys: list[AgentKey]) -> None:
        try:
            self._agent, self._far = _connected(session)
            words = ""
        except OSError as error:
            words = f"the agent cannot be used: {error.strerror or error}"
        if words:  # not within the clause above, whose error would keep the session
            raise AgentError(words)
        self._heard = bytearray()
        self._repeated = False
        self._far.sendall(framed(answer_of(keys)))
        self.keys: list[Any] = self._agent.get_identities()
        self._requests()

    def __enter__(self) -> AgentLink:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._agent, self.keys = None, []
        self._far.close()

    def offer(self, user: str, index: int) -> int | bytes:
        """Go on offering a key: 0 where it is done, libssh2's code where it waits for the node, or a request to sign.

        `answer` takes what the agent says to that, and then this is called again. Raises SSH2Error for a refusal.
        """
        try:
            code: int = self._agent.userauth(user, self.keys[index])
        finally:
            requests = self._requests()
        if self._repeated:  # after each wait libssh2 begins anew, and says the same again
            self._repeated = False
            del requests[:1]
        signing = [request for request in requests if request[:1] == bytes([SIGN])]
        return signing[0] if code == LIBSSH2_ERROR_EAGAIN and signing else code

    def answer(self, message: bytes) -> None:
        """Hand libssh2 the agent's answer to its request."""
        self._far.sendall(framed(message))
        self._repeated = True

    def _requests(self) -> list[bytes]:
        """Return what libssh2 has asked for since the last call."""
        with suppress(BlockingIOError):
            while data := self._far.recv(65536):
                self._heard += data
        found = []
        while len(self._heard) >= 4 and len(self._heard) >= (end := 4 + int.from_bytes(self._heard[:4], "big")):
            found.append(bytes(self._heard[4:end]))
            del self._heard[:end]
        return found


def _connected(session: Any) -> tuple[Any, socket.socket]:
    """Return an agent of libssh2 and the other end of its connection. Neither ever blocks."""
    with tempfile.TemporaryDirectory(prefix="nicamon-") as folder, socket.socket(socket.AF_UNIX) as listener:
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        # The address of a socket must be short, that of the folder may be long. No other connection has this name.
        path = f"/proc/self/fd/{place}/{Path(folder).name}"
        try:
            listener.bind(path)
            listener.listen(1)
            agent = session.agent_init()
            agent.set_identity_path(path)
            guess = os.dup(place)
            os.close(guess)
            agent.connect()  # the kernel completes it, whether or not somebody accepts
        finally:
            os.close(place)
        far, _ = listener.accept()
    far.setblocking(False)
    _unblock(path, guess)
    return agent, far


def _unblock(path: str, guess: int) -> None:
    """Make libssh2's end, which it does not tell us, non-blocking: it is the one whose peer has this name."""
    for descriptor in (guess, *map(int, os.listdir("/proc/self/fd"))):  # noqa: PTH208 names are enough
        with suppress(OSError), _same(descriptor) as near:
            if near.family == socket.AF_UNIX and near.getpeername() == path:
                near.setblocking(False)  # that is of the open file, and so of each descriptor for it
                return
    raise OSError("libssh2's connection to the agent cannot be found")


def _same(descriptor: int) -> socket.socket:
    """Return another descriptor for the same socket. Raises OSError where it is no socket."""
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise
