"""The session with one node: login, then one script after the other.

Host keys are verified before any credential leaves this host.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
from gevent import socket as gsocket
from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN
from ssh2.exceptions import ChannelFailure, ChannelRequestDenied, SSH2Error
from ssh2.session import LIBSSH2_METHOD_HOSTKEY, Session

from nicassh.inventory import Node
from nicassh.model.errors import ConfigError
from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.transport.base import DRAIN_TIMEOUT, SHELL, ResponseBuffer
from nicassh.transport.host_keys import KnownHosts, fingerprint
from nicassh.transport.libssh2.authentication import authenticate
from nicassh.transport.libssh2.connection import Connection
from nicassh.transport.libssh2.failures import HOST_KEY, SHUT, NodeFailure
from nicassh.transport.libssh2.greeting import await_banner
from nicassh.transport.libssh2.identity import Identity
from nicassh.transport.libssh2.loop import Loop
from nicassh.transport.libssh2.watchdog import LOGIN, Watchdog

_CHUNK = 65536
_READ_PAUSE = 0.03
"""Seconds between two reads of an answer that comes in small packets: each wake-up costs CPU."""
_LARGE_BUFFER = 256 * 1024
"""Bytes of a node that the kernel buffers after the login."""
_AHEAD = 2560 * 1024
"""Bytes that may arrive beside an answer: the window of a channel, which is 2 MiB, and its packets."""


class Client(Connection):
    """A session with one node: `login`, then for each script `open`, `ask` and `finish_command`, at last `close`.

    `since` is the moment of the login, of the monotonic clock.
    """

    def __init__(self, node: Node, dog: Watchdog, loop: Loop) -> None:
        self.since = 0.0
        self._channel: Any = None
        super().__init__(node, dog, loop)

    def login(self, identity: Identity, hosts: KnownHosts, accept_new: bool, timeout: float) -> None:
        """Connects, exchanges keys, verifies the host key and authenticates. Raises NodeFailure and foreign errors."""
        self._verify(self.exchange_keys(hosts.preference(self.node), timeout), hosts, accept_new)
        self.phase = "authentication"
        authenticate(self, identity)
        self.phase = "session"
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _LARGE_BUFFER)
        self.since = time.monotonic()

    def exchange_keys(self, preference: str, timeout: float) -> bytes:
        """Connect and proves the server's host key, one of those types; give its public blob."""
        self.connect(timeout)
        self.phase = "greeting"
        await_banner(self)
        self.phase = "key exchange"
        self.session = Session()
        self.session.set_blocking(False)
        self.session.method_pref(LIBSSH2_METHOD_HOSTKEY, preference)
        self.eagain(self.session.handshake, self.sock)
        key: bytes = self.session.hostkey()[0]
        return key

    def open(self) -> None:
        """Start a shell that waits for its script."""
        self.phase, words = "session", ""
        self._line.allow(LOGIN)
        try:
            self._channel = self.eagain(self.session.open_session)
            self.eagain(self._channel.execute, SHELL)
        except ChannelFailure:
            words = f"opens no session (MaxSessions?): {clean(str(self.session.last_error()), 200)}"
        except ChannelRequestDenied:
            words = f"begins no command: {clean(str(self.session.last_error()), 200)}"
        if words:  # not within the clause above, whose error would keep the session
            raise NodeFailure(State.FAILED, f"logged in, but the node {words}")
        self.phase = "answer"

    def ask(self, script: bytes, answer: ResponseBuffer) -> None:
        """Run the script and fills the answer until it is complete, too large, or the node has no more to say."""
        channel, over = self._channel, 0.0
        self._line.allow(_AHEAD)
        with suppress(*SHUT):  # the shell ended early; what it said tells why
            self._write(script)
            self.eagain(channel.send_eof)
        while not answer.too_large:
            read = self._drain(channel, answer)
            if channel.eof() and not read:
                break
            if answer.complete:  # what a child that was left behind goes on to say is not waited for again and again
                over = over or time.monotonic() + DRAIN_TIMEOUT
            if not read and not self._wait_for_more(over):
                break
            if 0 < read < _CHUNK and not answer.complete:
                gevent.sleep(_READ_PAUSE)
        if channel.eof() and not answer.complete:
            self._await_end(channel, answer)

    def _await_end(self, channel: Any, answer: ResponseBuffer) -> None:
        """Learn how the shell ended, which the node says last; libssh2 tells no signal from an exit status 0."""
        with suppress(SSH2Error), gevent.Timeout(DRAIN_TIMEOUT, False):
            self.eagain(channel.close)
            self.eagain(channel.wait_closed)
        answer.shell_ended(channel.get_exit_status() or None)

    def finish_command(self) -> bool:
        """Close the channel. Returns whether the shell ended in order, so that the session can be used again."""
        if not self._channel.eof():
            return False
        with gevent.Timeout(DRAIN_TIMEOUT, False):
            self.eagain(self._channel.close)
            self.eagain(self._channel.wait_closed)
            self._let_go()
            return True
        return False

    def peer_closed(self) -> bool:
        """Return whether the node has ended a session in which no command runs."""
        waiter = select.poll()
        waiter.register(self.sock.fileno(), select.POLLRDHUP)  # seen also behind words that were not read yet
        return bool(waiter.poll(0))

    def close(self) -> None:
        """End the session. Its channel holds it, and goes first."""
        self._let_go()
        super().close()

    def _let_go(self) -> None:
        """Free the channel."""
        if self._channel is not None:
            with self._line:
                self._channel = None

    def _write(self, data: bytes) -> None:
        """Send all of it to the channel."""
        while data:
            with self._line:
                code, sent = self._channel.write(data)
            data = data[sent:]
            if code == LIBSSH2_ERROR_EAGAIN:
                self._wait()

    def _wait_for_more(self, over: float) -> bool:
        """Wait until there is something to read; False where the moment `over` came first, if there is one."""
        limit = max(0.0, over - time.monotonic()) if over else None
        try:
            gsocket.wait_read(self.sock.fileno(), timeout=limit, timeout_exc=TimeoutError)
        except TimeoutError:
            return False
        return True

    def _verify(self, key: bytes, hosts: KnownHosts, accept_new: bool) -> None:
        state = hosts.verdict(self.node, key)
        if state is State.HOST_KEY_UNKNOWN and accept_new:
            try:
                state = self._loop.wait_for(partial(hosts.record, self.node, key))
            except ConfigError as error:
                raise NodeFailure(state, f"its host key cannot be recorded: {error}") from error
        if state is not State.OK:
            raise NodeFailure(state, f"{HOST_KEY[state]}: {fingerprint(key)}")

    def _drain(self, channel: Any, answer: ResponseBuffer) -> int:
        """Take what has arrived on both streams, and return how many bytes that was.

        Reading one stream takes packets of both from the socket, so afterwards the queues are asked:
        a wait for the socket would miss what lies there already.
        """
        before = len(answer.output) + len(answer.errors)
        while not answer.too_large:
            for method, is_error in ((channel.read, False), (channel.read_stderr, True)):
                size = 1
                while size > 0 and not answer.too_large:
                    with self._line:
                        size, data = method(_CHUNK)
                    answer.receive(data, is_error)
                    self._line.grant(2 * len(data))
                if size < 0 and size != LIBSSH2_ERROR_EAGAIN:
                    self._line.check()
                    raise NodeFailure(State.TRUNCATED, "the connection was lost before the answer was complete")
            self._line.check()
            if not (channel.poll_channel_read(0) or channel.poll_channel_read(1)):
                break
        return len(answer.output) + len(answer.errors) - before
