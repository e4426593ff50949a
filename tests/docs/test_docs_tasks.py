"""Every case of the queue that is told in words is named by the test that holds it."""

from __future__ import annotations

import ast
import json
import re
from functools import cache

import pytest
import reading

TESTS = reading.TOP / "tests"
CASES = json.loads((TESTS / "task_cases.json").read_text(encoding="utf-8"))
GROUPS = [CASES["claim"], CASES["stale"], CASES["add"], CASES["housekeeping"], CASES["backoff"]["behaviour"]]


@cache
def named() -> set[str]:
    """The cases that are named in the source of some test, with its decorators and its docstring."""
    found: set[str] = set()
    for file in TESTS.rglob("test_*.py"):
        text = file.read_text(encoding="utf-8")
        for test in ast.walk(ast.parse(text)):
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                first = min(part.lineno for part in (test, *test.decorator_list))
                source = "\n".join(text.splitlines()[first - 1 : test.end_lineno])
                found |= set(re.findall(r"\b[A-Z]{2}\d+\b", source))
    return found


@pytest.mark.parametrize("case", [case["id"] for group in GROUPS for case in group])
def test_every_case_is_named_by_a_test(case: str) -> None:
    assert case in named()
