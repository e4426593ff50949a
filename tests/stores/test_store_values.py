"""Whatever value one kind of database takes, all take, and give back unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from unit_rows import PROBES, at, made, outcome

from nicassh.database import connect, create, tables
from nicassh.model.notes import Note
from nicassh.model.outcome import Unknown
from nicassh.model.records import Keep, Record, as_dict, column, width
from nicassh.model.units import Bytes, Count, Number, Text, Time
from nicassh.probes import loader as probe
from nicassh.store import Store

HORSE = "\U0001f40e"
"""A character of four bytes."""


def read(store: Store, name: str, field: str, nodes: tuple[str, ...] = ("nc2",)) -> list[Any]:
    return sorted((row[field] for row in store.newest(name, nodes)), key=str)


@pytest.mark.parametrize("command", [HORSE, f"root.exe -l '{HORSE}' ünï ␛ \\ % %s :x ?", "", " ", "x" * 4096])
def test_command_lines(store: Store, command: str) -> None:
    store.write([outcome("nc2", "processes", at(0), made("processes", command=command, name=command))])
    assert read(store, "processes", "command") == [command]
    assert len(store.newest("processes", ["nc2"], name=[command])) == 1


def test_names_that_differ_by_case_blanks_or_accents_are_different(store: Store) -> None:
    names = ["/a", "/A", "/a ", "/ a", "/á", f"/{HORSE}", "/\U0001f411", "/a\u0301"]
    store.write([outcome("nc2", "disks", at(0), *(made("disks", mount=name) for name in names))])
    assert read(store, "disks", "mount") == sorted(names)
    assert read(store, "disks", "mount", ("NC2",)) == []
    assert [row["mount"] for row in store.newest("disks", ["nc2"], mount=["/a "])] == ["/a "]
    assert len(store.tally("disks", ["nc2"], "mount")) == len(names)
    assert len(store.earliest("disks", ["nc2"], at(0))) == len(names)


def test_nodes_that_differ_by_case_are_different(store: Store) -> None:
    store.write([outcome(name, "load", at(0), made("load", load1=float(len(name)))) for name in ("nc2", "NC2", "nc20")])
    store.write([outcome("NC2", "load", at(60), made("load", load1=9.0))])
    assert read(store, "load", "load1", ("nc2", "NC2", "nc20")) == [3.0, 4.0, 9.0]


def test_a_long_text_is_not_cut(store: Store) -> None:
    text = f"{HORSE}ü" * 75_000
    assert len(text.encode()) > 300 * 1024
    store.write([replace(outcome("nc2", "load", at(0)), text=text)])
    assert read(store, "outcomes", "text") == [text]


@pytest.mark.parametrize("number", [0, -(2**63), 2**63 - 1, 2**53 + 1])
def test_whole_numbers_of_64_bits(store: Store, number: int) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks", size=number))])
    assert read(store, "disks", "size") == [number]


@pytest.mark.parametrize("number", [0.1, 1 / 3, 1e300, -1e-300, 5e-324, 1.7976931348623157e308, 123456789.123456789])
def test_floats_to_the_last_bit(store: Store, number: float) -> None:
    store.write([outcome("nc2", "load", at(0), made("load", load1=number))])
    assert read(store, "load", "load1") == [number]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 2**63])
def test_a_number_that_no_database_holds_is_refused_before(number: float) -> None:
    """The value is unknown, and a note says so."""
    disks = next(one for one in PROBES if one.name == "disks")
    wrong = replace(disks, parse=lambda _: [made("disks", size=number, free_percent=number)])
    found = probe.read(wrong, b"")
    assert [(one.size, one.free_percent) for one in found if isinstance(one, Record)] == [(None, None)]
    assert any("size" in one.text and "cannot be held" in one.text for one in found if isinstance(one, Note))


def test_truths_and_what_is_unknown(store: Store) -> None:
    rows = [made("processes", pid=pid, ordinary=known) for pid, known in enumerate((True, False), 1)]
    store.write([outcome("nc2", "processes", at(0), *rows)])
    found = {row["pid"]: row["ordinary"] for row in store.newest("processes", ["nc2"])}
    assert found == {1: True, 2: False}
    assert all(type(value) is bool for value in found.values())
    assert read(store, "processes", "job") == [None, None]


def test_times_far_away(store: Store) -> None:
    moments = [datetime(1970, 1, 1, tzinfo=UTC), datetime(1901, 1, 1, tzinfo=UTC), datetime(2106, 3, 1, tzinfo=UTC)]
    for moment in moments:
        store.write([outcome("nc2", "system", at(0), made("system", boot_time=moment))])
        assert read(store, "system", "boot_time") == [moment]


def test_sums_are_of_the_type_that_they_sum(store: Store) -> None:
    store.write([
        outcome("nc2", "disks", at(0), *(made("disks", mount=f"/{n}", size=2**60 + 1, free_percent=0.5) for n in "ab"))
    ])  # fmt: skip
    (row,) = store.sums("disks", ["nc2"], ["type"], ["size", "free_percent"])
    assert (row["size"], row["free_percent"], row["number"]) == (2**61 + 2, 1.0, 2)
    assert (type(row["size"]), type(row["free_percent"]), type(row["number"])) == (int, float, int)


@dataclass(frozen=True)
class Select(Record):
    """A site's record whose every name is a word of SQL, with as many long keys as a key has room for."""

    order: Text = column("The 1st: 100 % of 'it' is \"quoted\", :so and %s.", key=True)
    group: Text = column("The 2nd.", key=True)
    key: Text = column("The 3rd.", key=True)
    limit: Text = column("The 4th.", key=True)
    rank: Count = column("A number that tells apart too.", key=True)
    system: Bytes | None = column("A word of some.")
    window: Number | None = column("100 % of \\ 'it' is \"quoted\", :so and %s.")
    user: Text | None = column("A function of PostgreSQL.")
    interval: Time | None = column("A type.")


