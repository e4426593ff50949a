"""`nicamon tasks`: the tasks, and what an operator does to them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import click

from nicassh import tasks
from nicassh.cli.complete import complete_probes
from nicassh.cli.lazy import Suggesting
from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session
from nicassh.model.units import counted


@click.group(cls=Suggesting, invoke_without_command=True)
@output_options
@click.pass_context
def command(ctx: click.Context, output: Output) -> None:
    """Show the tasks by class, the collectors, and failing tasks.

    Each probe of each node is a task. A class is marked if its oldest task has been due for more than a
    minute: there are too few collectors, or none. CLOCKS shows how far the clock of each monitoring host
    is from the database's, and how far that one may be ahead of the true time. In JSON `rows` are the
    classes; `collectors`, `clocks` and `troubled` are beside them.

    \b
    nicamon tasks
    nicamon tasks --watch 2
    nicamon tasks list nc13             the tasks of a node, one by one
    nicamon tasks retry                 retry now what failed or was deferred
    nicamon tasks now @batch software   do not wait for its time
    """
    session = ctx.find_object(Session)
    assert session is not None  # noqa: S101 the group above made it
    if ctx.invoked_subcommand is None:
        output.show(partial(session.query, "task-classes"))


@command.command("list")
@node_options()
@output_options
@click.pass_obj
def listing(session: Session, nodes: str, output: Output) -> None:
    """List the tasks one by one, the next one first.

    A task is waiting (due), running, scheduled (for its
    next time), deferred (it failed, and is retried later), paused (its node is unreachable, and another of its
    tasks retries) or failed (for good).

    \b
    nicamon tasks list
    nicamon tasks list nc13
    nicamon tasks list --filter "state = deferred" --json
    """
    output.show(partial(session.query, "tasks", nodes=nodes))


def _operator_command(name: str, act: Callable[..., int], done: str, short: str, text: str) -> None:
    """Declare one of the commands that change tasks."""

    @command.command(name, help=text, short_help=short)
    @node_options(then="probe")
    @click.argument("probe", required=False, default="", shell_complete=complete_probes)
    @click.pass_obj
    def change(session: Session, nodes: str, probe: str) -> None:
        session.probes([probe] if probe else [])
        number = act(session.existing_task_list, _nodes(session, nodes), probe)
        click.echo(f"{counted(number, 'task')} {done}")


def _nodes(session: Session, expression: str) -> list[str] | None:
    return [node.name for node in session.select(expression)] if expression else None


_operator_command(
    "retry", tasks.retry, "to be tried again now", "Try what failed, is deferred or paused again now.",
    """Retry tasks that failed, were deferred after a failure, or are paused with their node.

    They are due now; the next collector runs them.

    \b
    nicamon tasks retry
    nicamon tasks retry nc13
    nicamon tasks retry @batch software
    """,
)  # fmt: skip
_operator_command(
    "cancel", tasks.cancel, "cancelled", "Put due tasks off to their next time.",
    """Postpone due tasks to their next time, and remove tasks that are done once. Running tasks go on.

    \b
    nicamon tasks cancel nc13
    nicamon tasks cancel @batch software
    """,
)  # fmt: skip
_operator_command(
    "now", tasks.run_now, "due now", "Make tasks due at once.",
    """Make tasks due now, also those of paused nodes; the next collector runs them.

    To collect from nodes yourself: nicamon collect --now, or -n NODE -p PROBE.

    \b
    nicamon tasks now nc13
    nicamon tasks now @batch software
    """,
)  # fmt: skip
