"""Writes the pages of docs/ that are made from declarations: see `PAGES`.

python docs/generate.py           writes them
python docs/generate.py --check   exit code 1, and the names of those that are not as they would be written
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from nicassh.cli import COMMANDS, command
from nicassh.cli.init import configuration as commented
from nicassh.cli.session import Session
from nicassh.config.settings import SETTINGS, Config
from nicassh.model.records import Column, Keep, columns
from nicassh.model.units import draw_seconds
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe
from nicassh.query import Field, Nodes, Parameter, TableSpec, table_specs
from nicassh.store import Store
from nicassh.store.sql_views import published

WIDTH = 120
NOTE = "<!-- Written by docs/generate.py. Do not edit: run `make docs`. -->"
KEEPS = {
    Keep.SERIES: "series: `{0}` has the newest rows, `{0}_series` every value with its time",
    Keep.INTERVALS: "intervals: `{0}` has the newest rows, `{0}_intervals` one for each value, with since and until",
    Keep.LATEST: "latest: `{0}` has the newest rows and nothing else",
}
LOOK = ("tasks", "show", "explain", "procs")
TABLE = ("--json", "--ndjson", "--csv", "--sort", "--filter", "--columns", "--group", "--limit", "--watch")
KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "Path | None": "path",
    "tuple[Path, ...]": "list of paths",
    "tuple[str, ...]": "list of texts",
}


class Plain(Session):
    """A session with the defaults alone: what is written does not depend on who writes it."""

    config = Config()

    def __init__(self) -> None:
        super().__init__(None)


def main(words: list[str]) -> int:
    """Writes the pages, or checks them; the exit code."""
    folder = Path(__file__).resolve().parent
    drifted = []
    for name, lines in PAGES.items():
        text = "\n".join([NOTE, "", *lines()]).rstrip("\n") + "\n"
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            drifted.append(f"docs/{name}")
            if words != ["--check"]:
                file.write_text(text, encoding="utf-8")
    for name in drifted:
        print(f"{name}: {'not as `make docs` would write it' if words == ['--check'] else 'written'}")
    return int(words == ["--check"] and bool(drifted))


def probes() -> Iterator[str]:
    """The page of the built-in probes."""
    yield "# Probes"
    yield ""
    yield "What nicamon collects. How to add a probe: [write a probe](write-a-probe.md)."
    yield ""
    yield "A value at or beyond the threshold *warning* is marked with `!`, at or beyond *critical* with `‼`. A column"
    yield "marked `?` may be unknown: `–` in a table, `null` in JSON, `NULL` in SQL, never 0. Columns marked `key`"
    yield "tell the rows of one node apart. For programs, sizes are in bytes, durations in seconds and times in UTC."
    for one in probe.load_all():
        yield from _probe(one)


def _probe(one: Probe) -> Iterator[str]:
    yield from ("", f"## {one.name}", "", one.help, "")
    times = (draw_seconds(one.every), one.priority, draw_seconds(one.timeout))
    where = "every node" if one.where == "nodes" else "the submit node of a batch cluster"
    yield from _table([("every", "priority", "time limit", "runs on"), (*times, where)])
    for name, record in one.records.items():
        yield from ("", f"Kept as {KEEPS[one.keep[name]].format(name)}.", "")
        yield from _table([("column", "unit", "", "thresholds", "what it is"), *map(_column, columns(record))])


def _column(column: Column) -> tuple[str, ...]:
    mark = "key" if column.key else "?" if column.optional else ""
    return f"`{column.name}`", column.unit.name, mark, _thresholds(column), column.help


def _thresholds(column: Column) -> str:
    if column.levels:
        words = {level: [word for word, own in column.levels.items() if own == level] for level in (1, 2)}
        named = {1: "warning", 2: "critical"}
        return "; ".join(f"{named[level]}: {', '.join(some)}" for level, some in words.items() if some)
    if column.high:
        return f"warning ≥ {column.high[0]:g}, critical ≥ {column.high[1]:g}"
    return f"warning ≤ {column.low[0]:g}, critical ≤ {column.low[1]:g}" if column.low else ""


def tables() -> Iterator[str]:
    """The page of every table of the registry; those of records stand in another."""
    yield "# Tables"
    yield ""
    yield "Every table that nicamon can show, but for those of records: their columns are in [probes](probes.md)."
    yield "The name is that of `App.query` and of the schema in JSON, `nicamon.NAME/1`."
    yield ""
    yield "A table on a terminal shows the columns that fit; those marked `on request` only where `--columns` names"
    yield "them. `--json` has them all, under these names. A severity is `ok`, `warning`, `critical` or `unknown`: in a"
    yield "table on a terminal the marks are none, `!`, `‼` and `?`. Tables with a command of their own stand on"
    yield "[another page](tables-more.md)."
    for spec in _sorted_specs():
        if spec.words.startswith("show "):
            yield from _spec(spec)


def more_tables() -> Iterator[str]:
    """The page of the tables that have a command of their own."""
    yield "# More tables"
    yield ""
    yield "Tables that have a command of their own. What the columns of this page mean: [tables](tables.md)."
    for spec in _sorted_specs():
        if not spec.words.startswith("show "):
            yield from _spec(spec)


def _sorted_specs() -> list[TableSpec]:
    return sorted(table_specs().values(), key=lambda spec: spec.name)


def _spec(spec: TableSpec) -> Iterator[str]:
    yield from ("", f"## {spec.name}", "", spec.help, "", f"Command: `nicamon {spec.words}`. {_ABOUT[spec.nodes]}", "")
    if spec.parameters:
        yield from _table([("parameter", "kind", "what it is"), *map(_parameter, spec.parameters)])
        yield ""
    base = next((one for one in map(table_specs().get, ("farm", "procs")) if one and _shares(spec, one)), None)
    fields = [field for field in spec.fields if not base or field.column not in [one.column for one in base.fields]]
    if base:
        yield f"It has the columns of [{base.name}]({_page(base)}#{base.name}){', and these:' if fields else '.'}"
        yield ""
    if fields:
        yield from _table([("column", "unit", "", "thresholds", "what it is"), *map(_field, fields)])


def _shares(spec: TableSpec, base: TableSpec) -> bool:
    """Whether a table has all columns of another one."""
    return spec is not base and {field.column.name for field in base.fields} <= {
        field.column.name for field in spec.fields
    }


def _page(spec: TableSpec) -> str:
    return "tables.md" if spec.words.startswith("show ") else "tables-more.md"


_ABOUT = {
    Nodes.SOME: "It is about all nodes, or those named.",
    Nodes.NAMED: "It is about nodes that must be named.",
    Nodes.ONE: "It is about one node.",
    Nodes.NONE: "It is not about nodes.",
}


def _parameter(one: Parameter) -> tuple[str, ...]:
    kinds = {"str": "text", "int": "whole number", "float": "number", "bool": "yes or no", "datetime": "time"}
    kind = kinds.get(one.kind.__name__, "duration")
    choices = f" One of: {', '.join(choice for choice in one.choices if choice)}." if one.choices else ""
    needed = " Required." if one.required else ""
    return f"`{one.name}`", f"{kind}, several" if one.many else kind, f"{one.help}{choices}{needed}"


def _field(field: Field) -> tuple[str, ...]:
    name, unit, _, thresholds, text = _column(field.column)
    return name, unit, "" if field.priority else "on request", thresholds, text


def cli() -> Iterator[str]:
    """The page of the command line: the help of every command, but for those of the other pages."""
    yield "# Command line"
    yield ""
    yield "The help of each command; that of `tasks`, `show`, `explain` and `procs` stands on [a page of its"
    yield "own](cli-look.md), and so does that of [`db`](cli-db.md). Exit codes and what the words mean:"
    yield "[operate](operate.md)."
    yield from _command(command, _top(), {}, [name for name in COMMANDS if name not in (*LOOK, "db")])


def look() -> Iterator[str]:
    """The page of the commands that show what is in the database, or on the nodes."""
    yield "# Command line: looking"
    yield ""
    yield "The help of `tasks`, `show`, `explain` and `procs`; that of [all others](cli.md)."
    yield from _below(command, _top(), {}, LOOK)


def database() -> Iterator[str]:
    """The page of the commands that look after the database."""
    yield "# Command line: the database"
    yield ""
    yield "The help of `db`; that of [all others](cli.md). What it is about: [databases](databases.md)."
    yield from _below(command, _top(), {}, ("db",))


def _top() -> click.Context:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    return click.Context(command, info_name="nicamon", obj=Plain(), **settings)


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
    own = [entry for entry in entries if not tables or entry.split()[0].partition("/")[0].strip(",") not in TABLE]
    return "\n".join(own if len(own) == len(entries) else [*own, f"  and those of a table: {', '.join(TABLE)}"])


def _below(group: click.Group, context: click.Context, seen: dict[str, str], names: Iterable[str]) -> Iterator[str]:
    """Some commands of a group; those that have the options of one before them are only named."""
    alike: dict[str, list[str]] = {}
    for name in names:
        child = group.get_command(context, name)
        assert child is not None  # noqa: S101 the group has just named it
        own = click.Context(child, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH)
        usage, _, rest = child.get_help(own).partition("\n\n")
        said, _, options = rest.partition("\n\nOptions:\n")
        if options in seen and usage.endswith("[OPTIONS]") and "nicamon" not in said:
            alike.setdefault(options, []).append(f"`{name}`")
        else:
            yield from _command(child, own, seen)
    for options, some in alike.items():
        said = f"{', '.join(some)} have the options of `{seen[options]}`; their columns are in "
        yield from ("", *textwrap.wrap(f"{said}[tables](tables.md) and [probes](probes.md).", WIDTH))


def sql() -> Iterator[str]:
    """The page of the SQL views."""
    yield "# SQL"
    yield ""
    yield "Views for Grafana, notebooks and people, the same on SQLite, MariaDB and PostgreSQL. Their names and"
    yield "columns stay; columns may be added. The tables below them may change with any version. They are made with"
    yield "the tables; columns that a probe has gained are in them after `nicamon db upgrade`."
    yield ""
    yield "Times are in UTC: a text in SQLite, `DATETIME` in MariaDB, `TIMESTAMP WITH TIME ZONE` in PostgreSQL. `at` is"
    yield "in seconds since 1970, and is what to choose a range by. NULL is unknown, never 0."
    yield ""
    yield "A view of history has `tier` (raw: as collected; 5m, 1h, 1d: buckets of so long), `node`, and the time of a"
    yield "value, or of the start of the bucket, as `collected` and as `at`. Choose one tier: they overlap. Each number"
    yield "has its mean under its own name, the least and the greatest value under `NAME_min` and `NAME_max`."
    yield ""
    yield "```sql"
    yield "-- the mean load of each node by hour, from five-minute means; choose one tier, they overlap"
    yield "SELECT node, min(collected) AS hour, avg(load1) AS load1, max(load1_max) AS greatest"
    yield "FROM view_history_load WHERE tier = '5m' AND at >= 1763700000 GROUP BY node, at - at % 3600;"
    yield "```"
    yield ""
    yield "An account that may only read: `nicamon db grants`. A dashboard for Grafana: [grafana/](grafana/README.md)."
    store = Store("sqlite://", probe.load_all())
    for view in published(store.layout):
        yield from ("", f"## {view.name}", "", view.help, "")
        described = dict(view.described())
        ends = {name + end for name in described for end in ("_min", "_max")}
        common = {"tier", "node", "collected", "at"} if view.name.startswith("view_history_") else set()
        told = ((f"`{name}`", text) for name, text in described.items() if name not in ends | common)
        yield from _table([("column", "what it is"), *told])


TRUST = """\
## Whose files are used

