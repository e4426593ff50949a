"""What a rooted farm can run besides SSH servers: a batch system, a storage system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nicassh.demo.farm import Farm


@dataclass(frozen=True)
class System:
    """A batch or storage system, and what it does on which nodes.

    `word` is its name on the command line; the script that starts it on a node is `script`. `programs`
    are what the machine must have, with the package of each, and `accounts` the users that these
    packages made. `duties` gives a node's duty by its number, `rest` that of all others; `roles` is
    what nodes are for when it runs. `batch` tells a batch system from others, and `leader` is the number
    of the node that the rest of the system hangs on.

    `lay` writes the system's files, `awaited` tells what is not up yet, or nothing, and `occupy` gives
    the system something to do.
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
    occupy: Callable[[Farm], None]
    rest: str = ""
    batch: bool = False

    def duty(self, number: int) -> str:
        """What a node does in it; nothing where it has no part in it."""
        return self.duties.get(number, self.rest)
