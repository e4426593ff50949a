"""Columns in the examples of the pages are columns of the tables that they are asked of."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

import reading

from nicassh.probes import loader
from nicassh.query import TableSpec, table_specs
from nicassh.query.records import record_specs

TABLES = {**record_specs(loader.load_all(), table_specs()), **table_specs()}


def examples() -> list[tuple[TableSpec, list[str]]]:
    """The tables that are shown with --columns or --sort somewhere on the pages of today, with these columns."""
    found = []
    for page in (page for page in reading.PAGES if page.name not in reading.PAST):
        code = "\n".join(block.text for block in reading.blocks(page)) + "\n".join(
            re.findall(r"`([^`\n]+)`", reading.prose(page))
        )
        for name, rest in re.findall(r"nicamon show ([a-z_-]+)(.*--(?:columns|sort).*)", code):
            words = shlex.split(rest, comments=True)
            lists = [after for word, after in pairwise(words) if word in ("--columns", "--sort")]
            if name in TABLES:
                found.append((TABLES[name], [column.strip("+-~") for one in lists for column in one.split(",")]))
    return found


def test_columns_in_examples_exist() -> None:
    checked = [(spec, columns) for spec, columns in examples() if not spec.is_open]
    assert len(checked) > 15
    for spec, columns in checked:
        assert set(columns) <= {field.name for field in spec.fields} | {"severity"}, spec.name
