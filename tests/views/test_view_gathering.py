"""Rows of several nodes that read alike become one, and lose nothing that a reader sees."""

from __future__ import annotations

from dataclasses import replace

from unit_rows import at, made, node, outcome, summary

from nicassh.model.records import Keep
from nicassh.query import Snapshot, Table, grouped, select_columns
from nicassh.query.records import record_fields, record_table
from nicassh.store import Store


def packages(store: Store, *versions: str) -> Table:
    nodes = [node(f"nc{number}") for number in range(2, 2 + len(versions))]
    for place, (one, version) in enumerate(zip(nodes, versions, strict=True)):
        store.write([outcome(one.name, "software", at(place), made("software", version=version))])
    found = replace(record_table(Snapshot(store, nodes, 900, at(60)), "software"), name="packages")
    return replace(found, summary=summary(found))


def test_alike_nodes_are_one_row_with_the_last_since(store: Store) -> None:
    view = grouped(packages(store, "apr13", "apr13", "may18", "apr13"))
    assert [(row.values["node"], row.values["version"], row.values["since"]) for row in view.rows] == [
        ("nc[2-3,5]", "apr13", at(3)),
        ("nc4", "may18", at(2)),
    ]
    assert view.about == "4 rows from 4 of 4 nodes"


def test_trouble_and_age_keep_rows_apart(store: Store) -> None:
    view = packages(store, "apr13", "apr13")
    view.rows[0].severities["version"] = 1
    assert len(grouped(view).rows) == 2
    view.rows[1].severities["version"] = 1
    view.rows[1].stale.add("version")
    assert len(grouped(view).rows) == 2


def test_only_what_is_shown_counts(store: Store) -> None:
    view = select_columns(packages(store, "apr13", "may18"), ["node", "package"])
    assert [row.values["node"] for row in grouped(view).rows] == ["nc[2-3]"]


def test_a_view_without_nodes_is_left_alone(store: Store) -> None:
    view = packages(store, "apr13", "apr13")
    assert grouped(Table("users", view.fields[1:], view.rows)).rows == view.rows


def test_volatile_fields_do_not_keep_rows_apart(store: Store) -> None:
    fields = {field.name: field for field in record_fields(store.outcomes.record, Keep.INTERVALS)}
    assert fields["state"].aggregate is None
    assert fields["seconds"].aggregate is not None
    assert [fields["seconds"].aggregate(values) for values in ([1.0, 1.0], [1.0, 2.0])] == [1.0, None]


def test_what_is_not_shown_and_differs_is_unknown(store: Store) -> None:
    view = select_columns(packages(store, "apr13", "may18"), ["package"])
    (row,) = grouped(view).rows
    assert (row.values["version"], row.values["method"], row.values["node"]) == (None, "folder", "nc[2-3]")
