"""`nicamon procs`: the processes of users on all nodes, asked for now."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import click

from nicassh.cli.naming import Listed, node_options, user_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.progress import Progress, failures
from nicassh.cli.session import Session
from nicassh.collection.run import NodeResult, collect, plan, probe_parameters, transport_limits
from nicassh.inventory import Node
from nicassh.query import Table
from nicassh.query.tables.procs import KINDS, STATES, live, process_filter
from nicassh.transport import Connections


@click.command()
@node_options()
@user_options
@click.option(
    "--state", multiple=True, type=Listed(STATES), metavar="R,D", help="Only in these states: D, R, S, T, Z, I, X."
)
@click.option("--match", metavar="REGEX", help="Only command lines in which this regular expression is found.")
@click.option(
    "--min-cpu",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="P",
    help="Only with at least this much CPU, in percent of one processor.",
)
@click.option(
    "--min-memory",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="P",
    help="Only with at least this much memory, in percent of the node's.",
)
@click.option("--jobs/--no-jobs", default=None, help="Only processes of batch jobs; or only all others.")
@click.option("--interactive", is_flag=True, help="Only processes that a person holds by a login; with --jobs: both.")
@click.option("--job", default="", metavar="ID", help="Only of this batch job: 3791, or 3791.7 for one task.")
@click.option("--interval", type=click.IntRange(0, 30), default=1, show_default=True, metavar="SECONDS",
              help="Measure CPU over this time; 0: over the life of each process.")  # fmt: skip
@click.option("--cached", is_flag=True, help="Show what the last collection saw; do not contact the nodes.")
@output_options
@click.pass_context
def command(
    ctx: click.Context, user: tuple[str, ...], nodes: str, state: tuple[tuple[str, ...], ...], match: str | None,
    min_cpu: float, min_memory: float, jobs: bool | None, interactive: bool, job: str, interval: int, cached: bool,
    output: Output,
) -> None:  # fmt: skip
    """Show the processes of users on all nodes, now; those with the most CPU first.

    \b
    nicamon procs --user strmaxim
    nicamon procs @interactive --min-cpu 50 --limit 20
    nicamon procs --state D,Z --json
    nicamon procs @batch --no-jobs                  what runs outside of the batch system
    nicamon procs --interactive                     only what a person holds by a login
    nicamon procs --job 3791.7
    nicamon procs --user strmaxim --match 'root.*reco' --watch 5

    Exit code 1: some node did not answer (stderr lists them); the others are shown.
    """
    session = ctx.find_object(Session)
    assert session is not None  # noqa: S101 the group made it
    given: dict[str, Any] = {
        "user": user, "state": [one for some in state for one in some], "match": match, "min_cpu": min_cpu,
        "min_memory": min_memory, "kind": _kinds(jobs, interactive), "job": job,
    }  # fmt: skip
    process_filter(**given)  # whether it can be read, before any node is asked
    session.check("procs", filter=output.filter, sort=output.sort, columns=output.columns)
    chosen = session.select(nodes)
    if interval >= session.config.timeout:
        raise click.BadParameter(f"a node may take {session.config.timeout:g} s altogether", param_hint="--interval")
    if cached:
        output.show(partial(session.query, "procs", nodes=nodes, **given))
        return
    failed: list[str] = []
    with Connections(transport_limits(session.config)) as connections:
        look = partial(_look, session, connections, chosen, interval, output, given, failed)
        output.show(lambda **arrangement: session.arrange(look(), **arrangement))
    sys.exit(1 if failed else 0)


def _kinds(jobs: bool | None, interactive: bool) -> tuple[str, ...]:
    """Return the kinds of processes that the options name; empty for all."""
    if jobs is False:
        return ("interactive",) if interactive else tuple(kind for kind in KINDS if kind != "batch")
    return tuple(kind for kind, wanted in (("batch", jobs), ("interactive", interactive)) if wanted)


def _look(
    session: Session, connections: Connections, nodes: list[Node], interval: int, output: Output,
    given: dict[str, Any], failed: list[str],
) -> Table:  # fmt: skip
    """Return the processes now; `failed` then has a line for each node that did not answer."""
    answers = _ask(session, connections, nodes, interval, output)
    failed[:] = failures(answers)
    # In a picture that is drawn again and again they stand below the table.
    if output.watch is None:
        click.echo("".join(f"{line}\n" for line in failed), nl=False, err=True)
    outcomes = [outcome for answered in answers for outcome in answered.outcomes]
    probe = session.probes(["processes"])[0]
    return live(outcomes, probe, process_filter(**given), [] if output.watch is None else failed)


def _ask(
    session: Session, connections: Connections, nodes: list[Node], interval: int, output: Output
) -> list[NodeResult[None]]:
    progress = Progress(len(nodes), shown=output.format == "table" and sys.stderr.isatty() and output.watch is None)
    parameters = {**probe_parameters(session.config), "interval": str(interval)}
    # The probe sleeps for the interval: its limit is for its work.
    probes = [replace(probe, timeout=probe.timeout + interval) for probe in session.probes(["processes"])]
    answers = []
    with progress:
        for answered in collect(plan(nodes, probes), connections, parameters, progress.started):
            answers.append(answered)
            progress.arrived(answered)
    return answers
