"""A store, and a task list, in an empty database of each kind."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import cache

import pytest
import servers
import sqlalchemy as sa
from task_rows import Driven
from unit_rows import PROBES, stored

from nicassh import tasks
from nicassh.database import connect
from nicassh.model.errors import SetupError
from nicassh.store import Store
from nicassh.tasks import Registration, TaskList

Fill = Callable[[str], bool]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, serving: Callable[[str], servers.Server]) -> Fill:
    """Copies the tables of a store into an empty database, and says whether its kind can: to make 60 takes long."""

    @cache
    def pattern(kind: str) -> str:
        if kind == "sqlite":
            name = str(tmp_path_factory.mktemp("pattern") / "nicamon.db")
            url = f"sqlite:///{name}"
        else:
            name = "pattern"
            serving(kind).run(f"CREATE DATABASE {name}")
            url = serving(kind).url(name)
        with stored(url):
            return name

    def fill(url: str) -> bool:
        kind, name = url.partition(":")[0], url.rpartition("/")[2]
        if kind == "sqlite":
            shutil.copy(pattern(kind), sa.make_url(url).database or "")
        elif kind == "postgresql":
            serving(kind).run(f"DROP DATABASE {name}", f"CREATE DATABASE {name} TEMPLATE {pattern(kind)}")
        return kind != "mariadb"

    return fill


@pytest.fixture
def store(database: str, filled: Fill) -> Iterator[Store]:
    if filled(database):
        store = Store(database, PROBES)
        yield store
        store.engine.dispose()
    else:
        with stored(database) as store:
            yield store


@pytest.fixture
def task_list(database: str) -> Iterator[TaskList]:
    """An empty task list, in a time that the test drives."""
    task_list = TaskList(connect(database), clock=Driven())
    task_list.create()
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
