"""`nicamon db prune`: deletes what is older than the settings keep, now."""

from __future__ import annotations

import time

import click

from nicassh import store
from nicassh.cli.session import Session
from nicassh.units import counted


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=3600.0,
    show_default=True,
    metavar="S",
    help="Leave the rest to the next time after so long.",
)
@click.pass_obj
def command(session: Session, seconds: float) -> None:
    """Roll up what is due, and delete what is older than the settings keep_raw … keep_intervals say.

    The workers, and `nicamon collect`, do it by themselves each hour; after a setting was made smaller
    it need not be waited for. It runs in short steps beside everything else, and may be interrupted.

    \b
    nicamon db prune
    nicamon db prune --seconds 60
    """
    session.store.create()
    session.queue.create()
    end = time.monotonic() + seconds
    if not store.rollup(session.store, session.queue.now(), seconds):
        click.echo("the roll-up is not through yet: what it has not done stays")
    deleted = store.prune(session.store, session.config, session.queue.now(), end - time.monotonic())
    for table, number in deleted.items():
        click.echo(f"{table}: {counted(number, 'row')} deleted")
    if not deleted:
        click.echo("nothing is older than it is to be kept")
