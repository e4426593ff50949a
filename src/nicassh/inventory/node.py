"""A node and an inventory of nodes, as values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a node's name and address must match: a leading `-` would be an option to some program."""


@dataclass(frozen=True)
class Node:
    """A machine we can reach.

    `address` is empty where the transport is local. `identity` and `known_hosts` are tried in their
    order; both may be empty, and then OpenSSH's default files are used. `batch_cluster` names the batch cluster
    for which the node answers. `host_key_alias` is the name under which known_hosts has it, where that is
    another. `identities_only` keeps back all other keys that an agent has.
    """

    name: str
    address: str
    port: int = 22
    user: str | None = None
    identity: tuple[Path, ...] = ()
    known_hosts: tuple[Path, ...] = ()
    role: str = ""
    batch_cluster: str = ""
    groups: tuple[str, ...] = ()
    transport: str = "libssh2"
    connect_timeout: float | None = None
    host_key_alias: str = ""
    family: str = ""
    """`inet` or `inet6` where the other kind of address is not to be tried."""
    bind_address: str = ""
    """The address of this host from which the node is reached, or "" for any."""
    identities_only: bool = False
    needs: str = ""
    """The option of ssh_config that our own transport cannot follow, or ""."""
    doubt: str = ""
    """What in ssh_config could not be understood for this node, or ""."""

    @property
    def barred(self) -> str:
        """Why the node cannot be asked, whatever it is doing; "" where it can."""
        if self.doubt:
            return f"what ssh_config says of this node is not clear: {self.doubt}"
        return f"needs the openssh transport: ssh_config asks for {self.needs}" if self.needs else ""


@dataclass(frozen=True)
class Inventory:
    """All nodes in the order of their files, by name, and where they were read from."""

    nodes: dict[str, Node]
    sources: tuple[Path, ...] = ()
    short: dict[str, str] = field(init=False)
    """First label to full name, where the label is unique: `nc2` for `nc2.jinr.ru`."""

    def __post_init__(self) -> None:
        labels: dict[str, list[str]] = {}
        for name in self.nodes:
            labels.setdefault(name.partition(".")[0], []).append(name)
        object.__setattr__(self, "short", {label: full[0] for label, full in labels.items() if len(full) == 1})

    def canonical(self, name: str) -> str | None:
        """The full name of a node called by its full or its first label; None if there is none."""
        return name if name in self.nodes else self.short.get(name)

    def groups(self) -> dict[str, list[str]]:
        """Group name to node names; a role is a group too."""
        members: dict[str, list[str]] = {}
        for node in self.nodes.values():
            for group in dict.fromkeys((*node.groups, *([node.role] if node.role else []))):
                members.setdefault(group, []).append(node.name)
        return members

    def roles(self) -> dict[str, list[str]]:
        """Role to node names."""
        members: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.role:
                members.setdefault(node.role, []).append(node.name)
        return members
