"""The command line. One module a command, loaded only when that command runs."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from pathlib import Path

import click

from nicassh import __version__
from nicassh.clean import clean
from nicassh.cli.session import Session
from nicassh.errors import NicamonError

COMMANDS = {
    "init": "Write a commented configuration and inventory.",
    "nodes": "List the nodes of the inventory.",
    "keys": "Show and record the host keys of nodes.",
    "probes": "List the probes and what they collect.",
    "collect": "Ask the nodes and store what they answer.",
    "show": "Show the farm, or any record, from the database.",
    "procs": "Show the processes of users on all nodes, now.",
    "demo": "A farm of real sshd nodes on this machine, to try things on.",
    "completion": "Print the completion script for a shell.",
}


class _Lazy(click.Group):
    """A group that knows the names of its commands, and loads a command's module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"nicassh.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="nicamon", message="%(prog)s %(version)s")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE",
    help="Configuration file. Else NICAMON_CONFIG, ./nicamon.toml, ~/.config/nicamon, /etc/nicamon.",
)  # fmt: skip
@click.pass_context
def command(ctx: click.Context, config: Path | None) -> None:
    """Monitoring of a computing farm over SSH, with nothing installed on its nodes.

    \b
    nicamon demo up                   a farm to try things on, on this machine
    nicamon init                      a configuration and an inventory to fill in
    nicamon collect                   ask all nodes and store what they answer
    nicamon show farm                 the farm, one line a node
    nicamon procs --user strmaxim     what a user runs, on all nodes, now
    """
    ctx.obj = Session(config)


def main() -> None:
    """Runs the command line and ends the process with the exit code that docs/operate.md lists."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows a question mark
    try:
        command(prog_name="nicamon", standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except NicamonError as error:
        click.echo(f"nicamon: {clean(error.what)}", err=True)
        if error.hint:
            click.echo(f"  {clean(error.hint)}", err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("nicamon: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (| head): no error. What is left to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
