"""The pages of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from generator.markdown import column_row, markdown_table, meaning, named, records
from nicassh.query import Field, Nodes, Parameter, TableSpec, table_specs


def tables() -> Iterator[str]:
    """The page of every table of the registry; those of records stand in another."""
    yield "# Tables"
    yield ""
    yield "Every table except those of records, whose columns are in [probes](probes.md). The name is that of"
    yield "`App.query` and of the schema in JSON, `nicamon.NAME/1`."
    yield ""
    yield "A table on a terminal shows the columns that fit; those marked `hidden` only if `--columns` names them."
    yield "`--json` has them all. Tables with their own command are on [another page](tables-more.md)."
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
        yield from markdown_table([("parameter", "kind", "what it is"), *map(_parameter, spec.parameters)])
        yield ""
    lines, fields = _described()[spec.name]
    yield from lines
    if fields:
        yield from markdown_table([("column", "unit", "what it is"), *map(_field, fields)])


@cache
def _described() -> dict[str, tuple[list[str], list[Field]]]:
    """Return of each table the lines that name columns described elsewhere, and the fields that it describes."""
    first = ("farm", "procs")
    elsewhere = {where: {name: meaning(column) for name, column in found.items()} for where, found in records().items()}
    described = {}
    for spec in sorted(_sorted_specs(), key=lambda one: one.name not in first):
        fields = {field.column.name: field for field in spec.fields}
        left = {name: meaning(field.column) for name, field in fields.items()}
        lines = list(named(left, elsewhere))
        described[spec.name] = lines, [fields[name] for name in left]
        elsewhere[f"[{spec.name}]({_page(spec)}#{spec.name})"] = dict(left)
    return described


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
    return column_row(field.column, "" if field.priority else "hidden")
