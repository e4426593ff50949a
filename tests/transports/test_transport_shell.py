"""A shell that gives the script no chance: how it ended, and what it said."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from accounts import accounts
from asking import ask
from sshd import Server, serve

import needs
from nicassh.inventory import Node
from nicassh.model.outcome import State

ENDED = "its shell ended with exit status {} before the answer was complete"
SHELLS = {"plain": "/bin/sh", "barred": "/usr/sbin/nologin", "mute": "/bin/false", "old": "/bin/sh"}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that other accounts may enter."""
    needs.root("accounts of a test's own")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def peopled(place: Path) -> Iterator[Server]:
    """A server with accounts of all kinds, judged by PAM."""
    with serve(place / "sshd", "UsePAM yes", within=accounts(place, SHELLS, expired="old")) as running:
        yield running


@pytest.mark.parametrize(
    ("user", "status", "words"),
    [
        ("barred", 1, "This account is currently not available."),
        ("mute", 1, ""),
        ("old", 1, "Password change required but no TTY available."),
    ],
)
def test_account_that_runs_no_command_says_why(peopled: Server, user: str, status: int, words: str) -> None:
    response = ask(peopled.node(user=user), "echo here")
    assert response.state is State.FAILED
    assert response.reason == ENDED.format(status) + (f"; it said: {words}" if words else "")


def test_account_that_pam_refuses_had_the_right_key(peopled: Server, place: Path) -> None:
    assert ask(peopled.node(user="plain"), "true").state is State.OK
    closed = place / "closed"
    closed.write_text("work on the machine until noon\n")
    try:
        response = ask(peopled.node(user="plain"), "true")
    finally:
        closed.unlink()
    assert response.state is State.AUTH_FAILED
    words = f"the key {peopled.folder}/client was accepted, then the node closed the connection: does its PAM refuse"
    assert words in response.reason


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("internal-sftp", 1, "This service allows sftp connections only."),
        ("echo first; echo the last word; exit 3", 3, "the last word"),
        ("echo aside; printf 'odd \\033[2J words\\r\\n\\n' >&2; exit 4", 4, "odd ␛[2J words"),
        ("head -c 300000 /dev/zero | tr '\\0' x; exit 5", 5, "x" * 199 + "…"),
        ("nosuchprogram", 127, "nosuchprogram: not found"),
        ("exec prlimit --nproc=0:0 dash -s", 2, "Cannot fork"),
        ("exit 6", 6, ""),
    ],
)
def test_forced_command_is_known_by_its_words(place: Path, command: str, status: int, words: str) -> None:
    folder = Path(tempfile.mkdtemp(dir=place))
    folder.chmod(0o755)
    with serve(folder, f"ForceCommand {command}", within=accounts(place, SHELLS)) as forced:
        response = ask(forced.node(user="plain"), "(echo here)")
    assert response.state is State.FAILED
    assert response.reason.startswith(ENDED.format(status))
    assert response.reason.endswith(words)
    assert ("; it said: " in response.reason) == bool(words)


def test_session_that_is_not_opened_is_told(tmp_path: Path) -> None:
    with serve(tmp_path / "sshd", "MaxSessions 0") as closed:
        response = ask(closed.node(), "true")
    assert response.state is State.FAILED
    assert response.reason.startswith("logged in, but the node opens no session (MaxSessions?): Channel open failure")


def test_command_that_only_waits_ends_with_its_words(tmp_path: Path) -> None:
    with serve(tmp_path / "sshd", "ForceCommand echo the disk is full >&2; exec sleep 60") as waiting:
        start = time.monotonic()
        response = ask(waiting.node(), "true", timeout=6.0)
    assert (response.state, time.monotonic() - start < 15) == (State.TIMEOUT, True)
    assert response.reason == "the answer was not complete in time; it said: the disk is full"


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        ("echo sorry >&2; exit 3", State.FAILED, "exit status 3 before the answer was complete; it said: sorry"),
        ("kill -9 $$", State.TRUNCATED, "killed"),
        ("echo the mark of the; exit 3", State.FAILED, "exit status 3 before the answer was complete"),
    ],
)
def test_end_of_a_script_that_did_not_finish(node: Node, script: str, state: State, words: str) -> None:
    response = ask(node, script)
    assert response.state is state
    assert "before the answer was complete" in response.reason
    assert response.reason.endswith(words) or words == "killed" in response.reason


def test_words_of_a_script_that_finished_are_no_reason(node: Node) -> None:
    response = ask(node, "echo oops >&2; sleep 0")
    assert (response.state, response.reason) == (State.OK, "")
