"""/etc/hosts: an address, the name of its host, and further names."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from nicassh.inventory.importing.found import Found, Line, joined


def read(lines: Sequence[Line]) -> Found:
    """Return the hosts with their addresses. The first name of a line is that of the host."""
    found = Found()
    for place, text in joined(lines):
        words = text.split()
        if not words:
            continue
        try:
            address = ip_address(words[0].partition("%")[0])
        except ValueError:
            found.problem(place, f"{words[0]!r} is no IP address")
            continue
        if len(words) == 1:
            found.problem(place, f"{words[0]} has no name")
        elif why := _no_node(address):
            found.problem(place, f"{words[1]} is left out: {words[0]} is {why}")
        else:
            found.add(place, words[1], address=words[0])
    return found


def _no_node(address: IPv4Address | IPv6Address) -> str:
    """Return why an address is not that of a machine to log in to; "" where it may be."""
    if address.is_loopback:
        return "this machine itself"
    if address.is_multicast or address.is_unspecified or str(address) == "255.255.255.255":
        return "not the address of one machine"
    # The lines of Debian's own file: ff00::0 and fe00::0.
    return "not the address of one machine" if address.is_reserved else ""
