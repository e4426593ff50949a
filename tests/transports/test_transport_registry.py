"""The list of transports: every entry is one, and an entry is all that a further one needs."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from nicassh.inventory import Node, load
from nicassh.inventory.transports import TRANSPORTS
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits, Request, Response
from nicassh.transport.base import Listener


class Echo:
    """A transport that gives the script back."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def refresh(self) -> None:
        """Nothing was read."""

    def check(self, node: Node) -> None:
        """Nothing can be wrong."""

    def submit(self, request: Request[str], _heard: Listener | None = None) -> Future[Response[str]]:
        """Answers at once."""
        future: Future[Response[str]] = Future()
        future.set_result(Response(request.node, State.OK, "", request.script, b"", 0.0, request.context))
        return future

    def stalled(self) -> float:
        """It stands still, as one can see."""
        return 7.0

    def interrupt(self) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is open."""


def test_a_file_and_an_entry_make_a_transport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSPORTS, "echo", f"{__name__}:Echo")
    (tmp_path / "inventory.toml").write_text(
        '[[nodes]]\nnames = "far"\ntransport = "echo"\n[[nodes]]\nnames = "here"\ntransport = "local"\n'
    )
    far, here = load([tmp_path / "inventory.toml"]).nodes.values()
    with Connections(Limits()) as connections:
        script = b"printf '\\nend\\n'"
        asked = [Request(node, script, b"\nend\n", 1000, node.name.upper()) for node in (far, here)]
        found = {response.context: response.output for response in connections.run(asked)}
        assert found == {"FAR": script, "HERE": b"\nend\n"}
        assert connections.stalled() == 7.0


def test_error_in_a_transport_is_raised_and_leaves_nothing_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Echo, _request: Request[str], _heard: Listener | None = None) -> Future[Response[str]]:
        future: Future[Response[str]] = Future()
        future.set_exception(ZeroDivisionError("a mistake of ours"))
        return future

    monkeypatch.setitem(TRANSPORTS, "echo", f"{__name__}:Echo")
    monkeypatch.setattr(Echo, "submit", broken)
    here, far = Node("here", "", transport="local"), Node("far", "", transport="echo")
    with Connections(Limits()) as connections:
        asked = [Request(here, b"sleep 60", b"\nend\n", 1000, ""), Request(far, b"", b"", 1000, "")]
        with pytest.raises(ZeroDivisionError):
            list(connections.run(asked))
        good = Request(here, b"printf '\\nend\\n'", b"\nend\n", 1000, "")
        assert [response.state for response in connections.run([good])] == [State.OK]


def test_a_caller_who_does_not_come_back_holds_all_up() -> None:
    here = Node("here", "", transport="local")
    with Connections(Limits()) as connections:
        asked = [Request(here, b"printf '\\nend\\n'", b"\nend\n", 1000, "")] * 2
        run = connections.run(asked)
        next(run)
        deadline = time.monotonic() + 10
        while connections.stalled() < 0.05:
            assert time.monotonic() < deadline
        assert len(list(run)) == 1
        assert connections.stalled() == 0.0
