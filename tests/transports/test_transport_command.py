"""Commands of an operator over every transport: quoting, exit status, limits, and what is left on the node."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sshd import serve

import needs
from nicassh.collection.commands import Command, CommandResult, command_limits, run_command
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport import Connections


def ran(node: Node, *words: str, timeout: int = 20) -> CommandResult:
    """What came of one command on one node."""
    command = Command.of(words, timeout)
    with Connections(command_limits(Config(), None, command)) as connections:
        (result,) = run_command([node], command, connections)
    return result


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["echo a  'b  c' | tr a-c A-C"], "A B  C\n"),
        (["printf", "%s\n", "a  b", "$HOME", "it's | \"x\"", "", "-n"], "a  b\n$HOME\nit's | \"x\"\n\n-n\n"),
        (["cat; read -r word; echo \"<$word>\""], "<>\n"),
        (["exec echo run instead of the shell"], "run instead of the shell\n"),
        (["echo no end of line | tr -d '\\n'"], "no end of line"),
        (["printf 'a\\n\\n'"], "a\n\n"),
        (["printf 'tab\\there\\033[2Jx\\r\\n\\377\\n'"], "tab\there␛[2Jx\n\ufffd\n"),
    ],
)  # fmt: skip
def test_command_arrives_as_it_was_written(node: Node, words: list[str], output: str) -> None:
    result = ran(node, *words)
    assert (result.state, result.status, result.output, result.errors) == (State.OK, 0, output, "")
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("line", "status", "errors"),
    [
        ("echo well; echo sorry >&2; exit 3", 3, "sorry"),
        ("kill -9 $$", 137, ""),
        ("nosuchprogram", 127, "nosuchprogram"),
        ("echo 'no end", 2, "nterminated"),
        ("exit 77", 77, ""),
    ],
)
def test_exit_status_is_that_of_the_command(node: Node, line: str, status: int, errors: str) -> None:
    result = ran(node, line)
    assert (result.state, result.status, result.reason) == (State.FAILED, status, f"exit status {status}")
    assert errors in result.errors
    assert result.exit_code == status


def test_command_that_takes_too_long_is_killed_on_the_node(node: Node, tmp_path: Path) -> None:
    result = ran(node, f"echo before; (sleep 2001; :) & echo $! >{tmp_path}/pid; sleep 2000", timeout=1)
    assert (result.state, result.status, result.exit_code) == (State.TIMEOUT, None, 124)
    assert result.reason == "ran longer than its 1 s"
    assert result.output == "before\n"
    assert is_gone(tmp_path)


def test_endless_output_is_cut_and_said(node: Node) -> None:
    result = ran(node, "yes")
    assert (result.state, result.reason) == (State.TRUNCATED, "the node sent more than 2.0 M")
    assert result.exit_code == 255
    assert result.output.startswith("y\ny\n") and len(result.output) > 1_900_000


def test_lines_are_heard_as_they_come(node: Node, tmp_path: Path) -> None:
    """The command goes on only after its first line was heard."""
    heard: list[tuple[str, bool]] = []
    command = Command(
        f"echo; echo one; echo two >&2; while [ ! -e {tmp_path}/on ]; do sleep 0.05; done; printf end", 20
    )

    def hear(_node: Node, line: str, is_error: bool) -> None:
        heard.append((line, is_error))
        (tmp_path / "on").touch()

    with Connections(command_limits(Config(), None, command)) as connections:
        (result,) = run_command([node], command, connections, heard=hear)
    assert result.is_ok
    assert [line for line, is_error in heard if not is_error] == ["", "one", "end"]
    assert [line for line, is_error in heard if is_error] == ["two"]


def test_interruption_ends_the_command_on_the_node(node: Node, tmp_path: Path) -> None:
    command = Command(f"echo $$ >{tmp_path}/pid; sleep 2000", 60)
    with Connections(command_limits(Config(), None, command)) as connections:
        threading.Thread(
            target=lambda: (needs.until((tmp_path / "pid").exists), connections.stop()), daemon=True
        ).start()
        assert list(run_command([node], command, connections)) == []
    assert is_gone(tmp_path)


def test_key_with_a_forced_shell_runs_any_command(tmp_path: Path) -> None:
    """As docs/install.md recommends it. Another forced command is told by its own words."""
    with serve(tmp_path / "sshd") as server:
        key = (server.folder / "client.pub").read_text()
        (server.folder / "authorized").write_text(f'restrict,command="exec sh -s" {key}')
        result = ran(server.node(), "echo 'this  runs'; exit 4")
        assert (result.status, result.output) == (4, "this  runs\n")
        (server.folder / "authorized").write_text(f'restrict,command="echo only backups; exit 3" {key}')
        refused = ran(replace(server.node(), name="other"), "true")
    assert (refused.state, refused.status, refused.exit_code) == (State.FAILED, None, 255)
    assert refused.reason.endswith("it said: only backups")


def is_gone(folder: Path) -> bool:
    """Wait until the process whose number is in a file has ended."""
    needs.until(lambda: not Path("/proc", (folder / "pid").read_text().strip(), "stat").exists())
    return True
