"""The default transport: one greenlet a node, one login, one exec, the script on stdin of `sh -s`."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence

import gevent
from gevent.pool import Pool

from nicassh.state import State
from nicassh.transport.client import Client
from nicassh.transport.faults import Fault, late, translate
from nicassh.transport.hostkeys import known_hosts
from nicassh.transport.identity import offered
from nicassh.transport.task import Answer, Limits, Reply, Task


def run(tasks: Sequence[Task], limits: Limits) -> Iterator[Reply]:
    """Asks the nodes, `limits.fanout` at a time, and yields each reply as it arrives. A node's fault is a reply."""
    _raise_descriptor_limit()
    gevent.get_hub().NOT_ERROR = (Exception, KeyboardInterrupt)  # else an interruption is printed as a trace
    pool = Pool(limits.fanout)
    try:
        yield from pool.imap_unordered(lambda task: _ask(task, limits), tasks)
    finally:
        pool.kill()


def _ask(task: Task, limits: Limits) -> Reply:
    """The reply of one node within its deadlines."""
    limits.started(task.node.name)
    start = time.monotonic()
    answer = Answer(task.end, limits.size)
    try:
        _converse(task, limits, answer)
        state, reason = answer.verdict(limits)
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
        client.login(offered(node.identity), patience)
        login.close()
        client.ask(task.script, answer)
    except gevent.Timeout as timeout:
        if timeout not in (whole, login):
            raise
        raise late(client.phase, node) from None
    except gevent.GreenletExit:
        raise
    except Exception as error:
        raise translate(error, client.phase, node) from error
    finally:
        whole.close()
        login.close()
        client.close()


def _raise_descriptor_limit() -> None:
    """As many open sockets as the system lets us have: one a node in the window, and some to spare."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
