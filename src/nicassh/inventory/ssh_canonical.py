"""CanonicalizeHostname of ssh_config: the full name of a host, as name servers know it."""

from __future__ import annotations

import socket
import time

from nicassh.inventory.address import canonical, is_address
from nicassh.inventory.ssh_options import Options


def canonical_name(options: Options) -> str:
    """Return the host's name for the second reading: in the first of CanonicalDomains that has it.

    Else its HostName. Where the name servers do not answer the HostName is in doubt, and for a minute they
    are not asked again: a farm would wait for them node by node.
    """
    host = options.first("hostname", options.name)
    mode = options.first("canonicalizehostname", "no").lower()
    if "hostname" in options.doubts or mode not in ("yes", "true", "always"):
        return host
    proxied = any(options.first(option, "none").lower() != "none" for option in ("proxycommand", "proxyjump"))
    dots = options.first("canonicalizemaxdots", "1")
    most = int(dots) if dots.isdecimal() else 1
    if is_address(host):
        return canonical(host)
    if "%" in host or host.count(".") > most or (proxied and mode != "always"):
        return host
    if options.first("canonicalizepermittedcnames", "none").lower() != "none":
        options.doubts["hostname"] = "CanonicalizePermittedCNAMEs is not followed here"
        return host
    for domain in options.values.get("canonicaldomains", []):
        full = f"{host}.{domain}".lower()
        exists = _exists(full) if time.monotonic() > _silent["until"] else None
        if exists is None:
            options.doubts["hostname"] = f"CanonicalizeHostname: the name servers do not answer for {full}"
            return host
        if exists:
            return full
    if options.first("canonicalizefallbacklocal", "yes").lower() in ("no", "false"):
        options.doubts["hostname"] = f"CanonicalizeHostname: no domain of CanonicalDomains has {host}"
    return host


_PAUSE = 60.0
_silent = {"until": 0.0}
"""The moment, of the monotonic clock, from which on name servers are asked again."""


def _exists(name: str) -> bool | None:
    """Return whether a name has an address; None where no name server answers."""
    try:
        socket.getaddrinfo(name + ".", None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            _silent["until"] = time.monotonic() + _PAUSE
            return None
        return False
    return True
