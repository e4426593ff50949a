"""One sshd for the suite, and the two transports that have to pass it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile import Hostile, lurking
from sshd import Server, serve

from nicassh.inventory import Node


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd that lets the tests in."""
    with serve(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture(params=["local", "libssh2"])
def node(request: pytest.FixtureRequest) -> Node:
    """This machine, reached in each way."""
    if request.param == "local":
        return Node("here", "localhost", transport="local")
    found: Node = request.getfixturevalue("server").node()
    return found


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """All hostile servers."""
    with lurking(tmp_path_factory.mktemp("hostile")) as servers:
        yield servers
