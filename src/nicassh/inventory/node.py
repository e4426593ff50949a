"""A node, and an inventory of nodes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a node's name and address must match: a leading `-` would be an option to some program."""


@dataclass(frozen=True)
class Node:
    """A machine that we can reach."""

    name: str
    address: str
    """A name or an IP address; "" where the transport needs none."""
    port: int = 22
    user: str | None = None
    identity: tuple[Path, ...] = ()
    """Files of private keys, in the order in which they are tried; empty: OpenSSH's default files."""
    known_hosts: tuple[Path, ...] = ()
    """Files of host keys. New keys are written to the first. Empty: OpenSSH's default files."""
    role: str = ""
    batch_cluster: str = ""
    """The batch cluster for which this node answers, or ""."""
    groups: tuple[str, ...] = ()
    transport: str = "libssh2"
    """One of `nicassh.inventory.transports.TRANSPORTS`."""
    connect_timeout: float | None = None
    """Seconds for connection and login; None: as the configuration says."""
    host_key_alias: str = ""
    """The name under which known_hosts has the node, where that is another, or ""."""
    family: str = ""
    """`inet` or `inet6` where the other kind of address must not be tried, or ""."""
    bind_address: str = ""
    """The address of this host from which the node is reached, or "" for any."""
    identities_only: bool = False
    """Whether an agent may only offer the keys of `identity`."""
    needs: str = ""
    """The option of ssh_config that the transport libssh2 cannot follow, or ""."""
    doubt: str = ""
    """What in ssh_config could not be understood for this node, or ""."""

    @property
    def uses_ssh(self) -> bool:
        """Return whether the node is reached by SSH, and so has host keys."""
        return self.transport != "local"

    @property
    def lacks(self) -> str:
        """Return what the node needs before it can be asked; "" where it can be asked."""
        if self.doubt:
            return f"a clear ssh_config: {self.doubt}"
        return f"the openssh transport: ssh_config asks for {self.needs}" if self.needs else ""

    @property
    def barred(self) -> str:
        """Return the reason why the node cannot be asked; "" where it can be asked."""
        if self.doubt:
            return f"what ssh_config says of this node is not clear: {self.doubt}"
        return f"needs {self.lacks}" if self.needs else ""


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
        """Return the full name of a node called by its full or its first label; None if there is none."""
        return name if name in self.nodes else self.short.get(name)

    def groups(self) -> dict[str, list[str]]:
        """Return the groups with the names of their nodes. A role is a group, too."""
        members: dict[str, list[str]] = {}
        for node in self.nodes.values():
            for group in dict.fromkeys((*node.groups, *([node.role] if node.role else []))):
                members.setdefault(group, []).append(node.name)
        return members

    def roles(self) -> dict[str, list[str]]:
        """Return the roles with the names of their nodes."""
        members: dict[str, list[str]] = {}
        for node in self.nodes.values():
            if node.role:
                members.setdefault(node.role, []).append(node.name)
        return members
