"""What `backup`, `restore` and `copy` share: the tables that are declared, the progress, and a copy of everything."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

import click

from nicassh.database import Engine, MetaData
from nicassh.database.copying import copy, refuse_rows
from nicassh.model.units import counted
from nicassh.store import Store
from nicassh.tasks.model import METADATA

_OFTEN = 0.2
"""Seconds between two words on a terminal."""


class Progress:
    """Says on a terminal how far a transfer is; elsewhere nothing."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, table: str, rows: int) -> None:
        if self._shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + _OFTEN
            click.echo(f"\r\x1b[K{table}: {rows}", nl=False, err=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the line."""
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def declared(store: Store) -> list[MetaData]:
    """Return the tables of the store and of the tasks."""
    return [store.metadata, METADATA]


def move(source: Engine, target: Engine, tables: Sequence[MetaData], force: bool) -> None:
    """Copy everything, and say what was done: `61 tables, 120344 rows, copied and verified`.

    Raises DatabaseError, also where there are rows already, unless `force` says that they are to be removed.
    """
    if not force:
        refuse_rows(target)
    with Progress() as progress:
        done = copy(source, target, tables, progress)
    click.echo(f"{counted(len(done), 'table')}, {counted(sum(one.rows for one in done), 'row')}, copied and verified")
