"""How modules are put together: no function has the name of its module, which it would hide from `import`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import reading

SOURCE = reading.TOP / "src" / "nicassh"
BEING_REBUILT = ("cli", "collector", "database", "query", "render", "store")
"""Packages that still have such functions."""
PACKAGES = [one.name for one in SOURCE.iterdir() if (one / "__init__.py").is_file() and one.name not in BEING_REBUILT]


def defined(module: Path) -> set[str]:
    """Returns the names of the functions and classes that a module defines."""
    body = ast.parse(module.read_text(encoding="utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_nothing_has_the_name_of_its_module(package: str) -> None:
    modules = sorted((SOURCE / package).rglob("*.py"))
    assert modules
    assert [str(module.relative_to(SOURCE)) for module in modules if module.stem in defined(module)] == []
