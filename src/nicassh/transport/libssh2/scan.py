"""Asking nodes for their host keys, without logging in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, as_completed, wait
from dataclasses import dataclass
from functools import partial

import gevent

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.base import Limits
from nicassh.transport.host_key_lines import type_of
from nicassh.transport.host_keys import TYPES, fingerprint, known_hosts
from nicassh.transport.libssh2.client import Client
from nicassh.transport.libssh2.failures import NodeFailure, late, translate
from nicassh.transport.libssh2.loop import Loop
from nicassh.transport.libssh2.watchdog import Watchdog


@dataclass(frozen=True)
class Found:
    """A host key that a node showed, and what known_hosts says of it; or why there is none."""

    node: Node
    key: bytes
    type: str
    fingerprint: str
    state: State
    reason: str = ""


def scan_host_keys(nodes: Sequence[Node], limits: Limits) -> Iterator[Found]:
    """Yield a Found for each key of each node, or one with the reason where the node shows none."""
    dog = Watchdog()
    loop = Loop(dog.end)
    under_way: set[Future[list[Found]]] = set()
    try:
        for node in nodes:
            if len(under_way) >= limits.fanout:
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
            under_way.add(loop.spawn(partial(_keys, node, limits, dog, loop)))
        for future in as_completed(under_way):
            yield from future.result()
    finally:
        loop.close()


def _keys(node: Node, limits: Limits, dog: Watchdog, loop: Loop) -> list[Found]:
    """Return what one node shows: it is asked for each type of key, one after the other."""
    hosts = known_hosts(node.known_hosts)
    found: list[Found] = []
    last = NodeFailure(State.UNREACHABLE, "no host key")
    for kind, algorithms in TYPES.items():
        try:
            key = _exchange(Client(node, dog, loop), algorithms, node.connect_timeout or limits.connect_timeout)
        except NodeFailure as fault:
            last = fault
            if "algorithm" in fault.reason or found:
                continue  # the node has no key of this type
            break
        found.append(Found(node, key, kind, fingerprint(key), hosts.verdict_of_type(node, key)))
    return found or [Found(node, b"", "", "", last.state, last.reason)]


def _exchange(client: Client, algorithms: str, timeout: float) -> bytes:
    """Return the key of one type. Raises NodeFailure."""
    node = client.node
    if node.barred:
        raise NodeFailure(State.UNREACHABLE, node.barred)
    try:
        with gevent.Timeout(timeout):
            key = client.exchange_keys(algorithms, timeout)
        if type_of(key) not in TYPES:
            raise NodeFailure(State.UNREACHABLE, f"host key of an unknown type {type_of(key)!r}")
        return key
    except gevent.Timeout:
        raise late(client.phase, node, client.said) from None
    except Exception as error:
        raise translate(error, client.phase, node, client.said) from error
    finally:
        client.close()
