"""What every transport keeps, whichever way it reaches a node."""

from __future__ import annotations

import dataclasses
import gc
import os
import threading
import time
from pathlib import Path

import pytest
from asking import END, ask

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits, Task


def test_both_streams_arrive_apart(node: Node) -> None:
    reply = ask(node, "echo out; echo err >&2")
    assert reply.state is State.OK
    assert reply.output == b"out\n" + END
    assert reply.errors == b"err\n"
    assert reply.reason == ""


def test_every_byte_value_arrives_unchanged(node: Node) -> None:
    octal = "".join(f"\\{value:03o}" for value in range(256))
    assert ask(node, f"printf '{octal}'").output == bytes(range(256)) + END


def test_large_output_arrives_whole(node: Node) -> None:
    reply = ask(node, "head -c 5000000 /dev/zero | tr '\\000' x")
    assert reply.state is State.OK
    assert reply.output == b"x" * 5_000_000 + END


def test_large_script_is_read_whole(node: Node) -> None:
    padding = "# a comment that makes the script long\n" * 10_000
    assert ask(node, padding + "echo reached").output == b"reached\n" + END


def test_script_without_its_end_is_truncated(node: Node) -> None:
    reply = ask(node, "echo some; exit 0")
    assert (reply.state, reply.output) == (State.TRUNCATED, b"some\n")
    assert "before the answer was complete" in reply.reason


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_endless_output_is_cut(node: Node, stream: str) -> None:
    start = time.monotonic()
    reply = ask(node, f"yes{stream}", size=1_000_000)
    assert reply.state is State.TRUNCATED
    assert reply.reason == "the node sent more than 977 K"
    assert 1_000_000 < len(reply.output) + len(reply.errors) < 1_300_000
    assert time.monotonic() - start < 5


def test_deadline_holds_and_keeps_what_came(node: Node) -> None:
    start = time.monotonic()
    reply = ask(node, "echo before; sleep 60", timeout=1.5)
    assert 1.4 < time.monotonic() - start < 2.5
    assert (reply.state, reply.output) == (State.TIMEOUT, b"before\n")


def test_child_that_keeps_the_streams_open_delays_nothing(node: Node) -> None:
    start = time.monotonic()
    reply = ask(node, "sleep 20 & echo here")
    assert reply.state is State.OK
    assert time.monotonic() - start < 3


def test_child_that_goes_on_talking_delays_nothing(node: Node) -> None:
    start = time.monotonic()
    reply = ask(node, "(while echo more; do sleep 0.2; done) >&2 & echo here", timeout=20.0)
    assert reply.state is State.OK
    assert time.monotonic() - start < 10


def test_script_has_no_terminal_and_its_own_session(node: Node) -> None:
    reply = ask(node, "tty; read -r stat </proc/$$/stat; set -- ${stat##*) }; echo $$ $4")
    assert (reply.state, reply.reason) == (State.OK, "")
    words = reply.output.split()
    assert words[:3] == [b"not", b"a", b"tty"]
    assert words[3] == words[4]


def test_window_bounds_how_many_run(node: Node, tmp_path: Path) -> None:
    script = (
        f"touch {tmp_path}/$$; ls {tmp_path} | wc -l; sleep 0.3; rm {tmp_path}/$$".encode() + b"\nprintf '\\nend\\n'\n"
    )
    tasks = [Task(dataclasses.replace(node, name=f"n{i}"), script, b"\nend\n") for i in range(9)]
    with Connections(Limits(fanout=3, timeout=20)) as connections:
        counts = [int(reply.output.split()[0]) for reply in connections.run(tasks)]
    assert len(counts) == 9
    assert max(counts) <= 3


def test_replies_come_as_they_arrive_and_starts_are_told(node: Node) -> None:
    begun: list[str] = []
    lock = threading.Lock()

    def told(task: Task) -> None:
        with lock:
            begun.append(task.node.name)

    tasks = [
        Task(dataclasses.replace(node, name=name), f"sleep {delay}; printf '\\nend\\n'".encode(), b"\nend\n")
        for name, delay in (("slow", 1), ("quick", 0))
    ]
    with Connections(Limits(timeout=10)) as connections:
        order = [reply.node.name for reply in connections.run(tasks, told)]
    assert order == ["quick", "slow"]
    assert sorted(begun) == ["quick", "slow"]


def test_no_descriptor_is_left_open(node: Node) -> None:
    ask(node, "true")  # opens what stays open for good: the event loop
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        ask(node, "true")
        ask(node, "sleep 5", timeout=0.3)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_no_memory_is_kept_of_a_session(node: Node) -> None:
    """libssh2 frees a session only when it has nothing left to say; 11 KiB a login were lost once."""

    def ask_all() -> None:
        task = Task(node, b"printf '\\nend\\n'", b"\nend\n")
        tasks = [dataclasses.replace(task, node=dataclasses.replace(node, name=f"n{i}")) for i in range(60)]
        with Connections(Limits(fanout=12)) as connections:
            assert {reply.state for reply in connections.run(tasks)} == {State.OK}
        gc.collect()

    ask_all()
    before = _resident()
    ask_all()
    assert _resident() - before < 300_000


def _resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
