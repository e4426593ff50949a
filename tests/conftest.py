"""What lives for the whole run, brought up when a test first asks for it: database servers, and a farm with systems.

Tests run in several processes at once. Each has servers of its own; tests of one group stay in one process, in order.
"""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from math import inf
from pathlib import Path

import pytest
import servers
from program import Program

import needs
from nicassh import demo
from nicassh.demo import systems
from nicassh.demo.farm import Farm
from nicassh.model.errors import SetupError

os.environ["TZ"] = "UTC"
os.environ.pop("COLUMNS", None)
"""What a person sees depends on the zone and the width of the screen (readline sets COLUMNS): for tests they are the
same wherever they run."""
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a run in the background has it, and so would all its programs
    signal.signal(signal.SIGINT, signal.default_int_handler)
_FARMS = {"batch_farm": "batch farm", "farm": "farm"}
"""Fixtures that bring a farm up, once for all tests of a process; and the group of the tests that use it."""
_SHARED = {"demo": "demo", "transports": ""}
"""Folders whose tests share what takes long to make, and their group. Without one each file is a group."""
_LOOKING = {f"test_probe_{name}" for name in ("hung", "isolated", "machine", "reaping", "services_kill")}
"""Tests of probes that see what other such tests have started on this machine."""
_IN_TURN = {"test_probe_guard", "test_probe_batch_share"}
"""Tests whose commands under guard have the same names, so that one would wait for another's; or that start many."""
_FOLDERS = ("acceptance", "demo", "stores", "probes", "transports", "views", "docs", "unit")
"""The stages of a run. Those with long tests begin first, so that at its end no process waits for one of them."""
_FIRST = ("batch farm", "farm", "demo", "guards", "test_accept_clocks")
"""Groups that take longest, in this order."""


@pytest.hookimpl(tryfirst=True)  # xdist looks at the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts into one group what must not run side by side, or would make something costly twice; long ones first."""
    groups = {item: _group(item) for item in items}
    for item, group in groups.items():
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
        if ("session", "serving") in _fixtures(item) and "[sqlite" not in item.name:
            item.add_marker(pytest.mark.server)
    first = {group: place for place, group in enumerate(_FIRST)}
    items.sort(key=lambda item: (first.get(groups[item], len(first)), _FOLDERS.index(item.path.parent.name)))


def _group(item: pytest.Item) -> str:
    """The group of a test; empty where it may run beside all others."""
    folder, file = item.path.parent.name, item.path.stem
    for name, group in _FARMS.items():
        if ("session", name) in _fixtures(item):
            return group
    if folder in _SHARED:
        return _SHARED[folder] or file
    if file in _LOOKING:
        return "guards"
    made_once = any(scope == "module" for scope, _ in _fixtures(item))
    return file if made_once or file in _IN_TURN else ""


def _fixtures(item: pytest.Item) -> set[tuple[str, str]]:
    """The scopes and names of all fixtures that a test needs."""
    made = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 pytest's only way to tell
    return {(one.scope, name) for name, some in made.items() for one in some}


_times: defaultdict[str, list[float]] = defaultdict(lambda: [0, 0.0, inf, 0.0])
"""Of each stage and each group: the number of its tests, their seconds, when the first began and the last ended."""


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds the time of a test, and of what is made for it, to its stage and to its group."""
    path, _, name = report.nodeid.partition("::")
    group = name.rpartition("]")[2].partition("@")[2]
    for key in filter(None, (f"{path.split('/')[1]}/", group)):
        tests, seconds, begin, end = _times[key]
        called = tests + (report.when == "call")
        _times[key] = [called, seconds + report.duration, min(begin, report.start), max(end, report.stop)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the time of each stage, and of the groups that took longest: a run takes as long as its longest group."""
    if not _times:
        return
    terminalreporter.section("time of each stage, and of the longest groups")
    begin = min(times[2] for times in _times.values())
    longest = sorted(_times, key=lambda key: _times[key][1], reverse=True)
    stages = [key for key in longest if key.endswith("/")]
    for key in [*stages, *[key for key in longest if key not in stages][:8]]:
        tests, seconds, first, last = _times[key]
        terminalreporter.write_line(
            f"{key:24} {tests:5} tests {seconds:7.0f} s, from {first - begin:4.0f} to {last - begin:4.0f} s"
        )


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
    with needs.machine():
        farm = demo.up(folder, systems=list(systems.KNOWN))
    yield farm
    with needs.machine():
        demo.down(folder)


@pytest.fixture
def batch_nicamon(batch_farm: Farm, tmp_path: Path) -> Program:
    """The program on that farm, with a database of the test's own."""
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["{batch_farm.inventory}"]\n')
    return Program(config)
