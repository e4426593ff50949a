"""`nicamon queue`: the jobs, and what an operator does to them."""

from __future__ import annotations

from collections.abc import Callable

import click

from nicassh import tasks as jobs
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, complete_probes, node_expression
from nicassh.model.units import counted
from nicassh.query import queue as views


@click.group(invoke_without_command=True)
@output_options
@click.pass_context
def command(ctx: click.Context, output: Output) -> None:
    """Show the jobs by class, the workers, and what is in trouble.

    Each probe of each node is a job. A class whose oldest job has been due for more than a minute is
    marked: too few workers, or none. CLOCKS shows how far the clock of each monitoring host is from the
    database's, and by how much the latter may be ahead since it was set. In JSON `rows` are the classes, and
    beside them stand `workers`, `clocks` and `troubled`.

    \b
    nicamon queue
    nicamon queue --watch 2
    nicamon queue jobs nc13             the jobs of a node, one by one
    nicamon queue retry                 try what failed or is put off again now
    nicamon queue now @batch software   do not wait for its time
    """
    session = ctx.find_object(Session)
    assert session is not None  # noqa: S101 the group above made it
    if ctx.invoked_subcommand is None:
        queue = session.jobs
        output.show_page(
            "queue",
            lambda: [
                views.classes(queue),
                views.heads(queue),
                views.clocks(session.database.clock_rows()),
                views.listed(queue, True),
            ],
            beside=True,
        )


@command.command("jobs")
@node_expression("expression", metavar="[NODE]", required=False, default="")
@output_options
@click.pass_obj
def listing(session: Session, expression: str, output: Output) -> None:
    """List the jobs one by one, the next one first.

    NODE is a node or an expression, as in nicamon nodes. A job is waiting (due), running, scheduled (for its
    next time), deferred (it failed, and is tried again later), paused (its node is out of reach, and another of
    its jobs tries it) or failed (for good).

    \b
    nicamon queue jobs
    nicamon queue jobs nc13
    nicamon queue jobs --filter "state = deferred" --json
    """
    nodes = _nodes(session, expression)
    queue = session.jobs
    output.show(lambda: views.listed(queue, nodes=nodes))


def _steering(name: str, act: Callable[..., int], done: str, short: str, text: str) -> None:
    """Declares one of the commands that change jobs."""

    @command.command(name, help=text, short_help=short)
    @node_expression("expression", metavar="[NODE]", required=False, default="")
    @click.argument("probe", required=False, default="", shell_complete=complete_probes)
    @click.pass_obj
    def steer(session: Session, expression: str, probe: str) -> None:
        session.probes([probe] if probe else [])
        number = act(session.jobs, _nodes(session, expression), probe)
        click.echo(f"{counted(number, 'job')} {done}")


def _nodes(session: Session, expression: str) -> list[str] | None:
    return [node.name for node in session.select(expression)] if expression else None


_steering(
    "retry", jobs.retry, "to be tried again now", "Try what failed, is deferred or paused again now.",
    """Give jobs that failed, are deferred after a failure, or are paused with their node, a fresh start.

    They are due at once; the next worker runs them.

    \b
    nicamon queue retry
    nicamon queue retry nc13
    nicamon queue retry @batch software
    """,
)  # fmt: skip
_steering(
    "cancel", jobs.cancel, "cancelled", "Put due jobs off to their next time.",
    """Put due jobs off to their next time, and remove those that are done once. What runs goes on.

    \b
    nicamon queue cancel nc13
    nicamon queue cancel @batch software
    """,
)  # fmt: skip
_steering(
    "now", jobs.now, "due now", "Make jobs due at once.",
    """Make jobs due at once, also those of paused nodes; the next worker runs them.

    To ask nodes here and now, without a worker: nicamon collect --now, or -n NODE -p PROBE.

    \b
    nicamon queue now nc13
    nicamon queue now @batch software
    """,
)  # fmt: skip
