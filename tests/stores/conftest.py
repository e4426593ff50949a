"""A store, and a task list, in an empty database of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
from lending import Lending
from task_rows import Driven
from unit_rows import PROBES, stored

from nicassh import tasks
from nicassh.database import connect
from nicassh.model.errors import SetupError
from nicassh.store import Store
from nicassh.tasks import Registration, TaskList


@pytest.fixture(scope="session")
def lending(tmp_path_factory: pytest.TempPathFactory, serving: Callable[[str], servers.Server]) -> Lending:
    """The databases with tables that tests have one after another."""
    patterns = {"store": _store_tables, "task_list": lambda url: _tasks(url).engine.dispose()}
    return Lending(serving, tmp_path_factory.mktemp("lending"), patterns)


def _store_tables(url: str) -> None:
    with stored(url):
        pass


def _tasks(url: str) -> TaskList:
    task_list = TaskList(connect(url), clock=Driven())
    task_list.create()
    return task_list


@pytest.fixture(params=("sqlite", *servers.KINDS))
def database(
    request: pytest.FixtureRequest, tmp_path: Path, serving: Callable[[str], servers.Server], lending: Lending
) -> Iterator[str]:
    """As for all tests; with the tables of a store or a task list where the test asks for one."""
    kind, file = str(request.param), tmp_path / "nicamon.db"
    pattern = next((name for name in ("store", "task_list") if name in request.fixturenames), None)
    if kind == "sqlite":
        yield lending.copied(file, pattern) if pattern else f"sqlite:///{file}"
    else:
        with lending.lent(kind, pattern) if pattern else serving(kind).fresh() as url:
            yield url


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database, PROBES)
    yield store
    store.engine.dispose()


@pytest.fixture
def task_list(database: str) -> Iterator[TaskList]:
    """An empty task list, in a time that the test drives."""
    task_list = _tasks(database)
    yield task_list
    task_list.engine.dispose()


@pytest.fixture
def collector(task_list: TaskList) -> Registration:
    """A collector that has entered the task list."""
    return tasks.register(task_list)


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[servers.Server]:
    """A PostgreSQL with TimescaleDB. Where it is not installed it is skipped everywhere: no package here has it."""
    try:
        starting = servers.timescale()
    except SetupError as error:
        pytest.skip(f"{error.what}; {error.hint}")
    with starting as server:
        yield server


@pytest.fixture
def timescale(timescale_server: servers.Server) -> Iterator[str]:
    """The URL of an empty database with TimescaleDB."""
    with timescale_server.fresh() as url:
        timescale_server.run("CREATE EXTENSION timescaledb", database=url.rpartition("/")[2])
        yield url


@pytest.fixture
def scaled(timescale: str) -> Iterator[Store]:
    """A store in TimescaleDB."""
    with stored(timescale) as store:
        yield store
