"""Who ran what at a moment: each node's last collection up to then."""

from __future__ import annotations

from unit_rows import at, made, outcome

from nicassh.store import Store


def listed(store: Store, node: str, when: float, **processes: float) -> None:
    """Users, each with a process of so much CPU."""
    records = [
        made("processes", pid=pid, user=user, cpu_percent=cpu) for pid, (user, cpu) in enumerate(processes.items(), 1)
    ]
    store.write([outcome(node, "processes", at(when), *records, made("processes_visibility"))])


def users(store: Store, since: float, until: float, *nodes: str) -> list[tuple[str, str, float]]:
    rows = store.top("processes", nodes or ("nc2", "nc3"), at(since), at(until))
    return sorted((row["node"], row["user"], (row["at"] - at(0)).total_seconds()) for row in rows)


def test_the_last_collection_of_each_node_up_to_the_moment(store: Store) -> None:
    listed(store, "nc2", 0, merz=50.0)
    listed(store, "nc2", 60, merz=50.0, adam=70.0)
    listed(store, "nc2", 120, eve=10.0)
    listed(store, "nc3", 30, merz=90.0)
    assert users(store, -900, 119) == [("nc2", "adam", 60), ("nc2", "merz", 60), ("nc3", "merz", 30)]
    assert users(store, -900, 60, "nc2") == [("nc2", "adam", 60), ("nc2", "merz", 60)]
    assert users(store, -900, 120, "nc2") == [("nc2", "eve", 120)]


def test_what_is_older_does_not_count(store: Store) -> None:
    listed(store, "nc2", 0, merz=50.0)
    assert users(store, 0, 900) == []
    assert users(store, -1, 900) == [("nc2", "merz", 0)]
