"""Which of a node's addresses are tried: AddressFamily and BindAddress of ssh_config."""

from __future__ import annotations

import socket
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.faults import Fault

_FAMILIES = {"inet": (socket.AF_INET, "IPv4"), "inet6": (socket.AF_INET6, "IPv6")}


def fitting(addresses: list[Any], node: Node) -> list[Any]:
    """The results of getaddrinfo(3) that may be tried. Raises Fault where none is left."""
    if not node.family:
        return addresses
    family, name = _FAMILIES[node.family]
    left = [address for address in addresses if address[0] == family]
    if not left:
        raise Fault(State.UNREACHABLE, f"{node.address} has no {name} address, and ssh_config asks for one")
    return left
