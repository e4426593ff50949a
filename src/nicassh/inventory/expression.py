"""Node expressions: ClusterShell's set algebra over the inventory's names, groups and roles.

`nc[2-4]`, `@batch`, `@role:interactive`, `@*`, `nc*`; `,` or a blank unites, `!` takes away, `&`
intersects, `^` is the symmetric difference, from left to right. Groups of ClusterShell's own
sources (groups.conf) are `@source:group`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from ClusterShell.Defaults import config_paths
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.NodeUtils import (
    GroupResolverConfig,
    GroupResolverError,
    GroupResolverSourceError,
    GroupSource,
    GroupSourceError,
)

from nicassh.inventory.expanding import MOST, too_large
from nicassh.inventory.node import Inventory, Node
from nicassh.model.errors import InventoryError

_SOURCE = "inventory"
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")
_OPERATOR = re.compile(r"([,!&^\s]+)(?![^\[]*\])")


def select(inventory: Inventory, expression: str = "") -> list[Node]:
    """Return the nodes that an expression names, in natural order; all of them where it is empty.

    Raises InventoryError for a syntax error, an unknown group (which ClusterShell itself takes for an
    empty set) and a name that the inventory does not have.
    """
    if not expression.strip():
        return sorted(inventory.nodes.values(), key=lambda node: natural(node.name))
    if too_large(expression):
        raise InventoryError(f"node expression {expression[:60]!r}: more than {MOST} names, the most that one may have")
    resolver = _resolver(inventory)
    try:
        rewritten = "".join(_operand(part, inventory) for part in _OPERATOR.split(expression.strip()))
        names = list(NodeSet(rewritten, resolver=resolver))
    except GroupResolverSourceError as error:
        known = ", ".join(f"@{source}:…" for source in resolver.sources())
        raise InventoryError(
            f"unknown group source {str(error)!r} in {expression!r}", f"known sources: {known}"
        ) from error
    except (NodeSetException, GroupResolverError, GroupSourceError) as error:
        raise InventoryError(f"node expression {expression!r}: {error}") from error
    missing = [name for name in names if not inventory.canonical(name)]
    if missing:
        raise InventoryError(f"not in the inventory: {fold(missing)}", _hint(missing[0], inventory))
    if not names:
        raise InventoryError(f"{expression!r} selects no node")
    chosen = dict.fromkeys(inventory.canonical(name) or name for name in names)
    return [inventory.nodes[name] for name in sorted(chosen, key=natural)]


def _resolver(inventory: Inventory) -> _Resolver:
    try:
        return _Resolver(inventory)
    except (GroupResolverError, GroupSourceError, ValueError) as error:
        hint = f"the sources {_SOURCE!r} and 'role' are nicamon's own"
        raise InventoryError(f"ClusterShell's groups.conf: {error}", hint) from error


def fold(names: Iterable[str]) -> str:
    """Return names as one node set: `nc[2-4,9].jinr.ru`."""
    return _folded(tuple(names))


@lru_cache(maxsize=256)
def _folded(names: tuple[str, ...]) -> str:
    """Return the same. Cached, because the rows of one table often have the same nodes.

    ClusterShell reads one `nc[2,3,4,9].jinr.ru` two to three times as fast as four names.
    """
    numbers: dict[tuple[str, str], list[str]] = {}
    for name in names:
        found = _NUMBERED.fullmatch(name)
        prefix, number, suffix = found.groups() if found else (name, "", "")
        numbers.setdefault((prefix, suffix), []).append(number)
    parts = [f"{prefix}[{','.join(some)}]{suffix}" if some[0] else prefix for (prefix, suffix), some in numbers.items()]
    return str(NodeSet(",".join(parts), resolver=RESOLVER_NOGROUP))


@lru_cache(maxsize=65536)
def natural(name: str) -> tuple[Any, ...]:
    """Return the key that sorts nc2 before nc10."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)


def complete(inventory: Inventory, start: str) -> list[str]:
    """Names, groups and roles that continue what was typed; for the shell's completion."""
    words = [
        *inventory.nodes,
        *(f"@{group}" for group in inventory.groups()),
        *(f"@role:{role}" for role in inventory.roles()),
    ]
    return [word for word in words if word.startswith(start)]


def _operand(part: str, inventory: Inventory) -> str:
    """Return a part of an expression with full names in place of short names and wildcards."""
    if _OPERATOR.fullmatch(part):
        return part.strip() or ","
    if not part or part.startswith("@"):
        return part
    if "*" in part or "?" in part:
        found = [
            name for name in inventory.nodes if fnmatchcase(name, part) or fnmatchcase(name.partition(".")[0], part)
        ]
        if not found:
            raise InventoryError(f"no node matches {part!r}", _hint(part, inventory))
        return fold(found)
    return fold(inventory.canonical(name) or name for name in NodeSet(part, resolver=RESOLVER_NOGROUP))


def _hint(name: str, inventory: Inventory) -> str:
    near = difflib.get_close_matches(name, [*inventory.nodes, *inventory.short], 1)
    return f"did you mean {near[0]!r}?" if near else "see: nicamon nodes"


class _Resolver(GroupResolverConfig):  # type: ignore[misc]
    """ClusterShell's configured group sources, with the inventory's groups as the default one."""

    def __init__(self, inventory: Inventory) -> None:
        super().__init__(config_paths("groups.conf"), illegal_chars=set("@,!&^*"))
        groups = {name: fold(members) for name, members in inventory.groups().items()}
        roles = {name: fold(members) for name, members in inventory.roles().items()}
        everything = fold(inventory.nodes)
        self.add_source(GroupSource(_SOURCE, {**groups, "all": groups.get("all", everything)}, everything))
        self.add_source(GroupSource("role", roles, everything))
        self.default_source_name = _SOURCE

    def group_nodes(self, group: str, namespace: str | None = None) -> list[str]:
        nodes: list[str] = super().group_nodes(group, namespace)
        if not nodes:
            known = sorted(self.grouplist(namespace), key=natural)
            if group not in known:
                prefix = f"@{namespace}:" if namespace else "@"
                listed = ", ".join(prefix + name for name in known) or "none"
                raise InventoryError(f"unknown group {prefix}{group}", f"known groups: {listed}")
        return nodes
