"""The pages of the command line."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

import click

from generator.markdown import WIDTH
from generator.program import table_options, top
from nicassh.cli import COMMANDS, command

LOOK = ("tasks", "show", "explain", "procs", "run", "doctor")


def cli() -> Iterator[str]:
    """The page of the command line: the help of every command, but for those of the other pages."""
    yield "# Command line"
    yield ""
    yield "The help of each command but [`tasks`, `show`, `explain`, `procs`, `run`, `doctor`](cli-look.md) and"
    yield "[`db`](cli-db.md). The options of a table are those of `nicamon nodes` from `--json` on. Exit codes:"
    yield "[operate](operate.md#exit-codes)."
    yield from _command(command, _top(), {}, [name for name in COMMANDS if name not in (*LOOK, "db")])


def look() -> Iterator[str]:
    """The page of the commands that show what is in the database, or on the nodes."""
    yield "# Command line: looking"
    yield ""
    yield "The help of `tasks`, `show`, `explain`, `procs`, `run` and `doctor`; [all others](cli.md). The options of"
    yield "a table are those of `nicamon tasks`."
    yield from _below(command, _top(), {}, LOOK)


def database() -> Iterator[str]:
    """The page of the commands that look after the database."""
    yield "# Command line: the database"
    yield ""
    yield "The help of `db`; [all other commands](cli.md). Explanations: [databases](databases.md)."
    yield from _below(command, _top(), {}, ("db",))


def _top() -> click.Context:
    return top(terminal_width=WIDTH, max_content_width=WIDTH)


def _command(
    one: click.Command, context: click.Context, seen: dict[str, str], below: Iterable[str] | None = None
) -> Iterator[str]:
    """The help of a command and of those below it, or of some. `seen` has the options further up, and where."""
    text, cut, options = one.get_help(context).partition("\n\nOptions:\n")
    known = seen.setdefault(options, context.command_path)
    first = known == context.command_path
    tables = any(path != context.command_path and "--watch" in shown for shown, path in seen.items())
    options = _own(options, tables) if context.parent else options
    cut = cut if options else ""
    yield from ("", f"## {context.command_path}", "", "```text", text + cut + options if first else text, "```")
    if options and not first:
        yield f"Options: those of `{known}`."
    if isinstance(one, click.Group):
        yield from _below(one, context, seen, one.list_commands(context) if below is None else below)


def _own(options: str, tables: bool) -> str:
    """The options without --help, and without those of every table where these stand further up."""
    entries = [entry for entry in re.split(r"\n(?=  -)", options) if not entry.startswith("  -h, --help")]
    own = [entry for entry in entries if entry.split()[0].partition("/")[0].strip(",") not in table_options()]
    is_table = tables and len(entries) - len(own) == len(table_options())
    return "\n".join([*own, "  and the options of a table"] if is_table else entries)


def _below(group: click.Group, context: click.Context, seen: dict[str, str], names: Iterable[str]) -> Iterator[str]:
    """Some commands of a group; those that have the options of one before them are only named."""
    alike: dict[str, list[str]] = {}
    for name in names:
        child = group.get_command(context, name)
        assert child is not None  # noqa: S101 the group has just named it
        own = click.Context(child, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH)
        usage, _, rest = child.get_help(own).partition("\n\n")
        said, _, options = rest.partition("\n\nOptions:\n")
        if options in seen and usage.endswith(("[OPTIONS]", "[OPTIONS] [NODES]")) and "nicamon" not in said:
            alike.setdefault(options, []).append(f"`{name}`")
        else:
            yield from _command(child, own, seen)
    for options, some in alike.items():
        said = f"{', '.join(some)} have the options of `{seen[options]}`; their columns are in "
        yield from ("", *textwrap.wrap(f"{said}[tables](tables.md) and [probes](probes.md).", WIDTH))
