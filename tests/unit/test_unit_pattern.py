"""Regular expressions of operators end in time, whatever they are."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nicassh.model.errors import UsageError
from nicassh.query.filter import matcher
from nicassh.query.pattern import Pattern
from nicassh.query.tables.procs import FIELDS, process_filter

COLUMNS = {field.name: field.column for field in FIELDS}
RUNAWAY = ("(a+)+$", "(a|aa)+$", "(.*a){25}$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a*)*b", "(a?){60}a{60}b")


@pytest.mark.parametrize("text", RUNAWAY)
def test_no_pattern_runs_away(text: str) -> None:
    """Python's own engine takes longer than the universe is old for most of these."""
    holds = matcher(f'command ~ "{text}"', COLUMNS)
    begin = time.process_time()
    for length in range(1000):
        holds({"command": "a" * (length % 80) + "!"})
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("text", ["((a{1000}){1000}){1000}", "(a|b|c|d){0,999}" * 20, "(((a{30}){30}){30}){30}"])
def test_repetitions_of_repetitions_are_refused(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(UsageError, match=r"repeats too much|invalid repetition"):
        Pattern(text)
    assert time.process_time() - begin < 5


def test_a_long_pattern_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 1000 characters, and this one 1001"):
        Pattern("a" * 1001)


@pytest.mark.parametrize("text", ["(", "[a", "*", "a{2,1}", "(?P<x", "(?<!x)y", r"(a)\1"])
def test_what_is_no_pattern_is_quoted(text: str) -> None:
    with pytest.raises(UsageError, match="is not a regular expression: ") as caught:
        Pattern(text)
    assert "RE2" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "where", "is_found"),
    [
        ("root.*reco", "root -b reco.C", True), ("^root$", "root -b", False), (r"\d+", "a7", True),
        ("(?i)ROOT", "root", True), ("日", "x日y", True), ("", "anything", True), ("a|b", "c", False),
    ],
)  # fmt: skip
def test_what_it_finds(text: str, where: str, is_found: bool) -> None:
    assert Pattern(text).is_in(where) is is_found


def test_processes_are_searched_with_the_same_limits() -> None:
    wanted: dict[str, Any] = {"user": [], "state": [], "min_cpu": 0.0, "min_memory": 0.0, "kind": [], "job": ""}
    with pytest.raises(UsageError, match="at most 1000"):
        process_filter(match="a" * 2000, **wanted)
