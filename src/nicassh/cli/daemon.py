"""`nicamon daemon`: several collectors that stay."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from nicassh import tasks
from nicassh.cli.session import Session
from nicassh.collector import Collector, Pool, periodic_tasks
from nicassh.config.settings import Config
from nicassh.model.errors import ConfigError
from nicassh.probes.loader import builtin

_URGENT_SECONDS = 120.0
"""Seconds for which a collector for urgent tasks stays when there are none: beginning one takes a second."""


@click.command()
@click.option(
    "--processes", type=click.IntRange(1, 64), metavar="N", help="How many collectors; else the setting `collectors`."
)
@click.option("-q", "--quiet", is_flag=True, help="Say nothing about batches that went well.")
@click.option("--child", type=int, metavar="PARENT", hidden=True)
@click.option("--down-to", type=int, default=int(tasks.Priority.BACKGROUND), hidden=True)
@click.pass_obj
def command(session: Session, processes: int | None, quiet: bool, child: int | None, down_to: int) -> None:
    """Run the collector as a daemon.

    It does the work of `nicamon collect` each minute, but sooner, with several processes and with
    sessions that stay open. Changes of configuration, inventory and probes are applied within a minute;
    if they are wrong, a message says so and the old ones stay in force. On SIGTERM or Ctrl-C the nodes
    in progress have three more seconds; all other tasks are given back. With a database server several
    hosts share one task list. A line for each batch goes to stderr.

    \b
    nicamon daemon
    nicamon daemon --processes 8 --quiet
    nicamon install-units --user         let systemd run it
    nicamon tasks --watch 2              watch it
    """
    level = logging.WARNING if quiet else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    session.select()
    session.store.create()
    session.task_list.create()
    config = replace(session.config, collectors=processes or session.config.collectors)
    if child:
        _child(session, config, child, down_to)
        return
    pool = Pool(session.task_list, _own_command(config, quiet), config, _PeriodicTasks(session))
    _at_end(pool.stop)
    pool.run()


class _PeriodicTasks:
    """Keeps the periodic tasks as the inventory, the probes and the configuration have them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._seen: dict[Path, int] = {}
        self._wanted: list[tasks.PeriodicTask] = []

    def __call__(self) -> bool:
        """Bring the periodic tasks up to date; say whether the files have changed since the last call.

        Raises ConfigError where the files are wrong now.
        """
        try:
            found, wanted = self._read()
        except (ConfigError, OSError) as error:
            what, hint = (error.what, error.hint) if isinstance(error, ConfigError) else (str(error), "")
            raise ConfigError(f"{what}; what was read before stays in force", hint) from error
        # Also where nothing has changed: a task that is not wanted any more could not be deleted while it ran.
        tasks.sync_periodic(self._session.task_list, wanted)
        changed = bool(self._seen) and found != self._seen
        self._seen, self._wanted = found, wanted
        return changed

    def _read(self) -> tuple[dict[Path, int], list[tasks.PeriodicTask]]:
        """Return the files with their versions, and their tasks; read where changed. Raises ConfigError, OSError."""
        fresh = Session(self._session.file)
        found = _versions(fresh)
        if found == self._seen:
            return found, self._wanted
        if fresh.config.database_url != self._session.config.database_url:
            raise ConfigError("the setting `database` has changed: restart `nicamon daemon`")
        return found, periodic_tasks(fresh.select(), fresh.probes())


def _versions(session: Session) -> dict[Path, int]:
    """Return the files that say what is to be done, with the times of their last change."""
    config = session.config
    folders = [builtin(), *config.probes]
    files = [*config.inventory, *(file for folder in folders for file in folder.rglob("*") if file.is_file())]
    return {file: file.stat().st_mtime_ns for file in [*files, *([config.file] if config.file else [])]}


def _child(session: Session, config: Config, parent: int, down_to: int) -> None:
    """Work as one collector of the pool, until its parent ends; one for urgent tasks ends when there are none."""
    collector = Collector(session.task_list, session.store, session.select(), session.probes(), config)
    _at_end(collector.stop)
    is_urgent = down_to < tasks.Priority.BACKGROUND
    with collector:
        collector.stay(lambda: os.getppid() == parent, down_to, _URGENT_SECONDS if is_urgent else None)


def _own_command(config: Config, quiet: bool) -> list[str]:
    """Return the command line of one collector."""
    file = ["--config", str(config.file)] if config.file else []
    options = ["--child", str(os.getpid()), "--processes", str(config.collectors), *(["--quiet"] if quiet else [])]
    return [sys.executable, "-m", "nicassh", *file, "daemon", *options]


def _at_end(stop: Callable[[], None]) -> None:
    """Call `stop` at the first signal; a second one interrupts the process."""

    def handle(number: int, _frame: Any) -> None:
        signal.signal(number, signal.default_int_handler)
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
