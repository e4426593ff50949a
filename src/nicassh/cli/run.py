"""`nicamon run`: one command on many nodes, now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import print_lines
from nicassh.cli.progress import Progress
from nicassh.cli.session import Session
from nicassh.cli.signals import interrupt_once
from nicassh.collection.commands import Command, CommandResult, command_limits, run_command
from nicassh.inventory import Node, fold, natural
from nicassh.model.units import counted
from nicassh.query.commands import Gathered, complaints, differences, failures, outputs, ran
from nicassh.transport import Connections

_RULE = "-" * 15
_WORDS, _SHOWN = "nicassh.cli.run.words", "nicassh.cli.run.shown"


class _Divided(click.Command):
    """A command with the words of another one behind `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, dash, words = _divided(args)
        if not dash and not ctx.resilient_parsing and not {"-h", "--help"} & set(own):
            raise click.UsageError("write the command behind --: nicamon run [NODES] -- COMMAND", ctx)
        ctx.meta[_WORDS] = words
        return super().parse_args(ctx, own)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


def _divided(args: list[str]) -> tuple[list[str], bool, list[str]]:
    """Return the words before the first `--`, whether there is one, and the words behind it."""
    if "--" not in args:
        return args, False, []
    place = args.index("--")
    return args[:place], True, args[place + 1 :]


def _form(option: str, text: str) -> Callable[[Any], Any]:
    """Return the decorator of an option that says in which form outputs are printed. There can be one of them."""

    def choose(ctx: click.Context, _parameter: click.Parameter, given: bool) -> None:
        if given and ctx.meta.setdefault(_SHOWN, option) != option:
            raise click.UsageError(f"{ctx.meta[_SHOWN]} and {option} cannot be used together", ctx)

    return click.option(option, is_flag=True, expose_value=False, callback=choose, help=text)


@click.command(cls=_Divided)
@node_options()
@click.option("--window", type=click.IntRange(min=1), metavar="N",
              help="Run it on so many nodes at the same time. Default: the setting fanout.")  # fmt: skip
@click.option("--timeout", type=click.IntRange(min=1, max=86400), metavar="SECONDS",
              help="End the command on a node after this time. Default: the setting timeout.")  # fmt: skip
@_form("--no-gather", "Print each line as it comes, its node in front.")
@_form("--diff", "Print how outputs differ from the most common one.")
@_form("--json", "Print one JSON object with a row for each node.")
@click.pass_context
def command(ctx: click.Context, nodes: str, window: int | None, timeout: int | None) -> None:
    """Run a command on many nodes, now. Without NODES: on all.

    The nodes, accounts, keys and host keys are those of a collection. Equal outputs are printed once,
    below the nodes that have them. Errors and reasons go to stderr.

    A single COMMAND word is a line for the shell of the nodes (sh). Several words are a program and its
    arguments, exactly as they are. Nothing can be typed: the input is empty. What has not ended in
    time, or when you press Ctrl-C, is killed on the nodes. A node may print 2 M.

    \b
    nicamon run @batch -- uptime
    nicamon run 'nc[2-4]' -- 'df -h /scratch | tail -n 1'    a line for the shell
    nicamon run @batch --diff -- rpm -q kernel               which nodes differ
    nicamon run -n nc2 --no-gather -- tail -f /var/log/messages
    nicamon run @batch --json -- nproc | jq '.rows[] | select(.status != 0) | .node'

    Exit code 0: it ended with 0 on all nodes. Else the greatest exit status of all nodes, where 124
    stands for a command that was not done in time, and 255 for a node that could not be reached or did
    not answer in full. 130: interrupted.
    """
    session = ctx.find_object(Session)
    words, shown = ctx.meta[_WORDS], ctx.meta.get(_SHOWN, "")
    assert session is not None  # noqa: S101 the group made it
    if not any(word.strip() for word in words):
        raise click.UsageError("the command behind -- is empty", ctx)
    chosen = session.select(nodes)
    todo = Command.of(words, timeout or max(1, int(session.config.timeout)))
    interrupt_once()
    results, interrupted = _run(session, chosen, todo, window, shown)
    results.sort(key=lambda one: natural(one.node.name))
    _present(results, shown)
    _summarize(results, chosen, interrupted)
    sys.exit(130 if interrupted else max((one.exit_code for one in results), default=0))


def _run(
    session: Session, nodes: Sequence[Node], todo: Command, window: int | None, shown: str
) -> tuple[list[CommandResult], bool]:
    """Return what became of the command, and whether it was interrupted."""
    results: list[CommandResult] = []
    live = shown == "--no-gather"
    limits = command_limits(session.config, window, todo)
    progress = Progress(len(nodes), shown=sys.stderr.isatty() and not live, doing="running")
    heard: Any = _print_line if live else None
    try:
        with Connections(limits) as connections, progress:
            for result in run_command(nodes, todo, connections, progress.started, heard):
                results.append(result)
                progress.arrived(result)
    except KeyboardInterrupt:
        return results, True
    return results, False


def _print_line(node: Node, line: str, is_error: bool) -> None:
    if is_error:
        click.echo(f"{node.name}: {line}", err=True)
    else:
        print_lines([f"{node.name}: {line}"])


def _present(results: Sequence[CommandResult], shown: str) -> None:
    """Print the outputs as the reader wants them, and on stderr what went wrong."""
    if shown == "--json":
        from nicassh import render

        print_lines([render.json_text(ran(results))])
        return
    if shown == "--diff":
        print_lines(differences(outputs(results)))
    elif not shown:
        print_lines(_blocks(outputs(results)))
    for one in failures(results) if shown == "--no-gather" else complaints(results):
        for line in one.text.splitlines():
            click.echo(f"{one.nodes}: {line}", err=True)


def _blocks(found: Sequence[Gathered]) -> Iterator[str]:
    """Yield each output below the nodes that have it, as `clush -b` does. An empty one is left out."""
    for one in found:
        if one.text.strip():
            count = f" ({one.count})" if one.count > 1 else ""
            yield from (_RULE, f"{one.nodes}{count}", _RULE, *one.text.splitlines())


def _summarize(results: Sequence[CommandResult], nodes: Sequence[Node], interrupted: bool) -> None:
    """Print what came of it: on a terminal, and anywhere after an interruption."""
    missing = fold(node.name for node in nodes if node.name not in {one.node.name for one in results})
    if interrupted:
        rest = f"; no result from {missing}" if missing else ""
        click.echo(f"interrupted: {len(results)} of {counted(len(nodes), 'node')} had ended{rest}", err=True)
    elif sys.stderr.isatty():
        well = sum(one.is_ok for one in results)
        click.echo(f"{well} of {counted(len(nodes), 'node')} ended well", err=True)
