"""What goes wrong on real farms: hidden processes, a hung agent, overtaken collections, dying nodes, a full disk."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from program import Program, add_probe
from sshd import generate

import needs
from nicassh import demo
from nicassh.demo.farm import Farm
from nicassh.probes.loader import load_all


def test_hidden_processes_are_no_empty_list(farm: Farm, nicamon: Program) -> None:
    farm.enter("nc8", ["mount", "-o", "remount,hidepid=2", "/proc"])
    try:
        for words in (["procs"], ["procs", "--cached"]):
            nicamon("collect", "-n", "nc8")
            said = nicamon(*words, "--node", "nc8").stdout
            assert re.search(
                r"no matching processes; \d+ of \d+ threads visible on nc8.jinr.ru \(hidepid\)$", said.strip()
            )
        (row,) = nicamon.rows("show", "farm", "-n", "nc8")
        assert (row["nproc"], row["activity"]) == (None, None)
        assert row["state"] == "up" and re.search(r"processes: \d+ of \d+ threads visible", row["reason"])
    finally:
        farm.enter("nc8", ["mount", "-o", "remount,hidepid=0", "/proc"])


def test_hung_agent_costs_its_deadline_and_nobody_else(farm: Farm, tmp_path: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    text = farm.inventory.read_text().replace(f'identity = "{farm.key}"', f'identity = "{tmp_path}/stranger"')
    (tmp_path / "inventory.toml").write_text(text)
    (tmp_path / "nicamon.toml").write_text(
        f'database = "sqlite:///{tmp_path}/nicamon.db"\nconnect_timeout = 5\ntimeout = 8\n'
    )
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        start = time.monotonic()
        done = Program(tmp_path / "nicamon.toml")("collect", code=1, SSH_AUTH_SOCK=str(tmp_path / "agent"))
        assert time.monotonic() - start < 6
    assert done.stderr.startswith("nc[2-15].jinr.ru: auth failed: ")
    assert "the agent does not answer" in done.stderr


def stored(nicamon: Program, table: str) -> int:
    """Return how many rows of nc2 a table has."""
    try:
        with closing(sqlite3.connect(f"file:{nicamon.config.parent}/nicamon.db?mode=ro", uri=True)) as database:
            (number,) = database.execute(f"SELECT count(*) FROM {table} WHERE node = 'nc2.jinr.ru'").fetchone()
    except sqlite3.OperationalError:  # it is being made
        return 0
    return int(number)


def test_slow_collection_does_not_overwrite_newer_rows(farm: Farm, nicamon: Program) -> None:
    """A node that died keeps a collection of all nodes busy while another one, of a single node, overtakes it."""
    every = 1 + sum(probe.where == "nodes" for probe in load_all())  # the login is one
    inventory = nicamon.config.parent / "dead.toml"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        inventory.write_text(f'[[nodes]]\nnames = "dead"\naddress = "127.0.0.1"\nport = {port}\nssh_config = "none"\n')
        nicamon.config.write_text(
            f'database = "sqlite:///{nicamon.config.parent}/nicamon.db"\n'
            f'inventory = ["{farm.inventory}", "dead.toml"]\nconnect_timeout = 25\n'
        )
        slow = subprocess.Popen(
            [sys.executable, "-m", "nicassh", "collect"], env=os.environ | {"NICAMON_CONFIG": str(nicamon.config)},
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        needs.until(lambda: stored(nicamon, "outcomes") == every)
        nicamon("collect", "-n", "nc2")
        assert slow.poll() is None, "it is still at work"
        newer = nicamon.rows("show", "farm", "-n", "nc2")[0]["updated"]
        slow.wait(60)
    assert nicamon.rows("show", "farm", "-n", "nc2")[0]["updated"] == newer
    assert stored(nicamon, "load_series") == 2
    with sqlite3.connect(nicamon.config.parent / "nicamon.db") as database:
        broken = "SELECT count(*) FROM outcomes_intervals WHERE until < since"
        assert database.execute(broken).fetchone() == (0,)


def test_node_that_dies_in_mid_run_is_told(farm: Farm, nicamon: Program) -> None:
    add_probe(nicamon, "nap", "sleep 3; echo 1\n", 10)
    running = subprocess.Popen(
        [sys.executable, "-m", "nicassh", "collect", "--now"],
        env=os.environ | {"NICAMON_CONFIG": str(nicamon.config)},
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    needs.until(lambda: farm.enter("nc14", ["pgrep", "-f", "^sleep 3"]).stdout)
    os.kill(farm.node("nc14").pid, signal.SIGKILL)
    try:
        said = running.communicate(timeout=90)[1].decode()
        assert "nc14.jinr.ru: " in said
        rows = {row["node"]: row for row in nicamon.rows("show", "farm")}
        assert rows["nc14.jinr.ru"]["state"] == "down"
        assert [row["state"] for name, row in rows.items() if name != "nc14.jinr.ru"] == ["up"] * 13
    finally:
        demo.up(farm.folder)


def test_full_disk_is_told_and_loses_nothing(nicamon: Program, tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=True)
    try:
        database = {"NICAMON_DATABASE": f"sqlite:///{place}/nicamon.db"}
        nicamon("collect", "-n", "nc2", **database)
        before = nicamon("show", "load", "--ndjson", "--columns", "node,load1,updated", **database).stdout
        with suppress(OSError), (place / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)
        done = nicamon("collect", code=3, **database)
        assert "full" in done.stderr or "I/O" in done.stderr
        (place / "filler").unlink()
        after = nicamon("show", "load", "--ndjson", "--columns", "node,load1,updated", **database).stdout
        assert after == before != ""
        needs.next_second()
        nicamon("collect", **database)
    finally:
        subprocess.run(["umount", place], check=True)
