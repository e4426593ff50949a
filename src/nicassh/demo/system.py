"""Describes the batch and storage systems that a rooted farm can run besides SSH servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nicassh.demo.farm import Farm


@dataclass(frozen=True)
class System:
    """A batch or storage system of the demo farm.

    word:     its name on the command line
    script:   the file with the shell script that starts it on a node
    programs: what the machine must have, with the package of each
    accounts: the users that these packages make
    leader:   the number of the node on which the rest of the system depends
    duties:   node number to what the node does; all other nodes do `rest`, where that is not ""
    roles:    node number to the role of the node while the system runs
    batch:    whether it is a batch system
    lay:      writes its files
    awaited:  returns what is not up yet, or ""
    occupy:   gives it something to do
    """

    word: str
    title: str
    script: str
    programs: Mapping[str, str]
    accounts: tuple[str, ...]
    leader: int
    duties: Mapping[int, str]
    roles: Mapping[int, str]
    lay: Callable[[Farm], None]
    awaited: Callable[[Farm], str]
    occupy: Callable[[Farm], None] = lambda _farm: None
    rest: str = ""
    batch: bool = False

    def duty(self, number: int) -> str:
        """Return what a node does in it; "" where it has no part in it."""
        return self.duties.get(number, self.rest)


def batch_system(word: str, title: str, *, master: int, workers: Iterable[int], **details: Any) -> System:
    """Return a batch system: one node has the master, the workers run jobs, and all others can submit them."""
    workers = tuple(workers)
    return System(
        word=word,
        title=title,
        leader=master,
        duties={master: "master", **dict.fromkeys(workers, "exec")},
        rest="client",
        roles=dict.fromkeys(workers, "batch"),
        batch=True,
        **details,
    )
