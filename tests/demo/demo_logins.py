"""Logins on the nodes of a farm, and what a test needs for one."""

from __future__ import annotations

import subprocess

from nicassh.demo.farm import Farm


def login(farm: Farm, address: str, command: str) -> str:
    """What a command prints on the node at an address, run over SSH as the collector would."""
    options = {
        "UserKnownHostsFile": '"' + str(farm.known_hosts) + '"',
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    who = ["-i", str(farm.key), "-p", str(farm.nodes[0].port), f"{farm.user}@{address}"]
    done = subprocess.run(
        ["ssh", "-F", "none", *words, *who, command], capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout
