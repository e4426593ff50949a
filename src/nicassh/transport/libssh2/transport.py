"""The default transport: for each node one greenlet, one SSH session, one command that reads the script."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from traceback import clear_frames

import gevent

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import descriptors
from nicassh.transport.base import Limits, Listener, Request, Response, ResponseBuffer, T
from nicassh.transport.host_keys import known_hosts
from nicassh.transport.libssh2.client import Client
from nicassh.transport.libssh2.failures import LOST, NodeFailure, late, translate
from nicassh.transport.libssh2.identity import load_identity
from nicassh.transport.libssh2.loop import Loop
from nicassh.transport.libssh2.session_pool import SessionPool
from nicassh.transport.libssh2.watchdog import Watchdog

_RETRY_DELAY = 0.5
"""Seconds before the second attempt at a login."""


class Libssh2:
    """SSH sessions with many nodes: those that are at work, and those that wait for their node's next request."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sessions = SessionPool(limits.lifetime)
        self._checked: set[tuple[Path, ...]] = set()
        self._loop = Loop(self._finish)
        self._dog = Watchdog()

    def refresh(self) -> None:
        """See `Transport.refresh`. Also ends the sessions that are too old."""
        known_hosts.cache_clear()
        load_identity.cache_clear()
        self._checked.clear()
        self._loop.call(self._sessions.expire)

    def check(self, node: Node) -> None:
        """See `Transport.check`: the files of host keys must be there to be read, and written where that is wanted."""
        if node.known_hosts not in self._checked and node not in self._sessions:
            known_hosts(node.known_hosts).check(writable=self._limits.host_keys == "accept-new")
            self._checked.add(node.known_hosts)

    def submit(self, request: Request[T], heard: Listener | None = None) -> Future[Response[T]]:
        """See `Transport.submit`."""
        return self._loop.spawn(partial(self._respond, request, heard))

    def stalled(self) -> float:
        """See `Transport.stalled`: for how long the event loop has stood still."""
        return self._loop.stalled()

    def interrupt(self) -> None:
        """See `Transport.interrupt`."""
        self._loop.kill()

    def close(self) -> None:
        """See `Transport.close`."""
        self._loop.close()

    def _finish(self) -> None:
        self._sessions.evict(0)
        self._dog.end()

    def _respond(self, request: Request[T], heard: Listener | None) -> Response[T]:
        """Return the response of one node, within its deadlines."""
        begin = time.monotonic()
        buffer = ResponseBuffer(request.end_mark, request.max_bytes, heard)
        whole = gevent.Timeout.start_new(self._limits.timeout)
        try:
            self._converse(request, buffer)
            state, reason = buffer.verdict()
        except NodeFailure as failure:
            state, reason = failure.state, failure.reason
        finally:
            whole.close()
        if buffer.complete:
            state, reason = State.OK, ""
        return buffer.response(request, state, reason, begin)

    def _converse(self, request: Request[T], buffer: ResponseBuffer) -> None:
        """Run the script, and keep the session where all went well. Raises NodeFailure."""
        node = request.node
        if node.barred:
            raise NodeFailure(State.UNREACHABLE, node.barred)
        timeout = min(node.connect_timeout or self._limits.connect_timeout, self._limits.timeout)
        client = self._resume(node, timeout / 2) or self._login(node, timeout)
        with _closing_on_error(client):
            client.ask(request.script, buffer)
            if buffer.complete and client.finish_command():
                self._sessions.put(client)
            else:
                client.close()

    def _resume(self, node: Node, timeout: float) -> Client | None:
        """Return the node's waiting session with a new channel; None where there is none, or the node has ended it."""
        client = self._sessions.get(node)
        if client is None:
            return None
        try:
            with _closing_on_error(client), gevent.Timeout(timeout):
                client.open()
        except NodeFailure:  # nothing was sent yet; a new login tells what is wrong with the node
            return None
        return client

    def _login(self, node: Node, timeout: float) -> Client:
        """Return a new session with a channel. Raises NodeFailure."""
        self._sessions.evict(descriptors.room() - len(self._loop))
        identity, hosts = load_identity(node.identity), known_hosts(node.known_hosts)
        accept_new = self._limits.host_keys == "accept-new"
        client = Client(node, self._dog, self._loop)
        with _closing_on_error(client):
            with gevent.Timeout(timeout):
                _login_with_retry(client, lambda: client.login(identity, hosts, accept_new, timeout))
            client.open()
        return client


@contextmanager
def _closing_on_error(client: Client) -> Iterator[None]:
    """Close a session when anything goes wrong. Errors and deadlines become a NodeFailure."""
    try:
        yield
    except BaseException as error:
        # A frame that keeps a channel would free it after its socket was closed, through another's descriptor.
        clear_frames(error.__traceback__)
        client.close()
        if isinstance(error, gevent.Timeout):
            raise late(client.phase, client.node, client.said) from None
        if isinstance(error, Exception):
            raise translate(error, client.phase, client.node, client.said) from error
        raise


def _login_with_retry(client: Client, login: Callable[[], None]) -> None:
    """Log in. Tries once more where the node hung up before it knew us, as a busy sshd does (MaxStartups)."""
    try:
        login()
    except LOST:
        if client.phase not in ("greeting", "key exchange"):
            raise
        client.close()
        gevent.sleep(_RETRY_DELAY)
        login()
