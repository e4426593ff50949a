"""Reading inventory files: TOML with `[defaults]` and `[[nodes]]`."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ClusterShell.NodeSet import NodeSet, NodeSetException
from ClusterShell.NodeUtils import GroupResolver, GroupResolverError

from nicassh.errors import InventoryError
from nicassh.nodes.node import NAME, Inventory, Node
from nicassh.nodes.ssh_config import honour

TRANSPORTS = ("libssh2", "local")
_NO_GROUPS = GroupResolver()  # an inventory defines groups; it cannot be written in terms of them
_SETTINGS: dict[str, tuple[type, ...]] = {
    "port": (int,),
    "user": (str,),
    "identity": (str, list),
    "known_hosts": (str, list),
    "role": (str,),
    "head": (str,),
    "groups": (list,),
    "transport": (str,),
    "ssh_config": (str,),
}
_ENTRY: dict[str, tuple[type, ...]] = {"names": (str,), "address": (str,), **_SETTINGS}


def load(files: Sequence[Path]) -> Inventory:
    """All nodes of these files. Raises InventoryError that names the file, the entry and its line."""
    nodes: dict[str, Node] = {}
    heads: dict[str, str] = {}
    for file in files:
        for node in _read(file):
            if node.name in nodes:
                raise InventoryError(f"{file}: node {node.name} is described twice", "remove one of the entries")
            if node.head and heads.setdefault(node.head, node.name) != node.name:
                what = f"{file}: {heads[node.head]} and {node.name} are both the head of {node.head!r}"
                raise InventoryError(what, "one node answers for a cluster: take `head` away from the others")
            nodes[node.name] = node
    if not nodes:
        raise InventoryError("the inventory has no nodes", "write one: nicamon init")
    return Inventory(nodes, tuple(files))


def _read(file: Path) -> Iterable[Node]:
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise InventoryError(
            f"{file}: {error.strerror}", "set `inventory` in nicamon.toml, or run: nicamon init"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
    names = _expand(entry.get("names", ""), "names", where)
    addresses = _expand(entry["address"], "address", where) if "address" in entry else [""] * len(names)
    if len(names) != len(addresses):
        raise InventoryError(
            f"{where}: {len(names)} names and {len(addresses)} addresses", "they must be of one length"
        )
    _check_values(settings, where)
    for name, address in zip(names, addresses, strict=True):
        yield honour(
            Node(
                name=name,
                address=address,
                port=settings.get("port", 0),
                user=settings.get("user"),
                identity=_paths(settings.get("identity", []), folder),
                known_hosts=_paths(settings.get("known_hosts", []), folder),
                role=settings.get("role", ""),
                head=settings.get("head", ""),
                groups=tuple(settings.get("groups", ())),
                transport=settings.get("transport", "libssh2"),
            ),
            _ssh_config(settings, folder),
        )


def _expand(expression: str, key: str, where: str) -> list[str]:
    """The names of a node set in the order in which they are written, so that names and addresses pair up.

    ClusterShell itself would sort them: `10.0.0.[7,5]` is 5 and 7 to it.
    """
    try:
        names = [name for part in _parts(expression) for name in NodeSet(part, resolver=_NO_GROUPS)]
    except GroupResolverError as error:
        what = f"{where}: {key} = {expression!r}: groups cannot be used here"
        raise InventoryError(what, "write the names themselves") from error
    except (NodeSetException, AssertionError) as error:  # ClusterShell asserts that a range is not too large
        raise InventoryError(f"{where}: {key} = {expression!r}: {error or 'the range is too large'}") from error
    if not names:
        raise InventoryError(f"{where}: `{key}` is missing or empty", 'for example: names = "nc[2-9].jinr.ru"')
    for name in names:
        if not NAME.fullmatch(name) and not (key == "address" and _is_ipv6(name)):
            raise InventoryError(f"{where}: {key} {name!r} is not a name of letters, digits, '.', '_' and '-'")
    return names


def _is_ipv6(address: str) -> bool:
    try:
        return bool(IPv6Address(address))
    except ValueError:
        return False


def _parts(expression: str) -> list[str]:
    """`a,nc[7,5-6]` as `a`, `nc[7]`, `nc[5-6]`; a set with several brackets stays whole."""
    parts: list[str] = []
    for part in re.split(r",(?![^\[]*\])", expression):
        prefix, bracket, rest = part.partition("[")
        ranges, _, suffix = rest.partition("]")
        single = bracket and "[" not in suffix
        parts += [f"{prefix}[{item}]{suffix}" for item in ranges.split(",")] if single else [part]
    return parts


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
    for label in (*settings.get("groups", ()), *filter(None, [settings.get("role", ""), settings.get("head", "")])):
        if not isinstance(label, str) or not NAME.fullmatch(label):
            raise InventoryError(f"{where}: {label!r} is not a name for a group, a role or a cluster")


def _paths(value: str | list[str], folder: Path) -> tuple[Path, ...]:
    return tuple(folder / Path(path).expanduser() for path in _listed(value))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _homeless(path: str) -> bool:
    """Whether a path begins with the home of a user who does not exist."""
    return path.startswith("~") and os.path.expanduser(path).startswith("~")  # noqa: PTH111 pathlib raises


def _ssh_config(settings: dict[str, Any], folder: Path) -> Path | None:
    written: str = settings.get("ssh_config", "~/.ssh/config")
    return None if written == "none" else folder / Path(written).expanduser()


_KINDS: dict[type, str] = {int: "a whole number", str: "a text", list: "a list", dict: "a table"}
