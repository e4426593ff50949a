"""How modules are put together: nothing in a package hides a module of the package, so that `import` finds it."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

import nicassh

PACKAGES = [one.name for one in pkgutil.walk_packages(nicassh.__path__, "nicassh.") if one.ispkg]


@pytest.mark.parametrize("name", PACKAGES)
def test_nothing_hides_a_module(name: str) -> None:
    package = import_module(name)
    modules = [one.name for one in pkgutil.iter_modules(package.__path__)]
    for module in modules:
        import_module(f"{name}.{module}")
    assert [module for module in modules if not isinstance(getattr(package, module), ModuleType)] == []
