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
from nicassh.transport import Connections, Limits, Request


def test_both_streams_arrive_apart(node: Node) -> None:
    response = ask(node, "echo out; echo err >&2")
    assert response.state is State.OK
    assert response.output == b"out\n" + END
    assert response.errors == b"err\n"
    assert response.reason == ""


def test_every_byte_value_arrives_unchanged(node: Node) -> None:
    octal = "".join(f"\\{value:03o}" for value in range(256))
    assert ask(node, f"printf '{octal}'").output == bytes(range(256)) + END


def test_large_output_arrives_whole(node: Node) -> None:
    response = ask(node, "head -c 5000000 /dev/zero | tr '\\000' x")
    assert response.state is State.OK
    assert response.output == b"x" * 5_000_000 + END


def test_large_script_is_read_whole(node: Node) -> None:
    padding = "# a comment that makes the script long\n" * 10_000
    assert ask(node, padding + "echo reached").output == b"reached\n" + END


def test_script_without_its_end_is_truncated(node: Node) -> None:
    response = ask(node, "echo some; exit 0")
    assert (response.state, response.output) == (State.TRUNCATED, b"some\n")
    assert "before the answer was complete" in response.reason


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_endless_output_is_cut(node: Node, stream: str) -> None:
    start = time.monotonic()
    response = ask(node, f"yes{stream}", size=1_000_000)
    assert response.state is State.TRUNCATED
    assert response.reason == "the node sent more than 977 K"
    assert 1_000_000 < len(response.output) + len(response.errors) < 1_300_000
    assert time.monotonic() - start < 5


def test_deadline_holds_and_keeps_what_came(node: Node) -> None:
    start = time.monotonic()
    response = ask(node, "echo before; sleep 60", timeout=1.5)
    assert 1.4 < time.monotonic() - start < 2.5
    assert (response.state, response.output) == (State.TIMEOUT, b"before\n")


def test_child_that_keeps_the_streams_open_delays_nothing(node: Node) -> None:
    start = time.monotonic()
    response = ask(node, "sleep 20 & echo here")
    assert response.state is State.OK
    assert time.monotonic() - start < 3


def test_child_that_goes_on_talking_delays_nothing(node: Node) -> None:
    start = time.monotonic()
    response = ask(node, "(while echo more; do sleep 0.2; done) >&2 & echo here", timeout=20.0)
    assert response.state is State.OK
    assert time.monotonic() - start < 10


def test_script_has_no_terminal_and_its_own_session(node: Node) -> None:
    response = ask(node, "tty; read -r stat </proc/$$/stat; set -- ${stat##*) }; echo $$ $4")
    assert (response.state, response.reason) == (State.OK, "")
    words = response.output.split()
    assert words[:3] == [b"not", b"a", b"tty"]
    assert words[3] == words[4]


def test_window_bounds_how_many_run(node: Node, tmp_path: Path) -> None:
    script = (
        f"touch {tmp_path}/$$; ls {tmp_path} | wc -l; sleep 0.3; rm {tmp_path}/$$".encode() + b"\nprintf '\\nend\\n'\n"
    )
    requests = [Request(dataclasses.replace(node, name=f"n{i}"), script, b"\nend\n", 2**23, None) for i in range(9)]
    with Connections(Limits(fanout=3, timeout=20)) as connections:
        counts = [int(response.output.split()[0]) for response in connections.run(requests)]
    assert len(counts) == 9
    assert max(counts) <= 3


def test_replies_come_as_they_arrive_and_starts_are_told(node: Node) -> None:
    begun: list[str] = []
    lock = threading.Lock()

    def told(request: Request[None]) -> None:
        with lock:
            begun.append(request.node.name)

    requests = [
        Request(
            dataclasses.replace(node, name=name), f"sleep {delay}; printf '\\nend\\n'".encode(), b"\nend\n", 2**23, None
        )
        for name, delay in (("slow", 1), ("quick", 0))
    ]
    with Connections(Limits(timeout=10)) as connections:
        order = [response.node.name for response in connections.run(requests, told)]
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

    request = Request(node, b"printf '\\nend\\n'", b"\nend\n", 2**23, None)
    requests = [dataclasses.replace(request, node=dataclasses.replace(node, name=f"n{i}")) for i in range(60)]
    with Connections(Limits(fanout=12, lifetime=0.0)) as connections:  # each request logs in anew
        sizes = []
        for _ in range(4):
            assert {response.state for response in connections.run(requests)} == {State.OK}
            gc.collect()
            sizes.append(_resident())
    assert sizes[-1] - sizes[-2] < 300_000


def _resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
