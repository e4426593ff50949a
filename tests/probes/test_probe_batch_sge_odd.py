"""Odd values in the XML of Grid Engine's variants: one of them must not make a whole cluster unreadable."""

from __future__ import annotations

import gridengine
import pytest
from gridengine import job, qhost, qstat


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a&#27;[31mb", "a[31mb"),
        ("a&#x1b;b", "ab"),
        ("a&#65;&#x42;", "aAB"),
        ("R&D", "R&D"),
        ("a & b", "a & b"),
        ("a&amp;b", "a&b"),
        ("&#1114112;x", "x"),
    ],
)
def test_references_that_xml_does_not_allow(name: str, plain: str) -> None:
    (found,) = gridengine.rows(qhost(), qstat(job(JB_name=name)), table="batch_job")
    assert found["name"] == plain


@pytest.mark.parametrize(
    ("tasks", "task", "number"),
    [("undefined", "", 1), ("-", "", 1), ("1,3,...", "1,3,...", 2), ("5-9:2,...", "5-9:2,...", 3)],
)
def test_tasks_of_no_array_and_of_a_list_that_is_cut(tasks: str, task: str, number: int) -> None:
    (found,) = gridengine.rows(qhost(), qstat(job(tasks=tasks)), table="batch_job")
    assert (found["task"], found["tasks"]) == (task, number)


def test_slots_that_are_not_told() -> None:
    (found,) = gridengine.rows(qhost(), qstat(job(slots="-")), table="batch_job")
    assert found["slots"] == 1


def test_times_as_in_the_tables() -> None:
    new = job(queue_name="all.q@nc10", JAT_start_time="11/20/2026 20:04:11")
    (found,) = gridengine.rows(qhost(), qstat(new), table="batch_job")
    assert found["started"] == "2026-11-20T20:04:11Z"
