"""Views drawn for a terminal of any width, and written as JSON and CSV: also with hostile texts in them."""

from __future__ import annotations

import csv
import json
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len
from unit_rows import PROBES, at, login, made, node, outcome, with_users

from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.probes.loader import read
from nicassh.query import Field, Row, Snapshot, Table, computed, select_columns
from nicassh.query.records import record_table
from nicassh.query.tables.farm import farm
from nicassh.render import Screen, csv_lines, json_text, ndjson_lines, page
from nicassh.store import Store

EVIL = "\x1b]52;c;Y3\x07\x1b[2J\u202egpj\u2066\u200b\x9b31m[red]x[/red] :smile: \ud800<img src=x>\n\r\t\x00\x7f\ufeff日"
KEYS = (
    "node address role state since fairsoft os kernel cpu ncpu nproc memory_available load1 load5 load15 "
    "activity disk_free updated age reason"
).split()


@pytest.fixture
def view(store: Store) -> Table:
    """A farm of two nodes that are up, with long and odd texts, one that is down and one never asked."""
    for name in ("nc2", "nc10"):
        system = made(
            "system", os=clean(EVIL), cpu="Intel Xeon Gold 6148 CPU @ 2.40GHz", kernel="5.14.0-427.13.1.el9_4"
        )
        people = with_users(*(made("processes", pid=pid, user=f"user{pid % 9}") for pid in range(30)))
        people.append(made("processes_visibility"))
        names = {"system": [system], "processes": people, "load": [made("load")], "disks": [made("disks")]}
        store.write([login(name, at(0)), *(outcome(name, probe, at(0), *rows) for probe, rows in names.items())])
    store.write([login("nc3", at(0), State.UNREACHABLE, clean("no route: " + "because " * 30))])
    nodes = [node(name) for name in ("nc2", "nc10", "nc3", "nc4")]
    return farm(Snapshot(store, nodes, 900, at(10)))


def drawn(view: Table, width: int | None, colours: bool = False) -> str:
    return "\n".join(page(view, Screen(width, colours=colours)))


def test_the_table_fits_every_width_and_keeps_the_machines(view: Table) -> None:
    for width in range(40, 251):
        lines = drawn(view, width).splitlines()
        assert max(cell_len(line) for line in lines) <= width, width
        header, *rows = lines[: lines.index("")] if "" in lines else lines
        names = [row.split()[0] for row in (header, *rows) if row[0] != " "]
        assert names == ["node", "nc2", "nc10", "nc3", "nc4"], width


def header_of(view: Table, width: int) -> str:
    """The header: long names stand in several lines."""
    return drawn(view, width).partition("\nnc2 ")[0]


def test_a_wide_terminal_shows_more(view: Table) -> None:
    headers = [header_of(view, width).split() for width in (60, 120, 250)]
    assert set(headers[0]) >= {"node", "state", "reason"}
    assert "load1" in headers[1]
    assert set(headers[2]) >= {"os", "kernel", "cpu", "disk_free"}
    assert "hidden (narrow terminal): " in drawn(view, 60)
    assert len(headers[0]) < len(headers[1]) < len(headers[2])


def test_without_a_width_nothing_is_cut(view: Table) -> None:
    assert "…" not in drawn(view, None)
    assert "because because" in drawn(view, None)


def test_trouble_is_a_sign_and_not_only_a_colour(view: Table) -> None:
    lines = drawn(view, 200).splitlines()
    assert "‼ down" in next(line for line in lines if line.startswith("nc3"))
    assert "? unknown" in next(line for line in lines if line.startswith("nc4"))


def hostile(texts: dict[str, Any]) -> Table:
    """A view whose values nobody has cleaned."""
    fields = tuple(Field(computed(name, str, None, "Help."), 100 - index) for index, name in enumerate(texts))
    return Table("evil", fields, (Row(dict(texts)),))


def test_no_cell_acts_on_the_terminal() -> None:
    text = drawn(hostile({"a": EVIL, "b": EVIL * 3}), 400)
    assert "[red]x[/red] :smile:" in text
    assert [one for one in text if not one.isprintable() and one != "\n"] == []


def test_colours_are_all_that_escapes(view: Table) -> None:
    text = drawn(view, 200, colours=True)
    assert "\x1b[" in text
    assert all(part[0] == "[" and "m" in part[:12] for part in text.split("\x1b")[1:])


def test_json_keys_and_schema(view: Table) -> None:
    document = json.loads(json_text(view))
    assert document["schema"] == "nicamon.farm/1"
    assert [list(row) for row in document["rows"]] == [KEYS] * 4
    first = document["rows"][0]
    assert first["updated"] == "2026-11-21T12:00:00Z"
    assert first["activity"][0] == {"user": "user0", "processes": 4}
    assert document["rows"][3]["load1"] is None
    assert json.loads(json_text(replace(view, rows=()))) == {"schema": "nicamon.farm/1", "rows": []}


def test_the_reader_chooses_columns_and_their_order(view: Table) -> None:
    chosen = select_columns(view, ["load1", "node"])
    assert [list(json.loads(line)) for line in ndjson_lines(chosen)] == [["load1", "node"]] * 4
    assert next(csv_lines(chosen)) == "load1,node"
    assert drawn(chosen, 100).split()[:2] == ["load1", "node"]


def test_json_of_a_hostile_record_has_no_control_byte(store: Store) -> None:
    probe = next(one for one in PROBES if one.name == "processes")
    output = (probe.folder / "samples/hostile.out").read_bytes()
    store.write([outcome("nc2", "processes", at(0), *read(probe, output))])
    found = record_table(Snapshot(store, [node("nc2")], 900, at(1)), "processes")
    text = json_text(found)
    assert len(json.loads(text)["rows"]) == len(found.rows) > 5
    bad = {one for one in text if unicodedata.category(one)[0] == "C" or unicodedata.category(one) in ("Zl", "Zp")}
    assert bad <= {"\n"}
    assert all("\n" not in line for line in ndjson_lines(found))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=HYPERLINK(1)"])
def test_csv_defuses_formulas(text: str) -> None:
    lines = list(csv_lines(hostile({"a": text, "b": 'say "x", y', "c": None, "d": "plain"})))
    assert list(csv.reader(lines)) == [["a", "b", "c", "d"], [f"'{text}", 'say "x", y', "", "plain"]]


def test_csv_of_a_farm(view: Table) -> None:
    first = view.rows[0]
    odd = replace(view, rows=(Row({**first.values, "activity": [{"user": "=cmd", "processes": 2}]}),))
    (row,) = csv.DictReader(csv_lines(odd))
    assert list(row) == KEYS
    assert row["activity"] == "'=cmd(2)"
    assert (row["updated"], row["role"], row["reason"]) == ("2026-11-21T12:00:00Z", "batch", "")
    assert row["load1"] == "1.0"
