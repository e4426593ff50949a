"""What lives for the whole run, brought up when a test first asks for it: database servers, and a farm with systems.

Tests run in several processes at once. Each has servers of its own; tests of one group stay in one process, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
import servers
from program import Program

import needs
from nicassh import demo
from nicassh.demo import systems
from nicassh.demo.farm import Farm
from nicassh.model.errors import SetupError

_FARMS = {"farm", "batch_farm"}
"""Fixtures that bring a farm up, once for all tests of a process."""
_ALONE = {"demo": "farm", "transports": "transports"}
"""Folders whose tests share a server, or compare what is on the machine before and after a farm; and their group."""
_LOOKING = {
    f"test_probe_{name}"
    for name in (
        "batch_share", "bundle", "bundle_reader", "gpus", "guard", "hung", "isolated", "machine", "reaping",
        "services_kill",
    )
}  # fmt: skip
"""Tests of probes that see the programs that other such tests have started, or count seconds."""


@pytest.hookimpl(tryfirst=True)  # xdist looks at the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts into one group what must not run side by side, or would make something costly twice."""
    for item in items:
        group = _ALONE.get(item.path.parent.name) or ("guards" if item.path.stem in _LOOKING else "")
        if _FARMS.intersection(getattr(item, "fixturenames", ())):
            group = "farm"
        if not group and _made_once(item):
            group = item.path.stem
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _made_once(item: pytest.Item) -> bool:
    """Whether a test needs something that its file makes once for all of its tests."""
    made = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 pytest's only way to tell
    return any(one.scope == "module" for some in made for one in some)


@pytest.fixture(scope="session")
def serving() -> Iterator[Callable[[str], servers.Server]]:
    """Gives the one server of a kind, and starts it first where nobody has asked before."""
    with ExitStack() as stack:

        @cache
        def serve(kind: str) -> servers.Server:
            try:
                return stack.enter_context(servers.started(kind))
            except SetupError as error:
                needs.missing(f"{error.what}; {error.hint}")

        yield serve


@pytest.fixture(params=servers.KINDS)
def server(request: pytest.FixtureRequest, serving: Callable[[str], servers.Server]) -> servers.Server:
    """A MariaDB, and a PostgreSQL."""
    return serving(request.param)


@pytest.fixture(params=("sqlite", *servers.KINDS))
def database(request: pytest.FixtureRequest, tmp_path: Path, serving: Callable[[str], servers.Server]) -> Iterator[str]:
    """The URL of an empty database of the test's own: an SQLite file, one in MariaDB, and one in PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'nicamon.db'}"
    else:
        with serving(request.param).fresh() as url:
            yield url


@pytest.fixture(scope="session")
def batch_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm of 14 nodes with Grid Engine, Slurm and xrootd; a test that stops something starts it again."""
    needs.systems()
    folder = tmp_path_factory.mktemp("batch") / "demo"
    yield demo.up(folder, systems=list(systems.KNOWN))
    demo.down(folder)


@pytest.fixture
def batch_nicamon(batch_farm: Farm, tmp_path: Path) -> Program:
    """The program on that farm, with a database of the test's own."""
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["{batch_farm.inventory}"]\n')
    return Program(config)
