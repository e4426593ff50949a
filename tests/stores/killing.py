"""A collector that dies while it writes: at a statement that the test chooses, with its transaction open.

    python killing.py URL

Each line of stdin is a number: the statement of writing transactions after which the collector is killed (SIGKILL); 0
lets it end. The answer is `killed`, or how many statements there were. A collector is a process of its own, forked
from this one, which has loaded all modules and has neither threads nor connections.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from nicassh import tasks
from nicassh.collector import Collector
from nicassh.config.settings import Config
from nicassh.database import connect
from nicassh.inventory import Node
from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.tasks import TaskList

NODES = ("n1", "n2", "n3")
PROBES = [one for one in probe.load_all() if one.name in ("load", "memory", "system")]


def _work(url: str, fatal: int, told: int) -> None:
    """Runs what is due; says so in the pipe when the chosen statement was executed, and then waits to be killed."""
    statements = itertools.count(1)
    number = 0

    def count(connection: sa.Connection, *_: object) -> None:
        nonlocal number
        if connection.get_execution_options().get("writes"):
            number = next(statements)
            if number == fatal:
                os.write(told, b"open\n")
                signal.pause()

    sa.event.listen(sa.Engine, "after_cursor_execute", count)
    task_list, store = TaskList(connect(url)), Store(url, PROBES)
    nodes = [Node(name, "", transport="local") for name in NODES]
    tasks.run_now(task_list)
    with Collector(task_list, store, nodes, PROBES, Config()) as collector:
        collector.work()
    os.write(told, b"%d\n" % number)


def main() -> None:
    """Forks a collector for each line."""
    for line in sys.stdin:
        hear, told = os.pipe()
        child = os.fork()
        if not child:
            os.close(hear)
            code = 1
            try:
                _work(sys.argv[1], int(line), told)
                code = 0
            finally:
                os._exit(code)
        os.close(told)
        with os.fdopen(hear, encoding="ascii") as pipe:
            said = pipe.readline().strip()
            if said == "open":
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        print("killed" if said == "open" else said or "failed", flush=True)


class Killer:
    """That program, as a test has it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, fatal: int = 0) -> str:
        """What becomes of a collector that is to die after so many statements."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{fatal}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


@contextmanager
def killer(url: str) -> Iterator[Killer]:
    """Runs it until the test is over."""
    command = [sys.executable, __file__, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Killer(process)
        assert process.stdin
        process.stdin.close()
        process.wait(30)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
