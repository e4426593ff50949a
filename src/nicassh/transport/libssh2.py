"""The default transport: one greenlet a node, one session, one exec, the script on stdin of `sh -s`."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import clear_frames

import gevent
from gevent.pool import Pool
from gevent.threadpool import ThreadPool

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import local
from nicassh.transport.client import Client
from nicassh.transport.faults import LOST, Fault, late, translate
from nicassh.transport.hostkeys import known_hosts
from nicassh.transport.identity import offered
from nicassh.transport.kept import Kept
from nicassh.transport.task import Answer, Limits, Reply, Task
from nicassh.transport.watchdog import Watchdog

_PAUSE = 0.5
"""Seconds before the second attempt at a login."""
_FRESH = 60.0
"""Seconds after which files of keys are read anew."""
_BEAT = 0.25
"""Seconds between two signs of life of the event loop."""
_SPARE = 24
"""Descriptors kept for the database, the event loop, key files and the like."""


class Clients:
    """The sessions with all nodes: those at work in a run, and those kept for the next."""

    def __init__(self, limits: Limits) -> None:
        gevent.get_hub().NOT_ERROR = (Exception, KeyboardInterrupt)  # else an interruption is printed as a trace
        self._limits = limits
        self._room = max(1, _descriptors() - _SPARE)
        self._pool = Pool(min(limits.fanout, self._room))
        self._threads = ThreadPool(limits.fanout)  # for this very machine, where it is one of the nodes
        self._source = ThreadPool(1)  # for what gives the tasks, which may wait for a database
        self._kept = Kept(limits.lifetime)
        self._dog = Watchdog()
        self._looked = -_FRESH
        self._beat: float | None = None
        self._checked: set[tuple[Path, ...]] = set()

    def run(
        self, tasks: Iterable[Task], begin: Callable[[Task], bool], broken_off: Callable[[], bool]
    ) -> Iterator[Reply]:
        """Asks the nodes, `limits.fanout` at a time, and yields each reply as it arrives. A node's fault is a reply.

        A node whose turn comes is left out where `begin` says so, and one that is being asked where it is `broken_off`.
        """
        self._looked = -_FRESH
        errors: list[BaseException] = []
        replies = self._pool.imap_unordered(lambda task: self._ask(task, begin), self._drawn(tasks, errors))
        pulse = gevent.spawn(self._pulse, broken_off)
        try:
            yield from (reply for reply in replies if isinstance(reply, Reply))  # what was broken off is none
        finally:
            pulse.kill()
            replies.kill()  # it would begin with the next tasks as soon as there is room
            self._interrupt()
        if errors:
            raise errors[0]

    def stalled(self) -> float:
        """Seconds since the last sign of life of the event loop; 0 while there is no run. For other threads."""
        beat = self._beat
        return 0.0 if beat is None else max(0.0, time.monotonic() - beat - _BEAT)

    def _pulse(self, broken_off: Callable[[], bool]) -> None:
        """Gives signs of life for as long as the event loop turns, and breaks off what is under way when it must."""
        try:
            while True:
                self._beat = time.monotonic()
                if broken_off():
                    self._interrupt()
                gevent.sleep(_BEAT)
        finally:
            self._beat = None

    def _drawn(self, tasks: Iterable[Task], errors: list[BaseException]) -> Iterator[Task]:
        """The tasks of an iterator that may take its time, and so is asked in a thread; its error ends them."""
        source = iter(tasks)
        try:
            while (task := self._source.apply(next, (source, None))) is not None:
                self._check(task.node)
                yield task
        except Exception as error:  # noqa: BLE001 raised again when the nodes under way have answered
            errors.append(error)

    def close(self) -> None:
        """Ends all sessions, and what is under way."""
        self._interrupt()
        self._kept.shrink(0)
        self._dog.end()
        self._threads.kill()
        self._source.kill()

    def _interrupt(self) -> None:
        self._pool.kill()
        while len(self._threads):  # one of them may be just about to start its shell
            local.stop()
            gevent.sleep(local.BREATH)

    def _check(self, node: Node) -> None:
        """Raises ConfigError for an operator's mistake in the files that a login needs, before the node is asked."""
        if time.monotonic() - self._looked > _FRESH:
            self._looked = time.monotonic()
            known_hosts.cache_clear()  # a worker lives long: it sees these files as they are now
            offered.cache_clear()
            self._kept.sweep()
            self._checked.clear()
        if node.transport != "local" and node.known_hosts not in self._checked and node not in self._kept:
            known_hosts(node.known_hosts).check(writable=self._limits.host_keys == "accept-new")
            self._checked.add(node.known_hosts)

    def _ask(self, task: Task, begin: Callable[[Task], bool]) -> Reply | None:
        """The reply of one node within its deadlines; None where it was left out."""
        if not begin(task):
            return None
        if task.node.transport == "local":
            reply: Reply = self._threads.apply(local.ask, (task, self._limits))
            return reply
        start = time.monotonic()
        answer = Answer(task.end, task.size)
        whole = gevent.Timeout.start_new(self._limits.timeout)
        try:
            self._converse(task, answer)
            state, reason = answer.verdict()
        except Fault as fault:
            state, reason = fault.state, fault.reason
        finally:
            whole.close()
        if answer.complete:
            state, reason = State.OK, ""
        reason += answer.words()
        return Reply(
            task.node, state, reason, bytes(answer.output), bytes(answer.errors), time.monotonic() - start, task.about
        )

    def _converse(self, task: Task, answer: Answer) -> None:
        """Runs the script, and keeps the session where all went well. Raises Fault."""
        node = task.node
        if node.barred:
            raise Fault(State.UNREACHABLE, node.barred)
        patience = min(node.connect_timeout or self._limits.connect_timeout, self._limits.timeout)
        client = self._resume(node, patience / 2) or self._login(node, patience)
        with _ended_by_fault(client):
            client.ask(task.script, answer)
            if answer.complete and client.settle():
                self._kept.keep(client)
            else:
                client.close()

    def _resume(self, node: Node, patience: float) -> Client | None:
        """The node's kept session, with a channel; None where there is none, or the node has lost it meanwhile."""
        client = self._kept.take(node)
        if client is None:
            return None
        try:
            with _ended_by_fault(client), gevent.Timeout(patience):
                client.open()
        except Fault:  # nothing of ours was sent yet, and what a fresh login meets are the node's own words
            return None
        return client

    def _login(self, node: Node, patience: float) -> Client:
        """A fresh session, with a channel. Raises Fault."""
        self._kept.shrink(self._room - len(self._pool))
        identity, hosts = offered(node.identity), known_hosts(node.known_hosts)
        accept_new = self._limits.host_keys == "accept-new"
        client = Client(node, self._dog)
        with _ended_by_fault(client):
            with gevent.Timeout(patience):
                _persist(client, lambda: client.login(identity, hosts, accept_new, patience))
            client.open()
        return client


@contextmanager
def _ended_by_fault(client: Client) -> Iterator[None]:
    """Whatever goes wrong with a session ends it; errors and deadlines become a Fault."""
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


def _persist(client: Client, login: Callable[[], None]) -> None:
    """Logs in; once more where the node hung up before it knew who we are, as a busy sshd does (MaxStartups)."""
    try:
        login()
    except LOST:
        if client.phase not in ("greeting", "key exchange"):
            raise
        client.close()
        gevent.sleep(_PAUSE)
        login()


def _descriptors() -> int:
    """How many files the system lets us have open, after the soft limit was raised to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
