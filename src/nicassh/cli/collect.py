"""`nicamon collect`: work as a collector until nothing is due, or ask some nodes now."""

from __future__ import annotations

import sys
from typing import Any

import click

from nicassh import tasks
from nicassh.cli.complete import complete_probes
from nicassh.cli.naming import node_options
from nicassh.cli.progress import Progress, failures
from nicassh.cli.session import Session
from nicassh.cli.signals import interrupt_once
from nicassh.collection.run import NodeResult, plan
from nicassh.collector import Collector, periodic_tasks
from nicassh.model.units import draw_seconds


@click.command()
@node_options()
@click.option(
    "-p", "--probe", "names", multiple=True, metavar="PROBE", shell_complete=complete_probes,
    help="Run this probe now; may be repeated.",
)  # fmt: skip
@click.option("--now", is_flag=True, help="Run all probes on all nodes now, whether they are due or not.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing about nodes; only set the exit code.")
@click.pass_obj
def command(session: Session, nodes: str, names: tuple[str, ...], now: bool, quiet: bool) -> None:
    """Collect what is due from the nodes, and store it.

    Each probe has its own period (see nicamon probes), so cron starts this every minute: it runs what
    is due and ends. Two runs at the same time share the work. With --now, NODES or --probe the nodes
    are contacted at once, due or not.

    Exit code 0: success. 1: some node or probe failed; the others are stored, and the old values of
    those stay. On a terminal there is a progress bar; without one nothing is printed unless something
    failed.

    \b
    nicamon collect
    nicamon collect --now                            all, at once
    nicamon collect @batch -p load -p memory      these, at once
    * * * * *  ~/nicamon/bin/nicamon collect         a line for crontab -e
    """
    probes = session.probes(names)
    requests = plan(session.select(nodes), probes)
    interrupt_once()
    session.store.create()
    session.task_list.create()
    wanted = [(request.node.name, probe.name) for request in requests for probe in request.probes]
    results: list[NodeResult[Any]] = []
    interrupted = False
    progress = Progress(len(requests), shown=not quiet and sys.stderr.isatty())
    try:
        _work(session, progress, results, wanted if now or nodes or names else [])
    except KeyboardInterrupt:
        interrupted = True
    if not quiet:
        for line in failures(results):
            click.echo(line, err=True)
        progress.summary(interrupted)
    sys.exit(130 if interrupted else 0 if all(result.is_ok for result in results) else 1)


def _work(session: Session, progress: Progress, results: list[NodeResult[Any]], wanted: list[tuple[str, str]]) -> None:
    """Run the wanted probes on their nodes; where none is wanted, all that is due."""
    task_list = session.task_list

    def seen(result: NodeResult[Any]) -> None:
        results.append(result)
        progress.arrived(result)

    collector = Collector(
        task_list, session.store, session.select(), session.probes(), session.config, started=progress.started,
        seen=seen,
    )  # fmt: skip
    if not wanted:
        tasks.reap(task_list)
        tasks.sync_periodic(task_list, periodic_tasks(session.select(), session.probes()))
        progress.total = tasks.due_node_count(task_list)
    with collector, progress:
        if wanted:
            batch = tasks.enqueue_claimed(task_list, collector.registration, wanted)
            try:
                collector.work(held=True)
            except KeyboardInterrupt:
                tasks.discard(task_list, batch)  # nobody waits for it any more
                raise
        elif collector.may_work():
            collector.work()
        else:
            progress.note = "collector limit reached on this host"
    if not results and not progress.note:
        soon = tasks.seconds_until_next(task_list)
        wait = "" if soon is None else f"; next in {draw_seconds(max(0.0, soon))}"
        progress.note = f"nothing is due; --now asks all the same{wait}"
