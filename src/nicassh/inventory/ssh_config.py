"""Honouring ~/.ssh/config: what an inventory leaves open, as OpenSSH would take it from there."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from pathlib import Path

from nicassh.inventory.address import canonical, is_address, lacks_interface
from nicassh.inventory.node import NAME, Node
from nicassh.inventory.ssh_options import Options
from nicassh.inventory.ssh_reading import options_of
from nicassh.model.text import clean

_UNSUPPORTED = {"proxyjump": "ProxyJump", "proxycommand": "ProxyCommand"}
_TOKENS = "%dhiklLnpru"
_YES = ("yes", "true")
_SYSTEM_WIDE = Path("/etc/ssh/ssh_known_hosts")


def apply_ssh_config(node: Node, file: Path | None, everyone: bool = True) -> Node:
    """Return the node with all that its inventory leaves open (port 0, no user, …) taken from ssh_config.

    The inventory wins, then the file, then OpenSSH's defaults. What cannot be understood of the file is
    the node's `doubt`: it raises nothing. Without `everyone` a file that others may write is not used.
    """
    if not node.uses_ssh:
        return replace(node, address="")  # it is not reached over a network
    if file is None:
        return replace(node, address=node.address or node.name, port=node.port or 22)
    given = {"hostname": node.address, "user": node.user or "", "port": str(node.port or "")}
    options = options_of(node.name, file, everyone, {option: word for option, word in given.items() if word})
    found = replace(
        node,
        address=node.address or _address(options),
        port=node.port or _port(options),
        user=node.user or options.first("user") or None,
        connect_timeout=_seconds(options.first("connecttimeout", "none")),
        host_key_alias=options.first("hostkeyalias"),
        family=_family(options),
        bind_address=canonical(options.first("bindaddress")),
        identities_only=options.first("identitiesonly").lower() in _YES,
        needs=_needs(options),
    )
    identity = node.identity or _identity(options, found)
    known_hosts = node.known_hosts or _known_hosts(options, found)
    return replace(found, identity=identity, known_hosts=known_hosts, doubt=clean(_doubt(options, node), 300))


def _address(options: Options) -> str:
    address = canonical(options.first("hostname"))
    if not NAME.fullmatch(address) and not is_address(address):
        options.reject("hostname", f"HostName {address!r} is neither a name nor an IP address")
    elif lack := lacks_interface(address):
        options.reject("hostname", f"HostName: {lack}")
    return address


def _port(options: Options) -> int:
    """Return the port, also of the name of a service; 22 and a doubt where it is neither."""
    text = options.first("port", "22")
    try:
        port = int(text) if text.isdecimal() else socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        port = 0
    if 0 < port < 65536:
        return port
    options.reject("port", f"Port {text} is not between 1 and 65535")
    return 22


def _family(options: Options) -> str:
    """Return the kind of address that AddressFamily or BindAddress asks for."""
    family, bound = options.first("addressfamily", "any").lower(), options.first("bindaddress")
    if family not in ("any", "inet", "inet6"):
        options.reject("addressfamily", f"AddressFamily {family} is none of any, inet, inet6")
    if bound and not is_address(bound):
        options.reject("bindaddress", f"BindAddress {bound} is no IP address")
    if bound and family == "any":
        return "inet6" if ":" in canonical(bound) else "inet"
    return "" if family == "any" else family


def _identity(options: Options, node: Node) -> tuple[Path, ...]:
    """Return the files of IdentityFile. Where it says only `none`, that is an empty file."""
    words = options.values.get("identityfile", [])
    files = [_path(options, "identityfile", word, node) for word in words if word.lower() != "none"]
    return tuple(files) or ((Path(os.devnull),) if words else ())


def _known_hosts(options: Options, node: Node) -> tuple[Path, ...]:
    """Return the files of UserKnownHostsFile and GlobalKnownHostsFile. New keys go to the first."""
    user = options.values.get("userknownhostsfile")
    system = options.values.get("globalknownhostsfile")
    if user is None and system is None:
        return ()
    users = [os.devnull] if user == ["none"] else user or ["~/.ssh/known_hosts"]
    systems = [] if system == ["none"] else system or [str(_SYSTEM_WIDE)]
    found = [_path(options, "userknownhostsfile", word, node) for word in users]
    found += [_path(options, "globalknownhostsfile", word, node) for word in systems]
    return tuple(file if _readable(file) else Path(os.devnull) for file in found)


def _readable(file: Path) -> bool:
    """Return whether a file can be read, or does not exist yet. ssh leaves other files out."""
    return not os.path.lexists(file) or (os.access(file, os.R_OK) and not os.path.isdir(file))  # noqa: PTH112 no errors


def _path(options: Options, option: str, word: str, node: Node) -> Path:
    return Path(options.expand(option, word, _TOKENS, node.user or "", node.port))


def _doubt(options: Options, inventory: Node) -> str:
    """Return why OpenSSH might reach the node in another way; "" where that is clear or does not matter."""
    minor = {"connecttimeout", "tag"}
    if inventory.identity:
        minor.add("identityfile")
    if inventory.known_hosts:
        minor |= {"userknownhostsfile", "globalknownhostsfile"}
    return next((why for option, why in options.doubts.items() if option not in minor), "")


def _seconds(text: str) -> float | None:
    """Return a time of ssh_config(5) such as `30` or `1m30s`; None for `none` and for what is no time."""
    if not re.fullmatch(r"(?:\d+[smhdw]?)+", text):
        return None
    units = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return float(sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhdw]?)", text))) or None


def _needs(options: Options) -> str:
    """Return the option that only the system's own ssh can follow, or ""."""
    for key, name in _UNSUPPORTED.items():
        if options.first(key, "none").lower() != "none":
            return name
    return "GSSAPIAuthentication" if options.first("gssapiauthentication").lower() in _YES else ""
