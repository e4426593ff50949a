"""The files a farm is used by: keys, known hosts, inventory, configuration."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nicassh.demo.farm import Farm
from nicassh.demo.plan import DOMAIN, Node

PUBLIC = 0o644
PRIVATE = 0o600
PROGRAM = 0o755


def place(path: Path, text: str, mode: int = PUBLIC) -> None:
    """Write a file, making its folders; the modes do not depend on the caller's umask."""
    missing = []
    parent = path.parent
    while not parent.exists():
        missing.append(parent)
        parent = parent.parent
    for folder in reversed(missing):
        folder.mkdir()
        folder.chmod(0o755)
    path.touch(PRIVATE)
    path.write_text(text)
    path.chmod(mode)


def pair() -> tuple[str, str]:
    """Return a fresh ed25519 key: the private half as an OpenSSH file, the public half as one line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def known(node: Node, public: str) -> str:
    """Return the line of a known_hosts file for one node."""
    host = node.address if node.port == 22 else f"[{node.address}]:{node.port}"
    return f"{host} {public}\n"


def describe(farm: Farm) -> None:
    """Write the inventory and the configuration that nicamon reads."""
    place(farm.inventory, inventory(farm), PRIVATE)
    database = json.dumps(f"sqlite:///{farm.folder / 'nicamon.db'}", ensure_ascii=False)
    source = json.dumps(str(farm.inventory), ensure_ascii=False)
    place(farm.config, f"database = {database}\ninventory = [{source}]\n", PRIVATE)


def inventory(farm: Farm) -> str:
    """Return the inventory's text: the defaults, then one block for each role and each submit node."""
    quoted = {
        name: json.dumps(str(path), ensure_ascii=False)
        for name, path in (("identity", farm.key), ("known_hosts", farm.known_hosts))
    }
    lines = [
        "[defaults]",
        f"user = {json.dumps(farm.user)}",
        f"port = {farm.nodes[0].port}",
        f"identity = {quoted['identity']}",
        f"known_hosts = {quoted['known_hosts']}",
        'ssh_config = "none"',
    ]
    for (role, cluster), members in groupby(farm.nodes, key=lambda node: (node.role, node.batch_cluster)):
        rows = list(members)
        span = str(rows[0].number) if len(rows) == 1 else f"[{rows[0].number}-{rows[-1].number}]"
        network = rows[0].address.rpartition(".")[0]
        lines += [
            "",
            "[[nodes]]",
            f'names = "nc{span}.{DOMAIN}"',
            f'address = "{network}.{span}"',
            f'role = "{role}"',
            f'groups = ["{role}"]',
            *([f'batch_cluster = "{cluster}"'] if cluster else []),
        ]
    return "\n".join(lines) + "\n"
