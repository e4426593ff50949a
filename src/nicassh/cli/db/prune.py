"""`nicamon db prune`: deletes what is older than the settings keep, now."""

from __future__ import annotations

import time

import click

from nicassh import tasks
from nicassh.cli.session import Session
from nicassh.model.units import counted

_DAY = 86400


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=3600.0,
    show_default=True,
    metavar="S",
    help="Leave the rest to the next time after so long.",
)
@click.option(
    "--trust-clock", is_flag=True, help="The clock is right, though it was set forward, or nothing was stored for long."
)
@click.pass_obj
def command(session: Session, seconds: float, trust_clock: bool) -> None:
    """Roll up what is due, and delete what is older than the settings keep_raw … keep_intervals say.

    Nodes that have been out of the inventory for as long as forget_nodes_after says leave the newest values.

    The daemon, and `nicamon collect`, do it by themselves each hour; after a setting was made smaller
    it need not be waited for. It runs in short steps beside everything else, and may be interrupted.

    Where the clock was set forward by more than an hour, or the machine was booted after a day or more without
    anything stored, nothing more goes than by the time before: the clock may be wrong. It says so; where the clock
    is right, --trust-clock ends that, here and for the daemon.

    \b
    nicamon db prune
    nicamon db prune --seconds 60
    nicamon db prune --trust-clock
    """
    session.database.check_not_empty(rows=False)
    session.store.create()
    session.task_list.create()
    if trust_clock:
        session.store.clocks.trust()
    now = session.store.clocks.trusted(session.task_list.now())
    end = time.monotonic() + seconds
    if not session.store.rollup(now, seconds):
        click.echo("the roll-up is not through yet: what it has not done stays")
    deleted = session.store.prune(session.config, now, end - time.monotonic())
    for table, number in deleted.items():
        click.echo(f"{table}: {counted(number, 'row')} deleted")
    if known := tasks.periodic_nodes(session.task_list):
        before = now - session.config.forget_nodes_after * _DAY
        for node in session.store.forget_nodes(known, before, now):
            click.echo(f"{node}: not in the inventory, its newest values are forgotten")
    if not deleted:
        click.echo("nothing is older than it is to be kept")
