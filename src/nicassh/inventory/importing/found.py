"""What a source gives: hosts, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nicassh.inventory.address import canonical, is_address, lacks_interface
from nicassh.inventory.expanding import expand
from nicassh.inventory.node import NAME


class Line(NamedTuple):
    """A line, and where it stands: `slurm.conf, line 3`."""

    place: str
    text: str


@dataclass
class Host:
    """A host as a source describes it. `address` is "" where its name is its address."""

    name: str
    address: str = ""
    role: str = ""
    batch_cluster: str = ""
    groups: list[str] = field(default_factory=list)


class Found:
    """The hosts of a source by name, and what of it could not be read, each with its place."""

    def __init__(self) -> None:
        self.hosts: dict[str, Host] = {}
        self.problems: list[str] = []

    def problem(self, place: str, what: str) -> None:
        """Add something that could not be read, or was left out."""
        self.problems.append(f"{place}: {what}")

    def names(self, place: str, expression: str) -> list[str]:
        """Return the names of a node set; none, and a problem, where it cannot be read."""
        try:
            return expand(expression)
        except ValueError as error:
            self.problem(place, f"{expression!r} is no node set: {error}")
            return []

    def add(
        self, place: str, name: str, *, address: str = "", role: str = "", batch_cluster: str = "",
        groups: Iterable[str] = (),
    ) -> None:  # fmt: skip
        """Add a host, or what is new of a host that was there before. What cannot be used is a problem."""
        if not NAME.fullmatch(name):
            self.problem(place, f"{name!r} is no name of a host")
            return
        host = self.hosts.setdefault(name, Host(name))
        host.role = host.role or role
        host.batch_cluster = host.batch_cluster or batch_cluster
        self._set_address(place, host, canonical(address))
        for group in groups:
            if not NAME.fullmatch(group):
                self.problem(place, f"{group!r} cannot be the name of a group; {name} is there without it")
            elif group not in host.groups:
                host.groups.append(group)

    def _set_address(self, place: str, host: Host, address: str) -> None:
        if address in ("", host.name, host.address):
            return
        if host.address:
            self.problem(place, f"{host.name} has a further address {address}; {host.address} is used")
        elif not NAME.fullmatch(address) and not is_address(address):
            self.problem(place, f"{host.name}: {address!r} is neither a name nor an IP address; it is left out")
        elif lack := lacks_interface(address):
            self.problem(place, f"{host.name}: {lack}; it is left out")
        else:
            host.address = address


def lines_of(name: str, text: str) -> list[Line]:
    """Return the lines of a file with their places."""
    return [Line(f"{name}, line {number}", line) for number, line in enumerate(text.splitlines(), 1)]


def joined(lines: Sequence[Line]) -> Iterable[Line]:
    """Yield the lines without comments, those that end with a backslash together with the next ones."""
    place, text = "", ""
    for line in lines:
        place = place or line.place
        text += line.text.partition("#")[0].rstrip()
        if text.endswith("\\"):
            text = text[:-1] + " "
            continue
        yield Line(place, text)
        place, text = "", ""
    if text:
        yield Line(place, text)
