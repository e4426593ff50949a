"""A farm and its record on disk, `farm.json`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nicassh.demo import processes
from nicassh.demo.plan import Node
from nicassh.model.errors import SetupError

RECORD = "farm.json"
SCHEMA = "nicamon.demo-farm/1"
# Become a user, whose name stands where a shell has its own, and run a command at home.
BECOME = """
group=$(id -g "$0")
exec setpriv --reuid "$0" --regid "$group" --init-groups --reset-env -- sh -c 'cd && exec "$@"' sh "$@"
"""


@dataclass
class Farm:
    """The nodes of a demo farm, and the folder that holds its keys, configuration and state.

    `kind` is "rooted" (each node in namespaces of its own) or "rootless" (each an sshd on loopback).
    `subnet` and `mark` are of rooted farms: the third octet of 10.63.N.0/24, and the bridge's hardware
    address, by which a bridge is known to be this farm's. `complete` is false while `up` is at work.
    `systems` are the words for the batch and storage systems that run on it.
    `lock` is the open lock of the folder while this process holds it, else -1.
    """

    folder: Path
    kind: str
    user: str
    nodes: list[Node] = field(default_factory=list)
    subnet: int = -1
    mark: str = ""
    boot: str = ""
    complete: bool = False
    systems: list[str] = field(default_factory=list)
    lock: int = field(default=-1, compare=False, repr=False)

    @property
    def config(self) -> Path:
        """Return the configuration file for NICAMON_CONFIG."""
        return self.folder / "nicamon.toml"

    @property
    def inventory(self) -> Path:
        """Return the inventory that the configuration names."""
        return self.folder / "inventory.toml"

    @property
    def key(self) -> Path:
        """Return the private key that every node lets in."""
        return self.folder / "key"

    @property
    def known_hosts(self) -> Path:
        """Return the host keys of all nodes."""
        return self.folder / "known_hosts"

    def node(self, name: str) -> Node:
        """Return the node with this name, full ("nc2.jinr.ru") or short ("nc2").

        Raises SetupError when there is none.
        """
        for node in self.nodes:
            if name in (node.name, node.short):
                return node
        raise SetupError(f"the demo farm has no node {name!r}", "nicamon demo status")

    def enter(self, name: str, argv: Sequence[str], user: str = "", text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command inside a node's namespaces, as root or as a user there; its output and exit code.

        The node's own processes, users, files and network are what the command sees: for tests that
        kill, add or count things there. It has `text` to read. Only for rooted farms; raises SetupError
        when the node is dead.
        """
        node = self.node(name)
        if self.kind != "rooted":
            raise SetupError("the nodes of a farm made without root cannot be entered", "log in with ssh")
        if not processes.same(node.pid, node.started):
            raise SetupError(f"{node.name} is not running", "nicamon demo up")
        # The recorded process holds the mounts and the host name; its child is the node's first process.
        first = f"--pid=/proc/{node.pid}/ns/pid_for_children"
        door = ["nsenter", "--target", str(node.pid), "--mount", "--root", "--uts", "--net", first]
        door += [f"--cgroup=/proc/{child}/ns/cgroup" for child in processes.children(node.pid)]
        door += ["--"]
        if user:
            door += ["sh", "-c", BECOME, user]
        return subprocess.run([*door, *argv], input=text, capture_output=True, text=True, check=False)

    def save(self) -> None:
        """Write the record, whole or not at all."""
        record = self.folder / RECORD
        fresh = record.with_suffix(".new")
        facts = asdict(self) | {"schema": SCHEMA}
        del facts["folder"], facts["lock"]
        fresh.write_text(json.dumps(facts, indent=1) + "\n")
        fresh.replace(record)


def load(folder: Path) -> Farm | None:
    """Return the farm recorded in a folder; none if there is no record.

    Raises SetupError when the record is not one of ours.
    """
    record = folder / RECORD
    try:
        facts = json.loads(record.read_text())
        if facts.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        rows = [Node(**row) for row in facts.pop("nodes")]
        return Farm(folder=folder, nodes=rows, **facts)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise SetupError(f"cannot read {record}", "the farm belongs to another user") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(f"{record} is not the record of a demo farm: {error}", "look into it") from error
