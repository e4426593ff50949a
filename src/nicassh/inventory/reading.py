"""Reading inventory files: TOML with `[defaults]` and `[[nodes]]`."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ClusterShell.NodeSet import NodeSet, NodeSetException
from ClusterShell.NodeUtils import GroupResolver, GroupResolverError

from nicassh.config.home import expanded
from nicassh.inventory.address import canonical, is_address, lacks_interface
from nicassh.inventory.expanding import expand
from nicassh.inventory.node import NAME, Inventory, Node
from nicassh.inventory.ssh_config import apply_ssh_config
from nicassh.inventory.transports import TRANSPORTS
from nicassh.model.errors import InventoryError

_ALGEBRA = re.compile(r"[!&^@]")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f.]*:[^\[\],]*)\]")
"""An IPv6 address in brackets, which no range looks like."""
_WITH_PORT = re.compile(r"\[[^\[\]]*:[^\[\]]*\]:|(?:^|,)[^:,]*[^:,\[]:\d+(?=,|$)")
"""`[::1]:22` and `10.0.0.2:22`."""
_NO_GROUPS = GroupResolver()  # an inventory defines groups; it cannot be written in terms of them
_SETTINGS: dict[str, tuple[type, ...]] = {
    "port": (int,),
    "user": (str,),
    "identity": (str, list),
    "known_hosts": (str, list),
    "role": (str,),
    "batch_cluster": (str,),
    "groups": (list,),
    "transport": (str,),
    "ssh_config": (str,),
}
_ENTRY: dict[str, tuple[type, ...]] = {"names": (str,), "address": (str,), **_SETTINGS}


def load(files: Sequence[Path]) -> Inventory:
    """Read these inventory files. Raises InventoryError that names the file, the entry and its line."""
    return _joined((file, _nodes_of(file, _text(file))) for file in files)


def parse(text: str, file: Path) -> Inventory:
    """Return the inventory that a file with this text would be. Raises InventoryError."""
    return _joined([(file, _nodes_of(file, text))])


def _joined(read: Iterable[tuple[Path, Iterable[Node]]]) -> Inventory:
    nodes: dict[str, Node] = {}
    submit_nodes: dict[str, str] = {}
    files = []
    for file, found in read:
        files.append(file)
        for node in found:
            if node.name in nodes:
                raise InventoryError(f"{file}: node {node.name} is described twice", "remove one of the entries")
            if node.batch_cluster and submit_nodes.setdefault(node.batch_cluster, node.name) != node.name:
                both = f"{submit_nodes[node.batch_cluster]} and {node.name}"
                what = f"{file}: {both} both answer for the batch cluster {node.batch_cluster!r}"
                raise InventoryError(what, "one node answers for a cluster: take `batch_cluster` away from the others")
            nodes[node.name] = node
    if not nodes:
        raise InventoryError("the inventory has no nodes", "write one: nicamon init")
    return Inventory(nodes, tuple(files))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InventoryError(
            f"{file}: {error.strerror}", "set `inventory` in nicamon.toml, or run: nicamon init"
        ) from error
    except UnicodeDecodeError as error:
        raise InventoryError(f"{file}: {error}") from error


def _nodes_of(file: Path, text: str) -> Iterable[Node]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InventoryError(f"{file}: {error}") from error
    _check(document, {"defaults": (dict,), "nodes": (list,)}, str(file))
    defaults = document.get("defaults", {})
    _check(defaults, _SETTINGS, f"{file}: [defaults]")
    lines = [
        number for number, line in enumerate(text.splitlines(), 1) if line.replace(" ", "").startswith("[[nodes]]")
    ]
    for index, entry in enumerate(document.get("nodes", [])):
        line = f", line {lines[index]}" if index < len(lines) else ""
        where = f"{file}{line}: [[nodes]] {index + 1}"
        if not isinstance(entry, dict):
            raise InventoryError(f"{where} is not a table")
        _check(entry, _ENTRY, where)
        yield from _nodes(entry, {**defaults, **entry}, where, file.parent)


def _nodes(entry: dict[str, Any], settings: dict[str, Any], where: str, folder: Path) -> Iterable[Node]:
    pairs = _paired(entry, where)
    _check_values(settings, where)
    for name, address in pairs:
        yield apply_ssh_config(
            Node(
                name=name,
                address=address,
                port=settings.get("port", 0),
                user=settings.get("user"),
                identity=_paths(settings.get("identity", []), folder),
                known_hosts=_paths(settings.get("known_hosts", []), folder),
                role=settings.get("role", ""),
                batch_cluster=settings.get("batch_cluster", ""),
                groups=tuple(settings.get("groups", ())),
                transport=settings.get("transport", "libssh2"),
            ),
            _ssh_config(settings, folder),
            everyone="ssh_config" in settings,
        )


def _expand(expression: str, key: str, where: str) -> list[str]:
    """Return the names of a node set in the order in which they are written, so that names and addresses pair up."""
    try:
        names = list(NodeSet(expression, resolver=_NO_GROUPS)) if _ALGEBRA.search(expression) else expand(expression)
    except GroupResolverError as error:
        what = f"{where}: {key} = {expression!r}: groups cannot be used here"
        raise InventoryError(what, "write the names themselves") from error
    except (NodeSetException, ValueError) as error:
        raise InventoryError(f"{where}: {key} = {expression!r}: {error}") from error
    if not names:
        raise InventoryError(f"{where}: `{key}` is missing or empty", 'for example: names = "nc[2-9].jinr.ru"')
    for name in names:
        if not NAME.fullmatch(name):
            raise InventoryError(f"{where}: {key} {name!r} is not a name of letters, digits, '.', '_' and '-'")
    return names


def _paired(entry: dict[str, Any], where: str) -> list[tuple[str, str]]:
    """Return each name with its address, "" where the entry has none."""
    names = _expand(entry.get("names", ""), "names", where)
    if "address" not in entry:
        return [(name, "") for name in names]
    for key in ("names", "address"):
        if _ALGEBRA.search(entry[key]):
            what = f"{where}: {key} = {entry[key]!r}: a set with '!', '&', '^' or '@' has no order of its own"
            raise InventoryError(what, "names and addresses pair up as they are written: write them out")
    addresses = _addresses(entry["address"], where)
    if len(names) != len(addresses):
        raise InventoryError(
            f"{where}: {len(names)} names and {len(addresses)} addresses", "they must have the same number of entries"
        )
    return list(zip(names, addresses, strict=True))


def _addresses(expression: str, where: str) -> list[str]:
    """Return the addresses of a node set, each in the one spelling that it has everywhere."""
    shown = f"{where}: address = {expression!r}"
    if _WITH_PORT.search(expression):
        raise InventoryError(f"{shown}: an address has no port", "write the port under its own key: port = 2222")
    try:
        written = expand(_BRACKETED.sub(r"\1", expression))
    except ValueError as error:
        raise InventoryError(f"{shown}: {error}") from error
    addresses = [canonical(address) for address in written]
    for address in addresses:
        if not NAME.fullmatch(address) and not is_address(address):
            raise InventoryError(f"{where}: address {address!r} is neither a name nor an IP address")
        if lack := lacks_interface(address):
            raise InventoryError(f"{shown}: {lack}")
    return addresses


def _check(table: dict[str, Any], known: dict[str, tuple[type, ...]], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
            raise InventoryError(f"{where}: unknown key {key!r}", hint)
        if not isinstance(value, known[key]) or isinstance(value, bool):
            kinds = " or ".join(_KINDS[kind] for kind in known[key])
            raise InventoryError(f"{where}: {key} = {value!r} must be {kinds}")


def _check_values(settings: dict[str, Any], where: str) -> None:
    if settings.get("transport", "libssh2") not in TRANSPORTS:
        raise InventoryError(
            f"{where}: unknown transport {settings['transport']!r}", f"one of: {', '.join(TRANSPORTS)}"
        )
    if not 0 < settings.get("port", 22) < 65536:
        raise InventoryError(f"{where}: port {settings['port']} is not between 1 and 65535")
    for key in ("identity", "known_hosts"):
        for path in _listed(settings.get(key, [])):
            if not isinstance(path, str) or _homeless(path):
                raise InventoryError(f"{where}: {key} = {path!r} is not the path of a file")
    for label in (
        *settings.get("groups", ()),
        *filter(None, [settings.get("role", ""), settings.get("batch_cluster", "")]),
    ):
        if not isinstance(label, str) or not NAME.fullmatch(label):
            raise InventoryError(f"{where}: {label!r} is not a name for a group, a role or a cluster")


def _paths(value: str | list[str], folder: Path) -> tuple[Path, ...]:
    return tuple(folder / Path(path).expanduser() for path in _listed(value))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _homeless(path: str) -> bool:
    """Return whether a path begins with the home of a user who does not exist."""
    return path.startswith("~") and os.path.expanduser(path).startswith("~")  # noqa: PTH111 pathlib raises


def _ssh_config(settings: dict[str, Any], folder: Path) -> Path | None:
    written: str = settings.get("ssh_config", "~/.ssh/config")
    path = None if written == "none" else expanded(written)
    return folder / path if path else None


_KINDS: dict[type, str] = {int: "a whole number", str: "a text", list: "a list", dict: "a table"}
