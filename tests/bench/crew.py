"""A crew of collector processes on one of the three databases: they begin together, and each gives a value back."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "needs"))

import servers

from nicassh.database import connect
from nicassh.tasks import TaskList

KINDS = ("sqlite", *servers.KINDS)
_CONTEXT = multiprocessing.get_context("spawn")


@contextmanager
def fresh(kind: str) -> Iterator[Callable[[], Any]]:
    """Serves a kind of database, servers at default durability; gives what makes contexts of URLs of empty ones."""
    if kind == "sqlite":
        yield _file
    else:
        with servers.started(kind) as server:
            yield server.fresh


@contextmanager
def _file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/nicamon.db"


def opened(url: str) -> TaskList:
    """The task list of a database, as each process opens its own."""
    task_list = TaskList(connect(url))
    task_list.create()
    return task_list


def together(number: int, work: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `work(wait, *arguments)` gives in each of so many processes; `wait()` there lets all of them go at once."""
    barrier = _CONTEXT.Barrier(number)
    with ProcessPoolExecutor(number, _CONTEXT, initializer=_keep, initargs=(barrier,)) as pool:
        return [one.result() for one in [pool.submit(_work, work, arguments) for _ in range(number)]]


def _keep(barrier: Any) -> None:
    _BARRIER.append(barrier)


def _work(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    (barrier,) = _BARRIER
    try:
        return work(barrier.wait, *arguments)
    except BrokenBarrierError:
        raise
    except BaseException:
        barrier.abort()
        raise


_BARRIER: list[Any] = []
