"""The acceptance cases of the task list, and collectors in a simulated time that choose as real ones do."""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nicassh.tasks.scheduler import Choice, charge, choose

CASES = json.loads((Path(__file__).parent.parent / "task_cases.json").read_text(encoding="utf-8"))
SHARING = (20, 30, 40, 50)
"""The classes that share what critical tasks leave."""
Classes = dict[int, Any]


def each(cases: list[dict[str, Any]]) -> list[Any]:
    """Cases for parametrize, under their own ids."""
    return [pytest.param(case, id=case["id"]) for case in cases]


def classes(table: Mapping[str, Any]) -> Classes:
    """A table of a case, whose keys are the numbers of classes."""
    return {int(one): value for one, value in table.items()}


@dataclass
class Trace:
    """What the collectors did until a moment, by class: tasks left, starts, seconds of work; and the last end."""

    left: dict[int, float]
    until: float
    starts: dict[int, list[float]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    finish: dict[int, float] = field(default_factory=dict)

    def share(self, one: int) -> float:
        """The part of all collector time that a class had."""
        return self.seconds.get(one, 0.0) / sum(self.seconds.values())

    def gap(self, one: int) -> float:
        """The longest time in which a class waited: between two starts, before the first, and after the last."""
        moments = [0.0, *self.starts.get(one, []), *([self.until] if self.left[one] else [])]
        return max(later - earlier for earlier, later in pairwise(moments))


Duration = Callable[[int], float]


def simulate(collectors: int, task_list: Mapping[int, float], duration: Duration, until: float = math.inf) -> Trace:
    """Let collectors do the tasks of a task list, so many a class (math.inf: it never ends), one at a time.

    `duration(one)` gives the seconds of the next task of a class, and what a turn of it is charged.
    """
    left, running = dict(task_list), dict.fromkeys(task_list, 0)
    trace = Trace(left, until)
    virtual_times: dict[int, float] = {}
    free = [(0.0, collector, 0) for collector in range(collectors)]
    while free:
        now, collector, done = heapq.heappop(free)
        if done:
            running[done] -= 1
            trace.finish[done] = now
        waiting = tuple(one for one, number in left.items() if number)
        choice = _chosen(waiting, tuple(running.items()), collectors, tuple(virtual_times.items()))
        if choice is None or now >= until:
            continue
        one, seconds = choice.priority, duration(choice.priority)
        if choice.by_turn:
            virtual_times = charge(virtual_times, waiting, one, seconds)
        left[one] -= 1
        running[one] += 1
        trace.starts.setdefault(one, []).append(now)
        trace.seconds[one] = trace.seconds.get(one, 0.0) + seconds
        heapq.heappush(free, (now + seconds, collector, one))
    return trace


@cache
def _chosen(
    waiting: tuple[int, ...],
    running: tuple[tuple[int, int], ...],
    active: int,
    virtual_times: tuple[tuple[int, float], ...],
) -> Choice | None:
    # Busy task lists come back to the same few states.
    return choose(waiting, dict(running), active, virtual_times=dict(virtual_times), reserved=1)
