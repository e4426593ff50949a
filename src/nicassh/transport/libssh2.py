"""The default transport: one greenlet a node, one login, one exec, the script on stdin of `sh -s`."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from traceback import clear_frames

import gevent
from gevent.pool import Pool
from gevent.threadpool import ThreadPool

from nicassh.state import State
from nicassh.transport import local
from nicassh.transport.client import Client
from nicassh.transport.faults import LOST, Fault, late, translate
from nicassh.transport.hostkeys import known_hosts
from nicassh.transport.identity import offered
from nicassh.transport.task import Answer, Limits, Reply, Task

_PAUSE = 0.5
"""Seconds before the second attempt at a login."""
_SPARE = 24
"""Descriptors kept for the database, the event loop, key files and the like."""


def run(tasks: Sequence[Task], limits: Limits) -> Iterator[Reply]:
    """Asks the nodes, `limits.fanout` at a time, and yields each reply as it arrives. A node's fault is a reply."""
    window = min(limits.fanout, _descriptors() - _SPARE)
    for task in tasks:  # an operator's mistake in these files is told before any node is asked
        known_hosts(task.node.known_hosts).check(writable=limits.host_keys == "accept-new")
    gevent.get_hub().NOT_ERROR = (Exception, KeyboardInterrupt)  # else an interruption is printed as a trace
    pool = Pool(max(1, window))
    threads = ThreadPool(limits.fanout)  # for this very machine, where it is one of the nodes; else none is started
    try:
        yield from pool.imap_unordered(lambda task: _ask(task, limits, threads), tasks)
    finally:
        local.stop()
        pool.kill()


def _ask(task: Task, limits: Limits, threads: ThreadPool) -> Reply:
    """The reply of one node within its deadlines."""
    if task.node.transport == "local":
        reply: Reply = threads.apply(local.ask, (task, limits))
        return reply
    limits.started(task.node.name)
    start = time.monotonic()
    answer = Answer(task.end, task.size)
    try:
        _converse(task, limits, answer)
        state, reason = answer.verdict()
    except Fault as fault:
        state, reason = fault.state, fault.reason
    if answer.complete:
        state, reason = State.OK, ""
    return Reply(task.node, state, reason, bytes(answer.output), bytes(answer.errors), time.monotonic() - start)


def _converse(task: Task, limits: Limits, answer: Answer) -> None:
    """Logs in and runs the script. Raises Fault."""
    node = task.node
    if node.needs:
        raise Fault(State.UNREACHABLE, f"needs the openssh transport: ssh_config asks for {node.needs}")
    client = Client(node, known_hosts(node.known_hosts), limits.host_keys == "accept-new")
    patience = min(node.connect_timeout or limits.connect_timeout, limits.timeout)
    whole, login = gevent.Timeout(limits.timeout), gevent.Timeout(patience)
    try:
        whole.start()
        login.start()
        _login(client, patience)
        login.close()
        client.ask(task.script, answer)
    except gevent.Timeout as timeout:
        if timeout not in (whole, login):
            raise
        clear_frames(timeout.__traceback__)
        raise late(client.phase, node) from None
    except gevent.GreenletExit:
        raise
    except Exception as error:
        # A frame that keeps a channel would free it after its socket was closed, through another's descriptor.
        clear_frames(error.__traceback__)
        raise translate(error, client.phase, node) from error
    finally:
        whole.close()
        login.close()
        client.close()


def _login(client: Client, patience: float) -> None:
    """Logs in; once more where the node hung up before it knew who we are, as a busy sshd does (MaxStartups)."""
    identity = offered(client.node.identity)
    try:
        client.login(identity, patience)
    except LOST:
        if client.phase not in ("greeting", "key exchange"):
            raise
        client.close()
        gevent.sleep(_PAUSE)
        client.login(identity, patience)


def _descriptors() -> int:
    """How many files the system lets us have open, after the soft limit was raised to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
