"""A store on each kind of database. One database serves all tests of its kind: each test finds it empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from servers import KINDS, Server
from unit_rows import PROBES

from nicassh.store import Store


@pytest.fixture(scope="session", params=("sqlite", *KINDS))
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, serving: Callable[[str], Server]
) -> Iterator[Store]:
    if request.param == "sqlite":
        yield from _made(f"sqlite:///{tmp_path_factory.mktemp('views') / 'nicamon.db'}")
    else:
        with serving(request.param).fresh() as url:
            yield from _made(url)


def _made(url: str) -> Iterator[Store]:
    store = Store(url, PROBES)
    store.create()
    yield store
    store.engine.dispose()


@pytest.fixture
def store(shared: Store) -> Store:
    with shared.engine.begin() as connection:
        for table in shared.metadata.tables.values():
            connection.execute(sa.delete(table))
    return shared
