"""One sshd for the suite, and every transport, for the tests that all must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hostile import Hostile, lurking
from sshd import Server, serve

from nicassh.inventory import Node
from nicassh.inventory.transports import TRANSPORTS


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd that lets the tests in."""
    with serve(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=TRANSPORTS)
def node(request: pytest.FixtureRequest) -> Node:
    """This machine, reached by each transport of the registry."""
    if request.param == "local":
        return Node("here", "localhost", transport="local")
    server: Server = request.getfixturevalue("server")
    return replace(server.node(), transport=request.param)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """All hostile servers."""
    with lurking(tmp_path_factory.mktemp("hostile")) as servers:
        yield servers
