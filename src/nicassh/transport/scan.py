"""Asking nodes for their host keys, without logging in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gevent
from gevent.pool import Pool

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.client import Client
from nicassh.transport.faults import Fault, late, translate
from nicassh.transport.hostkeys import TYPES, fingerprint, known_hosts, type_of
from nicassh.transport.task import Limits
from nicassh.transport.watchdog import Watchdog


@dataclass(frozen=True)
class Found:
    """A host key that a node showed, and what known_hosts says of it; or why there is none."""

    node: Node
    key: bytes
    type: str
    fingerprint: str
    state: State
    reason: str = ""


def scan(nodes: Sequence[Node], limits: Limits) -> Iterator[Found]:
    """One Found for each key of each node, or one with the reason where the node shows none."""
    pool, dog = Pool(limits.fanout), Watchdog()
    try:
        for found in pool.imap_unordered(lambda node: _keys(node, limits, dog), nodes):
            yield from found
    finally:
        pool.kill()
        dog.end()


def _keys(node: Node, limits: Limits, dog: Watchdog) -> list[Found]:
    hosts = known_hosts(node.known_hosts)
    found: list[Found] = []
    last = Fault(State.UNREACHABLE, "no host key")
    for kind, algorithms in TYPES.items():
        try:
            key = _exchange(Client(node, dog), algorithms, node.connect_timeout or limits.connect_timeout)
        except Fault as fault:
            last = fault
            if "algorithm" in fault.reason or found:
                continue  # the node has no key of this type
            break
        found.append(Found(node, key, kind, fingerprint(key), hosts.verdict_of_type(node, key)))
    return found or [Found(node, b"", "", "", last.state, last.reason)]


def _exchange(client: Client, algorithms: str, patience: float) -> bytes:
    """The key of one type. Raises Fault."""
    node = client.node
    if node.barred:
        raise Fault(State.UNREACHABLE, node.barred)
    try:
        with gevent.Timeout(patience):
            key = client.exchange_keys(algorithms, patience)
        if type_of(key) not in TYPES:
            raise Fault(State.UNREACHABLE, f"host key of an unknown type {type_of(key)!r}")
        return key
    except gevent.Timeout:
        raise late(client.phase, node, client.said) from None
    except Exception as error:
        raise translate(error, client.phase, node, client.said) from error
    finally:
        client.close()
