"""Connections in the life of a collector: stopped in the middle, left early, run many times, beside other threads."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from asking import request
from sshd import Server

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits, Request

HERE = Path(__file__).parent


def requests(node: Node, count: int, script: str) -> list[Request]:
    """The same script for that many nodes; `NAME` in it stands for the node's name."""
    names = [f"n{index}" for index in range(count)]
    return [request(replace(node, name=name), script.replace("NAME", name)) for name in names]


def descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_stop_lets_those_under_way_finish_and_leaves_the_others_out(node: Node, tmp_path: Path) -> None:
    with Connections(Limits(fanout=2, timeout=10)) as connections:
        asked = requests(node, 8, f"touch {tmp_path}/NAME; sleep 0.5")
        run = connections.run(asked, lambda _request: connections.stop())
        assert [(response.node.name, response.state) for response in run] == [("n0", State.OK)]
        assert [file.name for file in tmp_path.iterdir()] == ["n0"]
        assert list(connections.run(requests(node, 2, "true"))) == []


@contextmanager
def alarm(seconds: float, connections: Connections) -> Iterator[None]:
    """Calls `stop` in a handler of a signal, so much later."""
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: connections.stop())
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_stop_in_a_handler_of_a_signal(node: Node, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/NAME; while ! [ -e {tmp_path}/go ]; do sleep 0.1; done"
    with Connections(Limits(fanout=3, timeout=20)) as connections, alarm(0.8, connections):
        threading.Timer(1.6, (tmp_path / "go").touch).start()
        responses = list(connections.run(requests(node, 9, script)))
    assert [response.state for response in responses] == [State.OK] * 3
    assert {file.name for file in tmp_path.iterdir()} == {"n0", "n1", "n2", "go"}


def test_run_that_is_left_early_begins_nothing_more(node: Node) -> None:
    begun: list[str] = []
    with Connections(Limits(fanout=2, timeout=30)) as connections:
        asked = [*requests(node, 1, "true"), *requests(node, 9, "sleep 20")[1:]]
        run = connections.run(asked, lambda request: begun.append(request.node.name))
        assert next(run).node.name == "n0"
        run.close()  # type: ignore[attr-defined]
        count = len(begun)
        start = time.monotonic()
        assert [response.state for response in connections.run(requests(node, 6, "sleep 0.2"))] == [State.OK] * 6
    assert len(begun) == count <= 3
    assert time.monotonic() - start < 10


def test_another_thread_works_while_nodes_are_awaited(node: Node, tmp_path: Path) -> None:
    """What a node waits for here is done by a thread: it would never come were the interpreter held."""
    awaited = threading.Event()

    def work() -> None:
        awaited.wait(5)
        for step in range(50):
            (tmp_path / f"{step}").touch()

    thread = threading.Thread(target=work)
    thread.start()
    with Connections(Limits(timeout=8)) as connections:
        script = f"while ! [ -e {tmp_path}/49 ]; do sleep 0.1; done"
        asked = requests(node, 2, script)
        states = [response.state for response in connections.run(asked, lambda _request: awaited.set())]
    thread.join()
    assert states == [State.OK] * 2


def test_no_descriptor_is_left_by_fifty_runs(node: Node) -> None:
    with Connections(Limits()) as connections:
        list(connections.run(requests(node, 1, "true")))  # opens what stays open for good
    before = descriptors()
    with Connections(Limits()) as connections:
        for _ in range(50):
            assert [response.state for response in connections.run(requests(node, 1, "true"))] == [State.OK]
        assert descriptors() <= before + 5  # those of the event loop among them
    assert descriptors() <= before


def test_twenty_nodes_are_logged_in_once_for_ten_runs(server: Server) -> None:
    before = descriptors()
    script = "echo NAME ${SSH_CONNECTION% * *}"
    with Connections(Limits(fanout=7)) as connections:
        answers = [
            {response.output.splitlines()[0] for response in connections.run(requests(server.node(), 20, script))}
            for _ in range(10)
        ]
        assert len(answers[0]) == 20
        assert all(answer == answers[0] for answer in answers)
        twice = requests(server.node(), 2, script) * 3
        assert [response.state for response in connections.run(twice)] == [State.OK] * 6
        assert descriptors() <= before + 24  # 20 sessions, and the event loop
    assert descriptors() <= before + 1


def test_mixed_runs_leave_no_thread_behind(server: Server) -> None:
    here = Node("here", "localhost", transport="local")
    for _ in range(3):
        with Connections(Limits()) as connections:
            both = [request(here, "true"), *requests(server.node(), 1, "true")]
            assert [response.state for response in connections.run(both)] == [State.OK] * 2
            list(connections.run(requests(here, 12, "true") + requests(server.node(), 1, "true")))
    assert len(list(Path("/proc/self/task").iterdir())) < 12


@pytest.mark.parametrize("ending", ["deadline", "early"])
def test_session_that_ends_says_nothing_into_the_descriptor_of_another(server: Server, ending: str) -> None:
    """libssh2 closes a channel that is freed, through a descriptor that may be somebody else's by then."""
    with Connections(Limits(timeout=5.0)) as connections:
        run = connections.run([*requests(server.node(), 1, "true"), *requests(server.node(), 8, "sleep 60")[1:]])
        assert next(run).state is State.OK
        if ending == "deadline":
            assert {response.state for response in run} == {State.TIMEOUT}
        else:
            run.close()  # type: ignore[attr-defined]
        pairs = [socket.socketpair() for _ in range(10)]
        del run
        gc.collect()
    gc.collect()
    for one, other in pairs:
        for end in (one, other):
            end.setblocking(False)
            with pytest.raises(BlockingIOError):
                end.recv(100)
    for pair in pairs:
        for end in pair:
            end.close()


ROOM = """
import os, sys
from dataclasses import replace
from pathlib import Path
from asking import request
from nicassh.inventory import Node
from nicassh.transport import Connections, Limits

node = Node("here", "127.0.0.1", int(sys.argv[1]), user=sys.argv[2], identity=(Path(sys.argv[3]),),
            known_hosts=(Path(sys.argv[4]),))
opened = lambda: sum(os.readlink(file).startswith("socket:") for file in Path("/proc/self/fd").iterdir()
                     if file.is_symlink())
with Connections(Limits(fanout=32)) as connections:
    def run(*names):
        script = "echo ${SSH_CONNECTION% * *}"
        responses = list(connections.run([request(replace(node, name=name), script) for name in names]))
        assert {response.state for response in responses} == {"ok"}, responses
        assert opened() <= 4, opened()
        return {response.node.name: response.output.splitlines()[0] for response in responses}
    run(*(f"n{index}" for index in range(9)))
    last = {name: run(name)[name] for name in "abcd"}
    assert run("a") == {"a": last["a"]}
    run("e")
    assert run("a") == {"a": last["a"]}
    assert run("d") == {"d": last["d"]}
    assert run("b") != {"b": last["b"]}
"""


def test_sessions_are_no_more_than_descriptors_the_least_used_goes_first(server: Server) -> None:
    node = server.node()
    command = [sys.executable, "-c", ROOM, str(node.port), node.user or "", str(node.identity[0])]
    limited = ["sh", "-c", 'ulimit -n 28; exec "$@"', "sh", *command, str(node.known_hosts[0])]
    done = subprocess.run(limited, env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
