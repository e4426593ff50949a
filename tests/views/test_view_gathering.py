"""Rows of several nodes that read alike become one, and lose nothing that a reader sees."""

from __future__ import annotations

from unit_rows import at, made, node, outcome

from nicassh.model.records import Keep
from nicassh.query import Scene, View, choose, gathered, listing
from nicassh.query.listing import fields_of
from nicassh.store import Store


def packages(store: Store, *versions: str) -> View:
    nodes = [node(f"nc{number}") for number in range(2, 2 + len(versions))]
    for place, (one, version) in enumerate(zip(nodes, versions, strict=True)):
        store.write([outcome(one.name, "software", at(place), made("software", version=version))])
    return listing(Scene(store, nodes, 900, at(60)), "software")


def test_alike_nodes_are_one_row_with_the_last_since(store: Store) -> None:
    view = gathered(packages(store, "apr13", "apr13", "may18", "apr13"))
    assert [(row.values["node"], row.values["version"], row.values["since"]) for row in view.rows] == [
        ("nc[2-3,5]", "apr13", at(3)),
        ("nc4", "may18", at(2)),
    ]
    assert view.summarize(view.rows) == "4 rows from 4 of 4 nodes"


def test_trouble_and_age_keep_rows_apart(store: Store) -> None:
    view = packages(store, "apr13", "apr13")
    view.rows[0].trouble["version"] = 1
    assert len(gathered(view).rows) == 2
    view.rows[1].trouble["version"] = 1
    view.rows[1].old.add("version")
    assert len(gathered(view).rows) == 2


def test_only_what_is_shown_counts(store: Store) -> None:
    view = choose(packages(store, "apr13", "may18"), ["node", "package"])
    assert [row.values["node"] for row in gathered(view).rows] == ["nc[2-3]"]


def test_a_view_without_nodes_is_left_alone(store: Store) -> None:
    view = packages(store, "apr13", "apr13")
    assert gathered(View("users", view.fields[1:], view.rows)).rows == view.rows


def test_volatile_fields_do_not_keep_rows_apart(store: Store) -> None:
    fields = {field.name: field for field in fields_of(store.outcomes.record, Keep.INTERVALS)}
    assert fields["state"].merge is None
    assert fields["seconds"].merge is not None
    assert [fields["seconds"].merge(values) for values in ([1.0, 1.0], [1.0, 2.0])] == [1.0, None]


def test_what_is_not_shown_and_differs_is_unknown(store: Store) -> None:
    view = choose(packages(store, "apr13", "may18"), ["package"])
    (row,) = gathered(view).rows
    assert (row.values["version"], row.values["method"], row.values["node"]) == (None, "folder", "nc[2-3]")
