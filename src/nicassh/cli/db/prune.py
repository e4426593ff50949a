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
    help="Stop after this time; the next run does the rest.",
)
@click.option(
    "--trust-clock",
    is_flag=True,
    help="The clock is right, although it was set forward, or nothing was stored for long.",
)
@click.pass_obj
def command(session: Session, seconds: float, trust_clock: bool) -> None:
    """Roll up and delete old rows, by the settings keep_raw … keep_intervals.

    Also deletes the newest values of nodes that left the inventory more than forget_nodes_after days ago.

    The daemon and `nicamon collect` do this each hour; run it after you have made a setting smaller. It
    works in short steps beside everything else, and may be interrupted.

    If the clock was set forward by more than an hour, or the machine was booted after a day or more
    without stored values, the clock may be wrong: then no more is deleted than by the time before, and
    a message says so. If the clock is right, pass --trust-clock once; it also holds for the daemon.

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
        click.echo("nothing to prune")
