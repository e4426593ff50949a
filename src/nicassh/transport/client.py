"""One node's SSH session: parallel-ssh's client on libssh2, made safe for a farm.

What differs from the stock client, and why (figures in docs/decisions.md): host keys are verified
before any credential leaves; every step waits for the socket in the event loop, none polls and none
blocks the other nodes, authentication included; the phase is known when a deadline strikes.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from typing import Any

import gevent
from gevent import socket as gsocket
from pssh.clients.native import SSHClient
from ssh2.error_codes import LIBSSH2_ERROR_EAGAIN
from ssh2.exceptions import ChannelFailure, ChannelRequestDenied, SSH2Error
from ssh2.session import LIBSSH2_METHOD_HOSTKEY, LIBSSH2_SESSION_BLOCK_INBOUND, Session

from nicassh.inventory import Node
from nicassh.model.errors import ConfigError
from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.transport.authentication import authenticate
from nicassh.transport.family import fitting
from nicassh.transport.faults import SHUT, Fault, Flood
from nicassh.transport.greeting import await_banner
from nicassh.transport.hostkeys import KnownHosts, fingerprint
from nicassh.transport.identity import Identity
from nicassh.transport.names import addresses
from nicassh.transport.task import COMMAND, LINGER, Answer
from nicassh.transport.watchdog import LOGIN, Line, Watchdog

_CHUNK = 65536
_NARROW, _ROOMY = 4096, 256 * 1024
"""Bytes that the kernel keeps of what a node sends: until its login, where we want to be quicker than it, and then."""
_AHEAD = 2560 * 1024
"""Bytes that may come beside an answer: the window of a channel, which is 2 MiB, and its packets."""


class Client(SSHClient):  # type: ignore[misc]
    """A session with one node: `login`, then for each script `open`, `ask` and `settle`, at last `close`.

    `phase` names the step that is under way, for the words of a timeout; `said` is the last line that the node
    wrote before its greeting; `since` is the moment of the login, of the monotonic clock.
    """

    def __init__(self, node: Node, dog: Watchdog) -> None:
        self.node = node
        self.said = b""
        self._dog = dog
        self._line: Any = None
        self.phase = "connection"
        self.since = 0.0
        self._channel: Any = None
        self.sock: Any = None
        self.session: Any = None
        super().__init__(
            node.address, user=node.user, port=node.port, alias=node.name,
            num_retries=1, keepalive_seconds=0, allow_agent=False, identity_auth=False,
        )  # fmt: skip

    def _init(self) -> None:
        """Nothing: the stock client logs in while it is being made."""

    def login(self, identity: Identity, hosts: KnownHosts, accept_new: bool, patience: float) -> None:
        """Connects, exchanges keys, verifies the host key and authenticates; raises Fault or what its parts raise."""
        self._verify(self.exchange_keys(hosts.preference(self.node), patience), hosts, accept_new)
        self.phase = "authentication"
        authenticate(self, identity)
        self.phase = "session"
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOMY)
        self.since = time.monotonic()

    def exchange_keys(self, preference: str, patience: float) -> bytes:
        """Connects and proves the server's host key, one of those types; gives its public blob."""
        self._reach(patience)
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
        """Starts a shell that waits for its script."""
        self.phase, words = "session", ""
        self._line.allow(LOGIN)
        try:
            self._channel = self.eagain(self.session.open_session)
            self.eagain(self._channel.execute, COMMAND)
        except ChannelFailure:
            words = f"opens no session (MaxSessions?): {clean(str(self.session.last_error()), 200)}"
        except ChannelRequestDenied:
            words = f"begins no command: {clean(str(self.session.last_error()), 200)}"
        if words:  # not within the clause above, whose error would keep the session
            raise Fault(State.FAILED, f"logged in, but the node {words}")
        self.phase = "answer"

    def ask(self, script: bytes, answer: Answer) -> None:
        """Runs the script and fills the answer until it is complete, too large, or the node has no more to say."""
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
                over = over or time.monotonic() + LINGER
            if not read and not self._wait_for_more(over):
                break
        if channel.eof() and not answer.complete:
            self._await_end(channel, answer)

    def _await_end(self, channel: Any, answer: Answer) -> None:
        """Learns how the shell ended, which the node says last; libssh2 tells no signal from an exit status 0."""
        with suppress(SSH2Error), gevent.Timeout(LINGER, False):
            self.eagain(channel.close)
            self.eagain(channel.wait_closed)
        answer.ended(channel.get_exit_status() or None)

    def settle(self) -> bool:
        """Whether the shell ended in order and nothing of it is left: then the session is good for another."""
        if not self._channel.eof():
            return False
        with gevent.Timeout(LINGER, False):
            self.eagain(self._channel.close)
            self.eagain(self._channel.wait_closed)
            self._let_go()
            return True
        return False

    def hung_up(self) -> bool:
        """Whether the node has ended a session in which nothing is under way."""
        waiter = select.poll()
        waiter.register(self.sock.fileno(), select.POLLRDHUP)  # seen also behind words that were not read yet
        return bool(waiter.poll(0))

    def close(self) -> None:
        """Ends the session and frees its descriptor at once; the stock client leaks it."""
        self._let_go()  # it holds the session, which could not be freed before the socket
        sock, self.sock = self.sock, None
        session, self.session = self.session, None
        if session is not None:
            with suppress(SSH2Error, OSError, Flood), self._line:  # the node may be gone, and one attempt is enough
                session.disconnect()
            # libssh2 frees nothing while a word to the node is still to be said: with the socket shut there is none.
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            session.set_blocking(True)
            with self._line:
                del session
        if sock is not None:
            sock.close()

    _disconnect = close

    def eagain(self, method: Any, *arguments: Any) -> Any:
        """Calls libssh2 until it is done, and waits for the socket in between. Raises Flood.

        Every call that reads or writes goes this way, or is surrounded by the connection's `Line`.
        """
        while True:
            with self._line:
                result = method(*arguments)
            if result != LIBSSH2_ERROR_EAGAIN:
                return result
            self._wait()

    def _let_go(self) -> None:
        """Frees the channel."""
        if self._channel is not None:
            with self._line:
                self._channel = None

    def _write(self, data: bytes) -> None:
        """Sends all of it to the channel."""
        while data:
            with self._line:
                code, sent = self._channel.write(data)
            data = data[sent:]
            if code == LIBSSH2_ERROR_EAGAIN:
                self._wait()

    def _wait(self) -> None:
        """Waits for the socket itself; the stock client wakes up a thousand times a second."""
        self._line.check()
        if self.session.block_directions() & LIBSSH2_SESSION_BLOCK_INBOUND:
            gsocket.wait_read(self.sock.fileno())
        else:
            gsocket.wait_write(self.sock.fileno())

    def _wait_for_more(self, over: float) -> bool:
        """Waits until there is something to read; False where the moment `over` came first, if there is one."""
        limit = max(0.0, over - time.monotonic()) if over else None
        try:
            gsocket.wait_read(self.sock.fileno(), timeout=limit, timeout_exc=TimeoutError)
        except TimeoutError:
            return False
        return True

    def _reach(self, patience: float) -> None:
        """A TCP connection to the first address that takes one; all share the patience, in seconds."""
        self.phase = "name lookup"
        found = fitting(addresses(self.host, self.port), self.node)
        self.phase = "connection"
        for index, (family, kind, protocol, _, address) in enumerate(found):
            self.sock = gsocket.socket(family, kind, protocol)
            self.sock.settimeout(patience / len(found))
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
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW)
                self._line = Line(self._dog, self.sock)
                return

    def _verify(self, key: bytes, hosts: KnownHosts, accept_new: bool) -> None:
        state = hosts.verdict(self.node, key)
        if state is State.HOST_KEY_UNKNOWN and accept_new:
            try:
                state = hosts.record(self.node, key)
            except ConfigError as error:
                raise Fault(state, f"its host key cannot be recorded: {error}") from error
        if state is not State.OK:
            raise Fault(state, f"{_HOST_KEY[state]}: {fingerprint(key)}")

    def _drain(self, channel: Any, answer: Answer) -> bool:
        """Takes what has arrived on both streams; False where there was nothing.

        Reading one stream takes packets of both from the socket, so afterwards the queues are asked:
        a wait for the socket would miss what lies there already.
        """
        before = len(answer.output) + len(answer.errors)
        while not answer.too_large:
            for method, sink in ((channel.read, answer.output), (channel.read_stderr, answer.errors)):
                size = 1
                while size > 0 and not answer.too_large:
                    with self._line:
                        size, data = method(_CHUNK)
                    sink.extend(data)
                    self._line.grant(2 * len(data))
                if size < 0 and size != LIBSSH2_ERROR_EAGAIN:
                    self._line.check()
                    raise Fault(State.TRUNCATED, "the connection was lost before the answer was complete")
            self._line.check()
            if not (channel.poll_channel_read(0) or channel.poll_channel_read(1)):
                break
        return len(answer.output) + len(answer.errors) > before


_HOST_KEY = {
    State.HOST_KEY_UNKNOWN: "its host key is not in known_hosts",
    State.HOST_KEY_CHANGED: "its host key is another than the one in known_hosts",
    State.HOST_KEY_REVOKED: "its host key is marked @revoked in known_hosts",
}
