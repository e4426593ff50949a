"""A store on each kind of database. One database serves all tests of its kind: each test finds it empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from rows import Farm
from servers import KINDS, Server
from unit_rows import PROBES, stored

from nicassh.store import Store
from nicassh.tasks import TaskList


@pytest.fixture(scope="session", params=("sqlite", *KINDS))
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, serving: Callable[[str], Server]
) -> Iterator[Store]:
    if request.param == "sqlite":
        fresh = nullcontext(f"sqlite:///{tmp_path_factory.mktemp('views') / 'nicamon.db'}")
    else:
        fresh = serving(request.param).fresh()
    with fresh as url, stored(url) as store:
        yield store


@pytest.fixture
def store(shared: Store) -> Store:
    with shared.engine.begin() as connection:
        for table in shared.metadata.tables.values():
            connection.execute(sa.delete(table))
    return shared


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A database with a row of everything, a minute old."""
    folder = tmp_path_factory.mktemp("registry")
    inventory = '[[nodes]]\nnames = "n[2-3]"\nrole = "batch"\n[[nodes]]\nnames = "n1"\nbatch_cluster = "nica"\n'
    (folder / "inventory.toml").write_text(inventory)
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    store = Store(f"sqlite:///{folder}/nicamon.db", PROBES)
    store.create()
    TaskList(store.engine).create()
    when = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    store.write(Farm(PROBES, when, 3, 6, 4).outcomes())
    store.engine.dispose()
    yield folder / "nicamon.toml"
