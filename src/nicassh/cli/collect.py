"""`nicamon collect`: ask the nodes, store what they answer."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from nicassh import collect
from nicassh.cli.progress import Progress, failures
from nicassh.cli.session import Session, complete_probes, node_expression
from nicassh.transport import Connections


@click.command()
@node_expression(
    "-n", "--node", "expression", default="", metavar="EXPR", help="Ask only these nodes: nc[2-4], @batch, …"
)
@click.option(
    "-p",
    "--probe",
    "names",
    multiple=True,
    shell_complete=complete_probes,
    help="Run only this probe; may be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing about nodes; only the exit code tells.")
@click.pass_obj
def command(session: Session, expression: str, names: tuple[str, ...], quiet: bool) -> None:
    """Ask the nodes and store what they answer, in one transaction.

    Exit code 0: all well. 1: some node or probe failed; the others are stored, and the table keeps
    the failed ones with their reason. On a terminal there is a progress bar; from cron there is
    silence unless something failed.

    \b
    nicamon collect
    nicamon collect -n @batch -p load -p memory
    */5 * * * *  nicamon collect            (a line for crontab)
    """
    probes = session.probes(names)
    pairs = collect.plan(session.select(expression), probes)
    store = session.store
    store.create()
    signal.signal(signal.SIGTERM, _interrupt)
    answers: list[collect.Answered] = []
    progress = Progress(len(pairs), shown=not quiet and sys.stderr.isatty())
    parameters = collect.parameters_of(session.config)
    interrupted = False
    try:
        with progress, Connections(collect.limits_of(session.config)) as connections:
            for answered in collect.ask(pairs, connections, parameters, progress.started):
                answers.append(answered)
                progress.arrived(answered.well)
    except KeyboardInterrupt:
        interrupted = True
    # A second interruption must not undo the transaction that keeps what the first one saved.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    collect.save(store, probes, answers)
    if not quiet:
        for line in failures(answers):
            click.echo(line, err=True)
        progress.summary(interrupted)
    sys.exit(130 if interrupted else 0 if all(answered.well for answered in answers) else 1)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt
