"""What each person uses of a node, by the kind of their processes: so nobody need add up all processes to know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from .rows import Process, User


def users(processes: Iterable[Process]) -> Iterator[User]:
    """Yields a User for each person and kind."""
    groups: dict[tuple[str, str], list[Process]] = {}
    for process in processes:
        if process.ordinary:
            groups.setdefault((process.user, process.kind), []).append(process)
    for (user, kind), some in groups.items():
        yield User(user, kind, len(some), _cpu(some), sum(one.memory or 0 for one in some), _software(some))


def with_cpu(users: Iterable[User], processes: Iterable[Process]) -> Iterator[User]:
    """Yields the users with the CPU per cent that their processes have now."""
    groups: dict[tuple[str, str], list[Process]] = {}
    for process in processes:
        groups.setdefault((process.user, process.kind), []).append(process)
    return (replace(user, cpu_percent=_cpu(groups.get((user.user, user.kind), ()))) for user in users)


def _cpu(processes: Sequence[Process]) -> float:
    return round(sum(process.cpu_percent for process in processes), 1)


def _software(processes: Sequence[Process]) -> str | None:
    counts = Counter(process.software for process in processes if process.software)
    return ", ".join(name for name, _ in counts.most_common()) or None
