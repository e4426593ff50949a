"""Sessions kept for the next run: which are used again, which never, and what is told where the node let one go."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from asking import request
from sshd import Server, serve

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits, Response

WHO = "echo ${SSH_CONNECTION% * *} $PPID"
"""Says which connection a script came over, and which process serves it."""


@pytest.fixture
def connections() -> Iterator[Connections]:
    """Connections with short deadlines."""
    with Connections(Limits(timeout=6, connect_timeout=2)) as opened:
        yield opened


def ask(connections: Connections, node: Node, script: str = WHO, size: int = 2**23) -> Response:
    """The response to one run of one request."""
    (response,) = connections.run([request(node, script, size)])
    return response


def who(connections: Connections, node: Node) -> tuple[bytes, int]:
    """The connection and the pid of a node's session, used now."""
    response = ask(connections, node)
    assert (response.state, response.reason) == (State.OK, "")
    line, _, pid = response.output.splitlines()[0].rpartition(b" ")
    return line, int(pid)


def test_one_login_serves_many_runs(connections: Connections, server: Server) -> None:
    node = server.node()
    assert len({who(connections, node) for _ in range(4)}) == 1
    with Connections(Limits()) as others:
        assert who(others, node) != who(connections, node)


def test_failed_script_is_no_fault_of_the_session(connections: Connections, server: Server) -> None:
    node = server.node()
    before = who(connections, node)
    assert ask(connections, node, "false; (exit 3); echo late >&2").state is State.OK
    assert who(connections, node) == before


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("sleep 60", State.TIMEOUT),
        ("echo some; exit 0", State.TRUNCATED),
        ("kill -9 $PPID; sleep 5", State.TRUNCATED),
        ("yes", State.TRUNCATED),
        ("sleep 20 & echo", State.OK),
        ("exec 3>&1; (sleep 20 >&3 2>&1) & exec 2>&-", State.OK),
    ],
)
def test_session_in_disorder_is_not_used_again(server: Server, script: str, state: State) -> None:
    node = server.node()
    with Connections(Limits(timeout=6)) as connections:
        before = who(connections, node)
        assert ask(connections, node, script, size=100_000).state is state
        assert who(connections, node) != before


def test_session_that_the_node_closed_is_made_anew(connections: Connections, server: Server) -> None:
    node = server.node()
    before = who(connections, node)
    os.kill(before[1], signal.SIGKILL)
    wait_for_end(before[1])
    assert who(connections, node) != before


def test_session_is_used_again_though_the_node_said_something_meanwhile(tmp_path: Path) -> None:
    with (
        serve(tmp_path, "ClientAliveInterval 1", "ClientAliveCountMax 20") as asking,
        Connections(Limits()) as connections,
    ):
        before = who(connections, asking.node())
        time.sleep(2.2)
        assert who(connections, asking.node()) == before


def test_node_that_hung_up_after_some_words_is_logged_in_anew(tmp_path: Path) -> None:
    with (
        serve(tmp_path, "ClientAliveInterval 1", "ClientAliveCountMax 1") as strict,
        Connections(Limits()) as connections,
    ):
        before = who(connections, strict.node())
        wait_for_end(before[1])
        assert who(connections, strict.node()) != before


def test_session_ends_with_its_lifetime(server: Server) -> None:
    node = server.node()
    with Connections(Limits(lifetime=0.3)) as connections:
        before = who(connections, node)
        time.sleep(0.4)
        assert ask(connections, Node("here", "localhost", transport="local")).state is State.OK
        assert ask(connections, server.node("other")).state is State.OK  # whichever node a run is for
        wait_for_end(before[1])
        assert who(connections, node) != before


def test_session_is_not_used_for_a_record_that_changed(
    connections: Connections, server: Server, tmp_path: Path
) -> None:
    node = server.node()
    before = who(connections, node)
    assert who(connections, replace(node, groups=("batch",), role="batch")) == before
    shutil.copy(server.folder / "client", tmp_path / "key")
    assert who(connections, replace(node, identity=(tmp_path / "key",))) != before
    refused = replace(node, known_hosts=(tmp_path / "nothing",))
    assert ask(connections, refused).state is State.HOST_KEY_UNKNOWN
    assert ask(connections, replace(node, needs="ProxyJump")).state is State.UNREACHABLE
    assert who(connections, node) == before


def test_host_key_that_changed_is_refused_at_the_next_login(connections: Connections, tmp_path: Path) -> None:
    with serve(tmp_path / "old") as old:
        node = old.node()
        before = who(connections, node)
    (tmp_path / "new").mkdir()
    for name in ("client", "client.pub"):
        shutil.copy(tmp_path / "old" / name, tmp_path / "new" / name)
    with serve(tmp_path / "new", port=old.port) as new:
        assert who(connections, node) == before  # it is still the session of the server that we know
        os.kill(before[1], signal.SIGKILL)
        wait_for_end(before[1])
        assert ask(connections, node).state is State.HOST_KEY_CHANGED
        node.known_hosts[0].write_text(f"[127.0.0.1]:{new.port} {new.public()}\n")
        assert who(connections, node) != before  # files are read again for each run


def test_node_that_went_down_is_refused(connections: Connections, tmp_path: Path) -> None:
    with serve(tmp_path) as going:
        pid = who(connections, going.node())[1]
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    response = ask(connections, going.node())
    assert (response.state, response.reason) == (State.REFUSED, f"nothing listens on port {going.port}")


def test_node_that_died_without_a_word_is_unreachable(connections: Connections, server: Server) -> None:
    with Relay(server.port) as relay:
        known = server.folder / "relayed"
        known.write_text(f"127.0.0.1 {server.public()}\n")
        node = server.node(port=relay.port, known_hosts=(known,))
        assert who(connections, node) == who(connections, node)
        relay.die()
        response = ask(connections, node)
    assert (response.state, response.reason) == (State.UNREACHABLE, f"no answer to the connection on port {relay.port}")
    assert response.output == b""


def wait_for_end(pid: int) -> None:
    """Waits until a process is gone and its connection closed."""
    for _ in range(500):
        with suppress(FileNotFoundError, ProcessLookupError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
                continue
        return
    pytest.fail(f"process {pid} lives on")


class Relay:
    """A way to a server that can die like a machine without power: no word to anybody, no answer to a knock."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.dead = False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = int(self.listener.getsockname()[1])
        self.sockets = [self.listener]
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> Relay:
        self._thread(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(5)
        for each in self.sockets:
            each.close()

    def die(self) -> None:
        """Swallows all that comes, and lets the queue of those who knock run full."""
        self.dead = True
        for _ in range(4):
            knock = socket.socket()
            knock.setblocking(False)
            knock.connect_ex(("127.0.0.1", self.port))
            self.sockets.append(knock)

    def _serve(self) -> None:
        client = self.listener.accept()[0]
        server = socket.create_connection(("127.0.0.1", self.target))
        self.sockets += [client, server]
        self._thread(self._pump, client, server)
        self._thread(self._pump, server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not self.dead:
                    sink.sendall(data)

    def _thread(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self.threads.append(thread)
        thread.start()