A configuration says whose Python runs here, and it is looked for in the current folder. So a configuration, an
inventory and a folder of probes are used only if the file, everything in the folder of probes, and every folder above
belong to this user or to root, and nobody else may write there. A group may write only where it is the user's own
private group. A folder such as `/tmp`, where anybody may write but nobody can rename what belongs to others, may lie on
the way; a file directly in it is not used. Otherwise the command ends with exit code 2 and names the place and the
`chmod` that mends it.

What is named is taken on purpose: a configuration by `--config` or `NICAMON_CONFIG`, with an inventory that lies beside
it; an inventory by `NICAMON_INVENTORY`; probes by `NICAMON_PROBES` alone. Help and completion run no probe of a site.

A password in `database` that other users can read in the file is told on stderr at each run. `nicamon init` writes
`nicamon.toml` for its owner alone.
""".splitlines()


def configuration() -> Iterator[str]:
    """The page of the settings."""
    yield "# Configuration"
    yield ""
    yield "One TOML file; `nicamon init` writes one in which every setting is a comment. It is the first of"
    yield ""
    yield "1. the file given by `nicamon --config FILE`,"
    yield "2. the file that the environment variable `NICAMON_CONFIG` names,"
    yield "3. `nicamon.toml` in the current folder,"
    yield "4. `nicamon/nicamon.toml` in the user's configuration folder: `$XDG_CONFIG_HOME`, else `~/.config`,"
    yield "5. `/etc/nicamon/nicamon.toml`."
    yield ""
    yield "Files are not merged. A setting in the environment wins over the file. Relative paths are relative to the"
    yield "file, in the environment to the current folder; there a list is separated by colons. The nodes stand in a"
    yield "file of their own: see [install](install.md#the-inventory)."
    yield ""
    yield from TRUST
    yield ""
    rows = [("setting", "environment", "kind", "default")]
    for name, field in SETTINGS.items():
        default = next(line for line in commented().splitlines() if line.startswith(f"# {name} = ")).partition(" = ")[2]
        rows.append((f"[`{name}`](#{name})", f"`NICAMON_{name.upper()}`", KINDS[str(field.type)], f"`{default}`"))
    yield from _table(rows)
    for name, field in SETTINGS.items():
        yield from ("", f"## {name}", "", field.metadata["help"])
        if field.metadata["choices"]:
            yield from ("", "One of: " + ", ".join(f"`{choice}`" for choice in field.metadata["choices"]) + ".")


def _table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table; the first row is its head."""
    for index, row in enumerate(rows):
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
        if index == 0:
            yield f"|{'---|' * len(cells)}"


PAGES = {
    "probes.md": probes,
    "tables.md": tables,
    "tables-more.md": more_tables,
    "cli.md": cli,
    "cli-look.md": look,
    "cli-db.md": database,
    "configuration.md": configuration,
    "sql.md": sql,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
