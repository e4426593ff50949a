"""One strange value or row costs itself: the others are told, with a note, and never in Python's words."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from unit_rows import PROBES, at, outcome

from nicassh.collection.bundle import Section
from nicassh.collection.judge import to_outcome
from nicassh.model.notes import MOST, Note, Notes, Unreadable, joined
from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe

RECORD = '''"""What it tells."""
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from nicassh.model.notes import Note, Notes, Unreadable
from nicassh.model.records import Record, column
from nicassh.model.outcome import Unknown
from nicassh.model.units import Bytes, Celsius, Count, Flag, Number, Percent, Seconds, Text, Time, Watts
every, priority, timeout, keep = 60, "low", 10, "series"

@dataclass(frozen=True)
class Card(Record):
    card: Text = column("Card.", key=True)
    size: Bytes | None = column("Size.")
    used: Bytes | None = column("Memory.")
    begun: Time | None = column("Begun.")
    busy: Flag | None = column("Busy.")
    load: Number | None = column("Load.")
    warm: Celsius | None = column("Warm.")
    share: Percent | None = column("Share.")
    label: Text | None = column("Label.")
    delay: Seconds | None = column("Delay.")
    slots: Count = column("Slots.")

NAMES = [field.name for field in fields(Card)]

def card(name, slots=1, **some):
    some = {field: some.get(field) for field in NAMES if field not in ("card", "slots")}
    return Card(card=name, slots=slots, **some)

def parse(output):
    PARSE
'''


STRANGE = "the output of cards is not what its parser expects"


def made(top: Path, parse: str, tail: str = "") -> Probe:
    """A probe whose `parse` is these lines."""
    place = top / "cards"
    place.mkdir(exist_ok=True)
    lines = "\n    ".join(parse.splitlines())
    (place / "record.py").write_text(RECORD.replace("PARSE", lines) + tail)
    (place / "probe.sh").write_text("echo x\n")
    return probe.load(place)


def judged(one: Probe, output: bytes = b"a\n") -> Outcome:
    return to_outcome(one, Section(output, b"", 0, timed_out=False, whole=True), outcome("nc2", one.name, at(0)))


def builtin(name: str, output: bytes) -> Outcome:
    return judged(next(one for one in PROBES if one.name == name), output)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("used", "10**29", "1" + "0" * 29),
        ("used", "10**6000", "a number of more than 30 digits"),
        ("used", "-64", "-64"),
        ("used", "-(2**63) - 1", "-9223372036854775809"),
        ("used", "1.5", "1.5"),
        ("used", "True", "True"),
        ("used", "'much'", "much"),
        ("used", "'\\x1b[2J'", "␛[2J"),
        ("begun", "datetime(1969, 12, 31, tzinfo=timezone.utc)", "1969-12-31 00:00:00+00:00"),
        ("begun", "datetime(9999, 12, 31, tzinfo=timezone.utc)", "9999-12-31 00:00:00+00:00"),
        ("begun", "datetime(2026, 1, 1)", "2026-01-01 00:00:00"),
        ("begun", "1700000000", "1700000000"),
        ("busy", "1", "1"),
        ("load", "float('inf')", "inf"),
        ("load", "float('nan')", "nan"),
        ("load", "-1e200", "-1e+200"),
        ("load", "10**400", "a number of more than 30 digits"),
        ("warm", "-300", "-300"),
        ("share", "-0.5", "-0.5"),
        ("label", "7", "7"),
        ("label", "['x']", "['x']"),
    ],
)
def test_a_value_that_its_column_cannot_hold_is_unknown(tmp_path: Path, field: str, value: str, shown: str) -> None:
    found = judged(made(tmp_path, f"return [card('a', size=1, {field}={value}), card('b', used=2)]"))
    assert (found.state, found.reason) == (State.OK, "")
    first, second = (vars(record) for record in found.records)
    assert (first["card"], first["size"], first[field]) == ("a", 1, None)
    assert (second["card"], second["used"]) == ("b", 2)
    assert found.notes == f"a: {field}: {shown} cannot be held"


@pytest.mark.parametrize(
    ("field", "value"),
    [("warm", -20.5), ("load", -3), ("delay", -0.5), ("share", 250), ("used", 0), ("used", 2**63 - 1), ("load", 1e199)],
)
def test_values_that_are_rare_and_right(tmp_path: Path, field: str, value: float) -> None:
    found = judged(made(tmp_path, f"return [card('a', {field}={value!r})]"))
    assert (vars(found.records[0])[field], found.notes) == (value, None)


def test_a_row_without_a_value_that_it_must_have_is_left_out_and_not_gone(tmp_path: Path) -> None:
    """What the store knows of it stays: it is not told that the row is there no more."""
    found = judged(made(tmp_path, "return [card('a', slots=-1), card('b'), card(3), card('c\\n', slots=None)]"))
    assert [vars(record)["card"] for record in found.records] == ["b"]
    assert found.notes == "a: slots: -1 cannot be held; 3: card: 3 cannot be held; c␊: slots: None cannot be held"
    kind = type(found.records[0])
    assert found.unknown == (Unknown(kind, (("card", "a"),)), Unknown(kind, (("card", "c␊"),)))


def test_notes_are_bounded_in_number_and_size(tmp_path: Path) -> None:
    lines = "yield card('a')\nfor n in range(100000): yield card(f'{n}' + 'x' * 5000, slots=-1)"
    found = judged(made(tmp_path, lines))
    assert found.notes and len(found.notes) < 3000
    assert found.notes.endswith(f"; and {100000 - MOST} more")
    # One gap stands for all: a comparison of each stored row with each gap would take for ever.
    assert found.unknown == (Unknown(type(found.records[0])),)


def test_an_output_of_which_no_row_could_be_read_is_not_well(tmp_path: Path) -> None:
    found = judged(made(tmp_path, "return [card('a', slots=-1)]"), b"the output")
    assert (found.state, found.records, found.text) == (State.UNREADABLE, (), "the output")
    assert found.reason == "no row could be read: a: slots: -1 cannot be held"


def test_a_parser_leaves_out_a_row_that_it_cannot_read(tmp_path: Path) -> None:
    lines = """notes = Notes()
