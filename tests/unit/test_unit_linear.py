"""All regular expressions that meet text of nodes take time in proportion to its length, whatever the text is.

Worst strings are made from each pattern itself: every part of it repeated, behind all that can stand before it. So a
new pattern is tried as soon as it stands at the top of a module, and none may stand elsewhere.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import re._constants as code  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from unit_rows import PROBES

import nicassh
from nicassh.model.text import LIMIT, redact

OPERATORS = (
    "cli",
    "config",
    "database",
    "demo",
    "inventory",
    "model.units",
    "probes.loader",
    "query.filter",
    "query.metrics",
    "tasks",
    "transport.host_keys",
)
"""Modules whose patterns meet what an operator wrote, and no text of a node."""
SAMPLES = ("a0 -/_.:@=,", "0-_a ./:", " /a0-.", "-_.a0 ")
"""Characters to repeat where a class lets choose, in the order of preference."""
UNSEEN = ("fullmatch", "findall")
"""Uses that cost at least as much as each of the others: tried where the module of a pattern does not show its uses."""
USES = ("search", "match", "fullmatch", "findall", "finditer", "sub", "split")
N = 1000


def modules() -> Iterator[ModuleType]:
    assert PROBES
    for found in pkgutil.walk_packages(nicassh.__path__, "nicassh."):
        name = found.name.removeprefix("nicassh.")
        if not any(name == one or name.startswith(f"{one}.") for one in (*OPERATORS, "__main__")):
            yield importlib.import_module(found.name)
    yield from (module for name, module in sys.modules.items() if name.startswith("nicassh_probe_"))


def within(value: Any, depth: int = 3) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, tuple | list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from within(one, depth - 1)


def patterns() -> dict[str, tuple[re.Pattern[str], tuple[str, ...]]]:
    """Each pattern with the ways in which its module uses it."""
    found = {}
    for module in modules():
        text = Path(module.__file__ or "").read_text(encoding="utf-8")
        for name, value in list(vars(module).items()):
            for index, one in enumerate(within(value)):
                uses = tuple(use for use in USES if re.search(rf"\b{name}\.{use}\b", text)) or UNSEEN
                if not re.search(rf"^{name}\b.*=|^\s*{name}, .*=|, {name} =", text, re.M):
                    continue  # it is of another module, which has its own say
                found[f"{module.__name__}.{name}[{index}]"] = one, uses
    return found


def sample(part: Any, order: str) -> str:
    """A short text that a part of a pattern matches."""
    made = []
    for operation, argument in part:
        if operation is code.LITERAL:
            made.append(chr(argument))
        elif operation in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            made.append(sample(argument[2], order) * max(1, min(argument[0], 40)))
        elif operation is code.SUBPATTERN:
            made.append(sample(argument[3], order))
        elif operation is code.ATOMIC_GROUP:
            made.append(sample(argument, order))
        elif operation is code.BRANCH:
            made.append(sample(argument[1][len(order) % len(argument[1])], order))
        elif operation in (code.IN, code.ANY, code.NOT_LITERAL, code.CATEGORY):
            made.append(chosen(operation, argument, order))
    return "".join(made)


def chosen(operation: Any, argument: Any, order: str) -> str:
    tree = parser.SubPattern(parser.State(), [(operation, argument)])
    one = re._compiler.compile(tree)  # type: ignore[attr-defined]
    return next((letter for letter in order + "\tZ9~\"'()[]{}*#$%&<>|;\\" if one.match(letter)), "a")


def parts(part: Any, order: str, before: str = "") -> Iterator[tuple[str, str]]:
    """Every part of a pattern as a text, and what can stand before it."""
    for index, item in enumerate(part):
        operation, argument = item
        own = sample([item], order)
        yield from ((before, sample(part[index : index + length], order)) for length in (1, 2, 3, 4))
        inner: list[Any] = []
        if operation in (code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT):
            inner = [argument[2]]
        elif operation is code.SUBPATTERN:
            inner = [argument[3]]
        elif operation is code.ATOMIC_GROUP:
            inner = [argument]
        elif operation is code.BRANCH:
            inner = argument[1]
        for one in inner:
            yield from parts(one, order, before)
        before += own


def attacks(pattern: re.Pattern[str]) -> set[tuple[str, str]]:
    """What to begin with and what to repeat."""
    found = set()
    for order in SAMPLES:
        tree = parser.parse(pattern.pattern, pattern.flags)
        pairs = list(parts(tree, order))
        found |= {(before, own) for before, own in pairs if own} | {("", before + own) for before, own in pairs if own}
        found |= {(before + own, own[-1:] * 2 + letter) for before, own in pairs if own for letter in order[:4]}
        found |= {(before + own, letter) for before, own in pairs for letter in order[:4]}
    return {(before[:N], own[:200]) for before, own in found}


def seconds(pattern: re.Pattern[str], uses: tuple[str, ...], text: str) -> float:
    given: Any = text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text
    begin = time.process_time()
    for use in uses:
        if use == "sub":
            pattern.sub(given[:0], given)
        elif use == "finditer":
            list(pattern.finditer(given))
        else:
            getattr(pattern, use)(given)
    return time.process_time() - begin


def is_linear(pattern: re.Pattern[str], uses: tuple[str, ...], before: str, piece: str) -> bool:
    """Whether 1, 2 and 4 times the length take no more than some such multiples of the time."""
    texts = [before + piece * (times * N // len(piece)) + "\n\0" for times in (1, 2, 4)]
    if seconds(pattern, uses, texts[2]) < 0.003:
        return True
    one, two, four = (min(seconds(pattern, uses, text) for _ in range(3)) for text in texts)
    return four < 9 * one + 0.002 and two < 5 * one + 0.002


FOUND = patterns()


def test_patterns_are_found() -> None:
    names = {name.partition("[")[0] for name in FOUND}
    assert {
        "nicassh.model.passwords._NAMED",
        "nicassh_probe_processes.ties._CGROUPS",
        "nicassh.probes.tools._ESCAPED",
    } <= names
    assert len(FOUND) > 60


@pytest.mark.parametrize("name", sorted(FOUND))
def test_a_pattern_takes_linear_time(name: str) -> None:
    pattern, uses = FOUND[name]
    for before, piece in sorted(attacks(pattern)):
        assert is_linear(pattern, uses, before, piece), (pattern.pattern, before, piece)


@pytest.mark.parametrize(
    ("pattern", "use"),
    [(r"(\d+)/environ", "search"), (r"a\s*\w{0,20}\s+b", "search"), (r"\d(?:[-.]?\w+)*", "fullmatch"),
     (r"x=\S+/c", "search"), (r"(.*)/in(?:/\w+)*/h", "match")],
)  # fmt: skip
def test_the_worst_strings_are_bad_enough(pattern: str, use: str) -> None:
    """Patterns that are known to take the square of the length, or worse, are found out."""
    one = re.compile(pattern)
    if use == "fullmatch":  # it takes exponential time: a short text has to do
        assert seconds(one, (use,), "0" + "a" * 22 + "!") > 20 * seconds(one, (use,), "0" + "a" * 14 + "!")
    else:
        assert not all(is_linear(one, (use,), before, piece) for before, piece in sorted(attacks(one)))


def test_no_pattern_stands_where_it_is_not_tried() -> None:
    wrong = []
    for module in modules():
        for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in USES:
                where = node.func.value
                if isinstance(where, ast.Name) and where.id == "re":
                    wrong.append(f"{module.__name__} line {node.lineno}: re.{node.func.attr}(…)")
    assert wrong == []


def test_blanks_behind_a_word_for_a_secret_cost_nothing() -> None:
    """Nine hundred such command lines of an ordinary user took 13 s of each collection."""
    lines = [f"Authorization:{' ' * 1010}", f"sshpass{' ' * 1010}", f"--token{' ' * 1010}-", f"-u{' ' * 1010}"]
    for line in lines:
        begin = time.process_time()
        for _ in range(900):
            redact(line)
        assert time.process_time() - begin < 0.9


def test_a_command_line_of_any_length_is_cut_first() -> None:
    assert redact("x" * LIMIT) == "x" * LIMIT
    assert redact("x" * 1_500_000) == "x" * (LIMIT - 1) + "…"
