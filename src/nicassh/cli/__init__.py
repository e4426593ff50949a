"""The command line. One module a command, loaded only when that command runs."""

from __future__ import annotations

import codecs
import gc
import io
import os
import sys
from contextlib import suppress
from pathlib import Path

import click

from nicassh import __version__
from nicassh.cli.lazy import Lazy
from nicassh.cli.session import Session
from nicassh.model.errors import NicamonError
from nicassh.model.text import clean, replaced

COMMANDS = {
    "init": "Write a commented configuration and inventory.",
    "nodes": "List the nodes of the inventory.",
    "keys": "Show and record the host keys of nodes.",
    "probes": "List the probes and what they collect.",
    "collect": "Collect what is due from the nodes, and store it.",
    "daemon": "Run the collector as a daemon.",
    "tasks": "Show the tasks of the collector; retry, cancel or run some now.",
    "show": "Show the farm, or any other table, from the database.",
    "history": "Plot a metric over time, or list the top processes of a past moment.",
    "explain": "List everything that is wrong with a node.",
    "procs": "Show the processes of users on all nodes, now.",
    "run": "Run a command on many nodes, now.",
    "doctor": "Check the set-up from end to end, and say what to do.",
    "db": "Show, check, save and move the database.",
    "demo": "Start a farm of real SSH servers on this machine, to try everything.",
    "install-units": "Let systemd run the daemon, or collect each minute.",
    "completion": "Print the completion script for a shell.",
    "help": "Show the help of a command.",
}
THRESHOLD = 50_000
"""New objects until Python looks for garbage. What rows and tables are made of lives until they are written or printed:
to look through it again and again costs a fifth of the time."""


@click.group(
    cls=Lazy, package="nicassh.cli", table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
@click.version_option(__version__, prog_name="nicamon", message="%(prog)s %(version)s")
@click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE",
    help="Configuration file. Else NICAMON_CONFIG, ./nicamon.toml, ~/.config/nicamon, /etc/nicamon.",
)  # fmt: skip
@click.pass_context
def command(ctx: click.Context, config: Path | None) -> None:
    """Monitoring of a computing farm over SSH, with nothing installed on its nodes.

    \b
    nicamon demo up                   a farm on this machine, to try everything
    nicamon init                      a configuration and an inventory to fill in
    nicamon collect                   collect from all nodes, and store it
    nicamon tasks                     what is due, and which collectors run
    nicamon show farm                 the farm, one line a node
    nicamon procs --user strmaxim     what a user runs, on all nodes, now
    nicamon explain nc13              what is wrong with a node
    """
    ctx.obj = Session(config)


def main() -> None:
    """Run the command line and end the process with the exit code that docs/operate.md lists."""
    _mend_streams()
    gc.set_threshold(THRESHOLD)
    try:
        command(prog_name="nicamon", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except NicamonError as error:
        _tell(error.what, error.hint)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _tell("interrupted")
        sys.exit(130)
    except OSError as error:
        _abandon_output()
        _tell(f"{error.filename or 'cannot write the output'}: {error.strerror}")
        sys.exit(1)
    except Exception as error:
        if os.environ.get("NICAMON_DEBUG"):
            raise
        _tell(f"{type(error).__name__}: {error}", "this is a fault of nicamon: NICAMON_DEBUG=1 shows where")
        sys.exit(70)


def _tell(what: str, hint: str = "") -> None:
    click.echo(f"nicamon: {clean(what)}", err=True)
    for line in hint.splitlines():
        click.echo(f"  {clean(line)}", err=True)


def _mend_streams() -> None:
    """Give a process that was started without output a place to write to, and a terminal without UTF-8 ASCII."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115 for the life of the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    codecs.register_error("nicamon", replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="nicamon")


def _abandon_output() -> None:
    """Send what is left to flush nowhere, so that the end of the process does not fail once more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
