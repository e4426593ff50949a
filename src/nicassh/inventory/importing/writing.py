"""Hosts as the text of an inventory: those that are alike in one entry, with their names folded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from nicassh.inventory.expression import fold, natural
from nicassh.inventory.importing.found import Host

_KEYS = "user, port, identity, known_hosts, transport, ssh_config"
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def inventory_text(hosts: Sequence[Host], defaults: Mapping[str, str], origin: str) -> str:
    """Return an inventory of these hosts. `defaults` are keys of [defaults], `origin` says what it was made from."""
    parts = [f"# Made by: {origin}", f"# Further keys of an entry, and of [defaults]: {_KEYS}", ""]
    parts += ["[defaults]", '# user = "nicamon"', *(f"{key} = {_quoted(value)}" for key, value in defaults.items())]
    alike: dict[tuple[str, ...], list[Host]] = {}
    for host in sorted(hosts, key=lambda one: natural(one.name)):
        kind = (host.role, host.batch_cluster, "address" if host.address else "", *sorted(host.groups, key=natural))
        alike.setdefault(kind, []).append(host)
    for (role, cluster, has_address, *groups), members in alike.items():
        parts += ["", "[[nodes]]"]
        if has_address:
            parts.append(f"names = {_quoted(in_order([host.name for host in members]))}")
            parts.append(f"address = {_quoted(in_order([host.address for host in members]))}")
        else:
            parts.append(f"names = {_quoted(fold(host.name for host in members))}")
        parts += [f"role = {_quoted(role)}"] if role else []
        parts += [f"batch_cluster = {_quoted(cluster)}"] if cluster else []
        parts += [f"groups = {json.dumps(groups)}"] if groups else []
    return "\n".join(parts) + "\n"


def in_order(names: Sequence[str]) -> str:
    """Return a node set that gives these names in this order, so that names and addresses pair up."""
    return ",".join(_folded(names))


def _folded(names: Sequence[str]) -> Iterator[str]:
    """Yield `nc[2-4,9]` for neighbours that differ in their last number only."""
    last, numbers = ("", ""), list[str]()
    for name in names:
        prefix, number, suffix = _parts(name)
        if numbers and ((prefix, suffix) != last or not number):
            yield _bracketed(last, numbers)
            numbers = []
        if number:
            last, numbers = (prefix, suffix), [*numbers, number]
        else:
            yield name
    if numbers:
        yield _bracketed(last, numbers)


def _parts(name: str) -> tuple[str, str, str]:
    """Return a name as what stands before its last number, the number, and the rest; no number in IPv6 addresses."""
    found = None if ":" in name else _NUMBERED.fullmatch(name)
    return (found[1], found[2], found[3]) if found else (name, "", "")


def _bracketed(around: tuple[str, str], numbers: Sequence[str]) -> str:
    ranges: list[list[str]] = []
    for number in numbers:
        if ranges and len(number) == len(ranges[-1][-1]) and int(number) == int(ranges[-1][-1]) + 1:
            ranges[-1] = [ranges[-1][0], number]
        elif ranges and number[0] != "0" and ranges[-1][-1][0] != "0" and int(number) == int(ranges[-1][-1]) + 1:
            ranges[-1] = [ranges[-1][0], number]  # 9 and 10
        else:
            ranges.append([number])
    inside = ",".join("-".join(one) for one in ranges)
    return f"{around[0]}{inside if len(numbers) == 1 else f'[{inside}]'}{around[1]}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
