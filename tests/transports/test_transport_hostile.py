"""Hostile nodes, one for each way to send without end or not at all: the good ones beside them are not held up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hostile import Hostile
from hostile_servers import BEFORE, LOUD
from sshd import Server

from nicassh.transport.libssh2.failures import LATE

HERE = Path(__file__).parent
DELAY = 2.0
"""Seconds that a hostile node may cost the others."""
MEMORY = 64 * 2**20
CUT = ("more bytes than it may", LATE["key exchange"][1])
REASONS = {
    "lines": ("a line before the greeting",), "empty lines": ("and no SSH greeting",), "one line": ("it said: xxxx",),
    "ignore": CUT, "small ignore": CUT, "debug": CUT, "huge packet": ("key exchange",),
    "silence": (LATE["greeting"][1],), "silence after the banner": (LATE["key exchange"][1],),
    "slow lines": ("it said: x",), "slow banner": ("it said: SSH-",), "slow key exchange": (LATE["key exchange"][1],),
    "silent login": (LATE["authentication"][1],), "slow login": (LATE["authentication"][1],),
    "silent answer": (LATE["answer"][1],), "slow answer": (LATE["answer"][1],),
}  # fmt: skip
"""Words that the reason of each may have. What a flood after the login ends by depends on what libssh2 meets first."""
QUIET = [kind for kind in REASONS if kind.startswith(("silen", "slow"))]


def beside(server: Server, hostile: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Twelve good nodes alone and beside these; each has so many seconds."""
    node = server.node()
    one = {"address": node.address, "port": node.port, "user": node.user}
    files = {"identity": [str(node.identity[0])], "known_hosts": [str(node.known_hosts[0])]}
    good = [{"name": f"good{number}", **one, **files} for number in range(12)]
    done = subprocess.run(
        [sys.executable, str(HERE / "beside.py"), json.dumps(good), json.dumps(hostile), str(seconds)],
        env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def impatient(hostile: Hostile, kind: str) -> dict[str, Any]:
    """A hostile node whose login may take two seconds, so that this suite is quick."""
    return hostile.node(kind) | {"connect_timeout": 2.0}


def unhindered(server: Server, hostile: list[dict[str, Any]], seconds: float = 40) -> dict[str, Any]:
    """The same, and that none was held up; once more where the machine itself was busy."""
    found = beside(server, hostile, seconds)
    if found["beside"] > found["alone"] + DELAY:
        found = beside(server, hostile, seconds)
    assert found["beside"] < found["alone"] + DELAY, found
    assert found["grown"] < MEMORY
    return found


@pytest.mark.parametrize("kind", [kind for kind in (*BEFORE, *LOUD) if kind not in QUIET])
def test_flood_holds_nobody_up_and_is_told(server: Server, hostile: Hostile, kind: str) -> None:
    state, reason = unhindered(server, [impatient(hostile, kind)])["responses"][kind]
    assert state in (("truncated", "timeout") if kind in LOUD else ("unreachable", "timeout"))
    assert any(words in reason for words in REASONS.get(kind, ("",))), reason


def test_silent_and_slow_nodes_hold_nobody_up_and_are_told_apart(server: Server, hostile: Hostile) -> None:
    responses = unhindered(server, [impatient(hostile, kind) for kind in QUIET], 12)["responses"]
    assert {kind: state for kind, (state, _) in responses.items()} == dict.fromkeys(QUIET, "timeout")
    assert all(words in responses[kind][1] for kind in QUIET for words in REASONS[kind]), responses


@pytest.mark.parametrize("kind", ["lines", "small ignore", "small unknown packets", "unknown packets"])
def test_ten_hostile_nodes_at_once(server: Server, hostile: Hostile, kind: str) -> None:
    nodes = [impatient(hostile, kind) | {"name": f"hostile{number}"} for number in range(10)]
    assert len(unhindered(server, nodes)["responses"]) == 10


def test_one_of_each_at_once(server: Server, hostile: Hostile) -> None:
    responses = unhindered(server, [impatient(hostile, kind) for kind in (*BEFORE, *LOUD)])["responses"]
    assert set(responses) == {*BEFORE, *LOUD}
