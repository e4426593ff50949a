"""Addresses: the many spellings of one IP address become one."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address, IPv6Address


def canonical(text: str) -> str:
    """Return an address in its shortest spelling: `[FD00:0::2]` is `fd00::2`, `::ffff:10.0.0.2` is `10.0.0.2`.

    A name, and what is no address, comes back as it is. The interface of `fe80::1%eth0` stays.
    """
    address = _ipv6(text)
    if address is None:
        return text
    return str(address.ipv4_mapped or address)


def spellings(text: str) -> tuple[str, ...]:
    """Return the ways in which programs may write an address, in lower case, the canonical one first."""
    address = _ipv6(text)
    if address is None:
        return (text.lower(),)
    if mapped := address.ipv4_mapped:
        return (str(mapped), f"::ffff:{mapped}", str(address))
    scope = f"%{address.scope_id}" if address.scope_id else ""
    groups = IPv6Address(int(address)).exploded.split(":")
    plain = ":".join(f"{int(group, 16):x}" for group in groups)
    return (str(address), plain + scope, ":".join(groups) + scope)


def is_address(text: str) -> bool:
    """Return whether this is an IP address, of either kind."""
    try:
        return _ipv6(text) is not None or bool(IPv4Address(text))
    except AddressValueError:
        return False


def lacks_interface(text: str) -> str:
    """Return what is wrong with a link-local address that names no interface; "" for any other address."""
    address = _ipv6(text)
    if address is None or not address.is_link_local or address.scope_id:
        return ""
    return f"{address} is a link-local address: write its interface too, for example {address}%eth0"


def _ipv6(text: str) -> IPv6Address | None:
    if ":" not in text:
        return None
    try:
        return IPv6Address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except AddressValueError:
        return None