for line in output.splitlines():
    with notes.reading("card", line):
        name, used = line.split()
        if name == "x": raise Unreadable("no card is called x")
        yield card(name, used=int(used))
yield from notes
notes = Notes()
yield card("z", used=notes.value("used", int, "7"), size=notes.value("size", int, "much"))
yield card("y", used=notes.value("used", int, None))
yield from notes"""
    found = judged(made(tmp_path, lines), b"a 1\nb\nc much\x1b[2J\nx 1\nd 9" + b"9" * 5000 + b"\ne 5\n")
    rows = [(record["card"], record["used"], record["size"]) for record in map(vars, found.records)]
    assert rows == [("a", 1, None), ("e", 5, None), ("z", 7, None), ("y", None, None)]
    assert found.notes is not None
    assert found.notes.split("; ") == [
        "card `b` cannot be read", "card `c much␛[2J` cannot be read", "card `x 1` cannot be read: no card is called x",
        f"card `d {'9' * 57}…` cannot be read", "size `much` cannot be read",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "reason", "place"),
    [
        ("{}['x']", STRANGE, "record.py line 32: KeyError: 'x' in: out"),
        (
            "int('x' * 9)",
            STRANGE,
            "record.py line 32: ValueError: invalid",
        ),
        ("raise SystemExit(3)", STRANGE, "line 32: SystemExit: 3 in: out"),
        ("raise Unreadable('no\\x1b cards')", "no␛ cards", "out"),
        ("yield 'a'", "the parser gave a str, which is no record", "out"),
        ("return None", STRANGE, "TypeError: 'NoneType' object"),
    ],
)
def test_a_parser_that_fails_says_in_plain_words_what_and_where(
    tmp_path: Path, lines: str, reason: str, place: str
) -> None:
    found = judged(made(tmp_path, f"\n{lines}"), b"out")
    assert (found.state, found.records) == (State.UNREADABLE, ())
    assert found.reason.startswith(reason)
    assert "Error" not in found.reason and "SystemExit" not in found.reason
    assert place in found.text


def test_notes_of_notes() -> None:
    assert joined([]) is None
    assert joined([Note("a"), Note("", 3), Note("b", 2)]) == "a; b; and 4 more"
    notes = Notes()
    with pytest.raises(KeyboardInterrupt), notes.reading("line"):
        raise KeyboardInterrupt
    with notes.reading("line"):
        raise Unreadable("it is odd")
    assert [note.text for note in notes] == ["line cannot be read: it is odd"]


@pytest.mark.parametrize("word", ["1e308", "-1e200", "inf", "nan", "x", "9" * 5000])
def test_a_load_beyond_all_measures_is_unknown(word: str) -> None:
    """Two of them in a bucket have no sum, and on a server the roll-up would fail for all nodes."""
    found = builtin("load", f"loadavg {word} 0.18 0.12 1/80 11206\npids 80\nend\n".encode())
    record: Any = found.records[0]
    assert (record.load1, record.load5, record.processes) == (None, 0.18, 80)
    assert found.notes and found.notes.startswith("load")
    assert all(math.isfinite(value) for value in (record.load5, record.load15))


MEMINFO = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 500 kB\nSwapTotal: 64 kB\nSwapFree: 0 kB\nend\n"


@pytest.mark.parametrize(
    ("old", "new", "unknown", "note"),
    [
        ("SwapFree: 0", "SwapFree: 18446744073709551488", {"swap_used"}, "18446744073709551488 kB` cannot be read"),
        ("SwapFree: 0", "SwapFree: 128", {"swap_used"}, "swap_used: -65536 cannot be held"),
        ("SwapFree: 0", "SwapFree: -128", {"swap_used"}, "`SwapFree: -128 kB` cannot be read"),
        ("MemAvailable: 500", "MemAvailable: much", set(), "`MemAvailable: much kB` cannot be read"),
        ("SwapTotal: 64", "SwapTotal:", {"swap_total", "swap_used"}, "`SwapTotal: kB` cannot be read"),
        ("MemFree: 100 kB\nMemAvailable: 500", "x: 1", {"available", "available_percent"}, ""),
        ("MemFree: 100 kB", "MemFree:", set(), "line `MemFree:` cannot be read"),
    ],
)
def test_memory_that_is_partly_strange(old: str, new: str, unknown: set[str], note: str) -> None:
    assert old in MEMINFO
    found = builtin("memory", MEMINFO.replace(old, new).encode())
    assert (found.state, vars(found.records[0])["total"]) == (State.OK, 1024000)
    assert {name for name, value in vars(found.records[0]).items() if value is None} == unknown
    assert note in (found.notes or "")


@pytest.mark.parametrize("total", ["MemTotal: 0", "MemTotal: many", "Mem: 7"])
def test_memory_without_a_total_is_unreadable(total: str) -> None:
    found = builtin("memory", MEMINFO.replace("MemTotal: 1000", total).encode())
    assert (found.state, found.reason) == (State.UNREADABLE, "it has no MemTotal")
