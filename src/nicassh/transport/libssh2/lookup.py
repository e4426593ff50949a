"""Looks up the addresses of nodes: by the system's own resolver, each name in a thread of its own.

So /etc/hosts, sssd, mDNS and all else that nsswitch.conf names hold as for every program.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.libssh2.failures import NodeFailure
from nicassh.transport.libssh2.loop import Loop

_FAMILIES = {"inet": (socket.AF_INET, "IPv4"), "inet6": (socket.AF_INET6, "IPv6")}


def addresses(node: Node, loop: Loop) -> list[Any]:
    """Return what getaddrinfo(3) finds for a node, only of the family that ssh_config asks for.

    A numeric address needs no thread. Raises OSError, and NodeFailure where no address is of that family.
    """
    look = partial(socket.getaddrinfo, node.address, node.port, type=socket.SOCK_STREAM)
    try:
        found = look(flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = loop.wait_for(look)
    if not node.family:
        return found
    family, name = _FAMILIES[node.family]
    found = [address for address in found if address[0] == family]
    if not found:
        raise NodeFailure(State.UNREACHABLE, f"{node.address} has no {name} address, and ssh_config asks for one")
    return found
