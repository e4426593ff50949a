"""A store on each kind of database. One database serves all tests of its kind: each test finds it empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from servers import KINDS, Server
from unit_rows import stored

from nicassh.store import Store


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
