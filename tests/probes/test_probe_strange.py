"""A strange value or line in an output costs itself: no parser fails over it, and none is told in Python's words."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sampling
from hypothesis import given, settings
from hypothesis import strategies as st

from nicassh.collection.bundle import Section
from nicassh.collection.judge import to_outcome
from nicassh.model.notes import Note, Unreadable
from nicassh.model.outcome import Outcome, State
from nicassh.model.records import Record, as_dict
from nicassh.probes import loader as probe

WORDS = (
    "-1",
    "-64",
    "9" * 30,
    "9" * 5000,
    "1e30",
    "nan",
    "inf",
    "x",
    "",
    "٣",
    "0",
    "18446744073709551488",
    "\x1b[2J",
    "a\tb",
)
LINES = (
    "Something unheard of",
    "WARNING: a sentence",
    "",
    "1",
    ":::::",
    "x" * 9000,
    "/a/b:c",
    "7/stat:7 (x) S",
    "size 1",
)
TOKEN = re.compile(r"[^\s:=,\[\](){}\"<>]+")
PATIENT = settings(deadline=None, max_examples=50)
OWN = [(name, system) for name, system in sampling.samples() if name != "batch"]


def sample(name: str, system: str) -> str:
    """An output of a sample without its last line, which says that it is whole."""
    return (sampling.folder(name) / f"{system}.out").read_bytes().decode("utf-8", "replace").removesuffix("end\n")


def outcome(name: str, text: str) -> Outcome:
    one = sampling.probes()[name]
    missing = Outcome("nc2", name, datetime(2026, 11, 21, tzinfo=UTC), State.OK)
    return to_outcome(one, Section(f"{text}end\n".encode(), b"", 0, timed_out=False, whole=True), missing)


def checked(name: str, text: str) -> None:
    """An outcome that is told in plain words, of a parser that did not fail."""
    with suppress(Unreadable):
        probe.read(sampling.probes()[name], f"{text}end\n".encode())
    found = outcome(name, text)
    said = f"{found.reason} {found.notes}"
    for word in ("Error", "invalid literal", "could not convert", "not enough values", "Traceback", "NoneType"):
        assert word not in said.replace("Unknown Error", "")
    assert len(found.notes or "") < 3000


@pytest.mark.parametrize(("name", "system"), OWN)
@PATIENT
@given(st.data())
def test_any_word_of_an_output_may_be_strange(name: str, system: str, data: st.DataObject) -> None:
    text = sample(name, system)
    tokens = list(TOKEN.finditer(text))
    token = tokens[data.draw(st.integers(0, len(tokens) - 1))]
    checked(name, f"{text[: token.start()]}{data.draw(st.sampled_from(WORDS))}{text[token.end() :]}")


@pytest.mark.parametrize(("name", "system"), OWN)
@PATIENT
@given(st.data())
def test_any_line_of_an_output_may_be_strange_or_missing(name: str, system: str, data: st.DataObject) -> None:
    lines = sample(name, system).split("\n")
    place = data.draw(st.integers(0, len(lines) - 1))
    checked(name, "\n".join([*lines[:place], data.draw(st.sampled_from(LINES)), *lines[place:]]) + "\n")
    checked(name, "\n".join([*lines[:place], *lines[place + 1 :]]) + "\n")
    checked(name, "\n".join([*lines[:place], lines[place][: len(lines[place]) // 2], *lines[place + 1 :]]) + "\n")


def lost(name: str, system: str, old: str, new: str) -> tuple[int, str | None]:
    """How many records are missing where an output says something strange instead, and the notes."""
    text = sample(name, system)
    assert old in text
    before, after = outcome(name, text), outcome(name, text.replace(old, new, 1))
    assert after.state is State.OK, after.reason
    return len(before.records) - len(after.records), after.notes


@pytest.mark.parametrize(
    ("name", "system", "old", "new", "rows"),
    [
        ("disks", "el6", "size 4096 12901535", "size -4096 12901535", 0),
        ("disks", "el6", "size 1024 495844", "size x 495844", 0),
        ("disks", "el6", "mount /dev/sda1 /boot ext4", "mount /dev/sda1", 1),
        ("processes", "batch", "Threads:\t", "Threads:\tx", 0),
        ("processes", "el9", "VmRSS:\t", "VmRSS:\tx", 1),
        ("system", "el6", "btime ", "btime x", 0),
        ("load", "el6", "procs_blocked ", "procs_blocked x", 0),
        ("load", "el9", "loadavg 0.00", "loadavg -1.00", 0),
        ("load", "el9", "loadavg 0.00", "loadavg 18446744073709551.00", 0),
        ("memory", "el9", "MemAvailable: ", "MemAvailable: 9", 0),
        ("memory", "el6", "SwapFree: ", "SwapFree: x", 0),
    ],
)
def test_what_a_strange_value_costs(name: str, system: str, old: str, new: str, rows: int) -> None:
    found, notes = lost(name, system, old, new)
    assert (found, bool(notes)) == (rows, True)


def test_a_daemon_that_cannot_be_read_is_not_gone() -> None:
    """What ran before and is not told now would be down; the store keeps what it knows instead."""
    text = sample("services", "el9")
    pid = re.search(r"^(\d+)/status:Uid:", text, re.M)
    assert pid
    found = outcome("services", text.replace(pid[0], f"{pid[0]}\tx", 1))
    assert found.state is State.OK and found.notes and f"process `{pid[1]}`" in found.notes
    service = sampling.probes()["services"].records["services"]
    assert any(gap.record is service and not gap.where for gap in found.unknown)


@pytest.mark.parametrize("more", ["MemAvailable: 5 kB\n", "MemFree: 5 kB\n"])
def test_more_available_memory_than_there_is_memory_is_unknown(more: str) -> None:
    memory, note = probe.read(sampling.probes()["memory"], f"MemTotal: 4 kB\n{more}end\n".encode())
    assert isinstance(memory, Record) and isinstance(note, Note)
    values = as_dict(memory)
    assert (values["total"], values["available"], values["available_percent"]) == (4096, None, None)
    assert "more than the total" in note.text


@pytest.mark.parametrize("load", ["-0.01", "1e30", "nan"])
def test_a_load_that_cannot_be_is_unknown(load: str) -> None:
    found, note = probe.read(sampling.probes()["load"], f"loadavg {load} 0.5 0.2 1/8 1\nend\n".encode())
    assert isinstance(found, Record) and isinstance(note, Note)
    assert (as_dict(found)["load1"], as_dict(found)["load5"]) == (None, 0.5)


def test_records_and_notes_are_apart() -> None:
    read = probe.read(sampling.probes()["memory"], b"MemTotal: 4 kB\nMemAvailable: 2 kB\nx y\nend\n")
    assert [type(one).__name__ for one in read] == ["Memory", "Note"]
    assert all(isinstance(one, Record | Note) for one in read)
    assert replace(outcome("memory", ""), text="").state is State.UNREADABLE
