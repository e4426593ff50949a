"""`nicamon run` on 14 nodes, of which one is dead and one hangs."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program

import needs
from nicassh.demo import layers
from nicassh.demo.farm import Farm

ALL = "@*!nc[14-15]"
ODD = "case $(hostname) in nc9.*) echo odd; echo sorry >&2; exit 3 ;; *) echo even ;; esac"


@pytest.fixture
def nicamon(farm: Farm, tmp_path: Path) -> Iterator[Program]:
    """The program with twelve nodes of the farm, one that nobody is at, and one that takes a connection and is mute."""
    network = farm.nodes[0].address.rpartition(".")[0]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        (tmp_path / "more.toml").write_text(
            f'[[nodes]]\nnames = "dead"\naddress = "{network}.250"\nssh_config = "none"\n'
            f'[[nodes]]\nnames = "hung"\naddress = "127.0.0.1"\nport = {mute.getsockname()[1]}\nssh_config = "none"\n'
        )
        config = tmp_path / "nicamon.toml"
        config.write_text(f'inventory = ["{farm.inventory}", "more.toml"]\nconnect_timeout = 4\n')
        yield Program(config)


def test_equal_outputs_are_gathered_and_every_failure_is_said(nicamon: Program) -> None:
    done = nicamon("run", ALL, "--", ODD, code=255)
    rule = "-" * 15
    assert done.stdout == (
        f"{rule}\nnc[2-8,10-13].jinr.ru (11)\n{rule}\neven\n{rule}\nnc9.jinr.ru\n{rule}\nodd\n"
    )  # fmt: skip
    assert sorted(done.stderr.splitlines())[1:] == [
        "hung: timeout: connected, but the node sent no SSH greeting",
        "nc9.jinr.ru: exit status 3",
        "nc9.jinr.ru: sorry",
    ]
    assert re.search(
        "^dead: unreachable: no (route to the host|answer to the connection on port 22)$", done.stderr, re.M
    )


def test_rows_for_programs(nicamon: Program) -> None:
    done = nicamon("run", ALL, "--json", "--window", "20", "--", ODD, code=255)
    document = json.loads(done.stdout)
    assert document["schema"] == "nicamon.run/1"
    rows = {row["node"]: row for row in document["rows"]}
    assert len(rows) == 14
    told = {name: (row["status"], row["state"], row["output"], row["error"]) for name, row in rows.items()}
    assert told["nc9.jinr.ru"] == (3, "failed", "odd\n", "sorry")
    assert told["nc2.jinr.ru"] == (0, "ok", "even\n", "")
    assert told["hung"] == (None, "timeout", None, None)
    assert told["dead"] == (None, "unreachable", None, None)
    assert rows["nc2.jinr.ru"]["seconds"] > 0


def test_lines_and_differences(nicamon: Program) -> None:
    done = nicamon("run", "nc[8-9]", "--no-gather", "--", "echo $(hostname); echo; echo two words; echo aside >&2")
    lines = done.stdout.splitlines()
    for name in ("nc8.jinr.ru", "nc9.jinr.ru"):
        own = [line.removeprefix(f"{name}: ") for line in lines if line.startswith(f"{name}: ")]
        assert own == [name, "", "two words"]
        assert f"{name}: aside" in done.stderr.splitlines()
    done = nicamon("run", "-n", "nc[7-9]", "--diff", "--", "printf 'same\\n'; " + ODD, code=3)
    assert done.stdout.splitlines() == [
        "--- nc[7-8].jinr.ru (2)", "+++ nc9.jinr.ru (1)", "@@ -1,2 +1,2 @@", " same", "-even", "+odd",
    ]  # fmt: skip


def test_exit_code_is_the_worst(nicamon: Program, farm: Farm) -> None:
    nicamon("run", "nc[2-3]", "--", "true")
    nicamon("run", "nc[2-3]", "--", "case $(hostname) in nc3*) exit 7 ;; esac; exit 2", code=7)
    done = nicamon("run", "nc[2-3]", "--timeout", "1", "--", "sleep", "4001", code=124)
    assert "nc[2-3].jinr.ru: timeout: ran longer than its 1 s" in done.stderr.splitlines()
    assert "sleep 4001" not in farm.enter("nc2", ["ps", "-e", "-o", "args"]).stdout
    assert "write the command behind --" in nicamon("run", "uptime", code=2).stderr
    assert "cannot be used together" in nicamon("run", "nc2", "--json", "--diff", "--", "true", code=2).stderr
    assert "is empty" in nicamon("run", "nc2", "--", code=2).stderr
    assert "not in the inventory: nc99" in nicamon("run", "nc99", "--", "true", code=2).stderr


def test_key_with_a_forced_shell(nicamon: Program, farm: Farm) -> None:
    """As docs/install.md recommends it."""
    keys = f"{layers.OWN}/authorized_keys"
    before = farm.enter("nc9", ["cat", keys]).stdout
    assert before.startswith("ssh-ed25519 ")
    _write(farm, keys, f'restrict,command="exec sh -s" {before}')
    try:
        assert "hello  there" in nicamon("run", "nc9", "--", "echo", "hello  there").stdout
        nicamon("run", "nc9", "--", "exit 9", code=9)
    finally:
        _write(farm, keys, before)


def test_interruption_says_of_whom_nothing_came(nicamon: Program, farm: Farm) -> None:
    line = "case $(hostname) in nc2.*) echo done ;; *) echo begun; sleep 4002 ;; esac"
    process = subprocess.Popen(
        [sys.executable, "-m", "nicassh", "run", "nc[2-3]", "--no-gather", "--", line],
        env={**os.environ, "NICAMON_CONFIG": str(nicamon.config)}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert {process.stdout.readline(), process.stdout.readline()} == {"nc2.jinr.ru: done\n", "nc3.jinr.ru: begun\n"}
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.fullmatch(
        r"interrupted: (1 of 2 nodes had ended; no result from nc3|0 of .* from nc\[2-3\])\.jinr\.ru\n", errors
    )
    needs.until(lambda: "sleep 4002" not in farm.enter("nc3", ["ps", "-e", "-o", "args"]).stdout)


def _write(farm: Farm, file: str, text: str) -> None:
    done = farm.enter("nc9", ["sh", "-c", 'cat >"$1"', "x", file], text=text)
    assert done.returncode == 0, done.stderr