@pytest.fixture
def made_of_words(database: str) -> Iterator[tuple[sa.Engine, sa.MetaData]]:
    engine, metadata = connect(database), sa.MetaData()
    for keep in Keep:
        tables(metadata, "select" if keep is Keep.SERIES else f"table_{keep}", Select, keep)
    create(engine, metadata)
    yield engine, metadata
    engine.dispose()


def test_words_of_sql_as_names_and_keys_as_long_as_may_be(made_of_words: tuple[sa.Engine, sa.MetaData]) -> None:
    engine, metadata = made_of_words
    longest = HORSE * width(Select)
    rows = [
        as_dict(Select(longest, longest, longest, longest[1:] + end, 2**62, 5, 0.5, "merz", at(0)))
        | {"node": "n" * 255, "at": at(0)}
        for end in "ab"
    ]
    with engine.begin() as connection:
        for name in ("select", "select_series"):
            table = metadata.tables[name]
            connection.execute(sa.insert(table), rows)
            found = connection.execute(sa.select(table).order_by(table.c["limit"])).mappings().all()
            assert [{key: row[key] for key in rows[0]} for row in found] == rows


def test_columns_say_what_they_are(made_of_words: tuple[sa.Engine, sa.MetaData]) -> None:
    engine, metadata = made_of_words
    if engine.dialect.name == "sqlite":
        return  # it has no comments
    said = {column["name"]: column["comment"] for column in sa.inspect(engine).get_columns("select")}
    assert {name: said[name] for name in said if name not in ("node", "at")} == {
        column.name: column.comment for column in metadata.tables["select"].c if column.name not in ("node", "at")
    }


def test_columns_that_came_later(made_of_words: tuple[sa.Engine, sa.MetaData]) -> None:
    engine, metadata = made_of_words
    before = {c["name"]: (str(c["type"]), c.get("comment")) for c in sa.inspect(engine).get_columns("select")}
    with engine.begin() as connection:
        for gone in ("system", "window", "user", "interval"):
            name = engine.dialect.identifier_preparer.quote_identifier(gone)
            table = engine.dialect.identifier_preparer.quote_identifier("select")
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
    create(engine, metadata)
    after = {c["name"]: (str(c["type"]), c.get("comment")) for c in sa.inspect(engine).get_columns("select")}
    assert after == before


def test_a_key_that_is_too_long_ends_in_a_digest_and_stays_the_same() -> None:
    disks = next(one for one in PROBES if one.name == "disks")
    paths = [f"/{'x' * 300}{end}" for end in "ab"]
    gap = Unknown(disks.records["disks"], (("mount", paths[0]), ("size", 5)))
    first, second, meant = probe.read(
        replace(disks, parse=lambda _: [*(made("disks", mount=p) for p in paths), gap]), b""
    )
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    names = [as_dict(first)["mount"], as_dict(second)["mount"]]
    assert [len(name) for name in names] == [255, 255]
    assert names[0] != names[1]
    assert isinstance(meant, Unknown)
    assert meant.where == (("mount", names[0]), ("size", 5))
