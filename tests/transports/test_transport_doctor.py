"""`nicamon doctor` finds each planted trouble, says what to do, and finds nothing where all is well."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from program import Program, add_probe
from sshd import Server, generate, serve
from unit_rows import PROBES, login

import needs
from nicassh import tasks
from nicassh.cli import command
from nicassh.store import Store
from nicassh.tasks import TaskList

LOCAL = '[[nodes]]\nnames = "here"\ntransport = "local"\n'
Found = dict[str, dict[str, Any]]


def doctor(folder: Path, code: int) -> Found:
    """What it says of each check; its exit code must be this one."""
    done = CliRunner(env={"NICAMON_CONFIG": f"{folder}/nicamon.toml"}).invoke(
        command, ["doctor", "--json"], catch_exceptions=False
    )
    assert done.exit_code == code, done.output
    rows = {row["check"]: row for row in json.loads(done.stdout)["rows"]}
    assert all(row["advice"] for row in rows.values() if row["state"] in ("warning", "critical"))
    return rows


def set_up(folder: Path, inventory: str, age: float = 0, database: str = "") -> Store:
    """A set-up whose nodes were asked some seconds ago, by a collector that is alive."""
    url = f"sqlite:///{database or folder}/nicamon.db"
    (folder / "nicamon.toml").write_text(f'database = "{url}"\nconnect_timeout = 3\n')
    (folder / "inventory.toml").write_text(inventory)
    store = Store(url, PROBES)
    store.create()
    task_list = TaskList(store.engine)
    task_list.create()
    tasks.register(task_list)
    store.write([login("here", datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=age))])
    return store


def described(name: str, server: Server, **changes: object) -> str:
    """The entry of a node that is this server."""
    node = replace(server.node(), **changes)  # type: ignore[arg-type]
    return (
        f'[[nodes]]\nnames = "{name}"\naddress = "{node.address}"\nport = {node.port}\nuser = "{node.user}"\n'
        f'identity = "{node.identity[0]}"\nknown_hosts = "{node.known_hosts[0]}"\nssh_config = "none"\n'
    )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk with little space."""
    needs.root("mounts a file system")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=9m", "small", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_where_all_is_well(tmp_path: Path, server: Server) -> None:
    set_up(tmp_path, described("here", server))
    found = doctor(tmp_path, 0)
    assert {name: row["state"] for name, row in found.items() if row["state"] != "ok"} == {}
    assert [found[name]["found"].partition(" in ")[0] for name in ("inventory", "host keys", "logins")] == [
        "1 node", "1 node with a known key", "1 node answered",
    ]  # fmt: skip
    assert found["collector"]["found"].startswith("1 collector on ")


def test_troubles_of_nodes_and_disk_at_once(tmp_path: Path, server: Server, small: Path) -> None:
    generate(tmp_path / "stranger", "ed25519")
    other = " ".join((tmp_path / "stranger.pub").read_text().split()[:2])
    (tmp_path / "changed").write_text(f"[127.0.0.1]:{server.port} {other}\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "jump").write_text("ProxyJump bastion\n")
    with ExitStack() as servers:
        early = servers.enter_context(serve(tmp_path / "sshd", f"SetEnv PATH={tmp_path}:/usr/bin:/bin"))
        (tmp_path / "date").write_text("#!/bin/sh\necho $(($(/bin/date +%s) - 7200))\n")
        (tmp_path / "date").chmod(0o755)
        entries = [
            described("here", server), described("changed", server, known_hosts=(tmp_path / "changed",)),
            described("unknown", server, known_hosts=(tmp_path / "empty",)),
            described("denied", server, identity=(tmp_path / "stranger",)), described("early", early),
            '[[nodes]]\nnames = "nosuchname.invalid"\nssh_config = "none"\n',
            '[[nodes]]\nnames = "closed"\naddress = "127.0.0.1"\nport = 1\nssh_config = "none"\n',
            '[[nodes]]\nnames = "behind"\naddress = "127.0.0.1"\nssh_config = "jump"\n',
        ]  # fmt: skip
        set_up(tmp_path, "".join(entries), age=7200, database=str(small))
        add_probe(Program(tmp_path / "nicamon.toml"), "sick", "echo no luck >&2; exit 3\n", 2)
        found = doctor(tmp_path, 1)
    for name, state, words in (
        ("inventory", "warning", "behind: needs the openssh transport"),
        ("names", "critical", "nosuchname.invalid: "),
        ("host keys", "critical", "changed: the host key has changed; unknown: the host key is not in known_hosts"),
        ("logins", "critical", "was refused"),
        ("logins", "critical", "closed: nothing listens on port 1"),
        ("probe run", "warning", "sick: no luck"),
        ("node clocks", "warning", "early: 2 h 00 m behind"),
        ("space", "critical", "are free on its disk"),
        ("collection", "critical", "nothing was collected since 2 h"),
    ):
        assert (found[name]["state"], words in found[name]["found"]) == (state, True), found[name]


def unknown_setting(folder: Path) -> None:
    (folder / "nicamon.toml").write_text("fan_out = 3\n")


def wrong_key(folder: Path) -> None:
    (folder / "inventory.toml").write_text(LOCAL + "prot = 22\n")


def broken_probe(folder: Path) -> None:
    add_probe(Program(folder / "nicamon.toml"), "broken", "true\n", 2)
    (folder / "probes" / "broken" / "record.py").write_text("parse = None\n")


def open_password(folder: Path) -> None:
    told = (folder / "nicamon.toml").read_text()
    (folder / "nicamon.toml").write_text(told.replace("sqlite://", "postgresql://me:secret@127.0.0.1:1"))
    (folder / "nicamon.toml").chmod(0o644)


def no_database(folder: Path) -> None:
    (folder / "nicamon.db").unlink()


def newer_schema(folder: Path) -> None:
    store = Store(f"sqlite:///{folder}/nicamon.db", [])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '9999'")


PLANTED: list[tuple[Callable[[Path], None], str, str, str]] = [
    (unknown_setting, "configuration", "critical", "unknown setting 'fan_out'"),
    (open_password, "configuration", "warning", "lets others read the password"),
    (open_password, "database", "critical", "onnection"),
    (wrong_key, "inventory", "critical", "unknown key 'prot'"),
    (broken_probe, "probes", "critical", "broken"),
    (no_database, "database", "critical", "there is no database"),
    (newer_schema, "database", "critical", "9999"),
]


@pytest.mark.parametrize(("plant", "check", "state", "words"), PLANTED, ids=lambda one: getattr(one, "__name__", ""))
def test_trouble_of_files_and_database(
    tmp_path: Path, plant: Callable[[Path], None], check: str, state: str, words: str
) -> None:
    set_up(tmp_path, LOCAL).engine.dispose()
    plant(tmp_path)
    found = doctor(tmp_path, int(state == "critical" or plant is open_password))
    assert (found[check]["state"], words in found[check]["found"]) == (state, True), found[check]
    after = {"configuration": "inventory", "inventory": "logins", "probes": "probe run", "database": "writing"}
    if state == "critical":
        assert found[after[check]] == {
            "check": after[check], "state": "not checked", "found": f"the check of {check} comes first", "advice": None,
        }  # fmt: skip


def test_who_starts_collections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no collector is at work, a timer of systemd that is enabled will do."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path))  # no crontab
    store = set_up(tmp_path, LOCAL)
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM collectors")
    assert doctor(tmp_path, 0)["collector"]["state"] == "warning"
    enabled = tmp_path / "config/systemd/user/timers.target.wants"
    enabled.mkdir(parents=True)
    (enabled / "nicamon-collect.timer").touch()
    found = doctor(tmp_path, 0)["collector"]
    assert (found["state"], "systemd has: nicamon-collect.timer" in found["found"]) == ("ok", True)


def test_configuration_that_others_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nicamon.toml").write_text("")
    (tmp_path / "nicamon.toml").chmod(0o666)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NICAMON_CONFIG", raising=False)
    done = CliRunner().invoke(command, ["doctor", "--json"], catch_exceptions=False)
    assert done.exit_code == 1
    assert "anybody may write" in done.output


def test_database_that_this_user_may_only_read(tmp_path: Path, small: Path) -> None:
    store = set_up(tmp_path, LOCAL, database=str(small))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.engine.dispose()
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    found = doctor(tmp_path, 1)
    assert (found["database"]["state"], found["writing"]["state"]) == ("ok", "critical")
    assert "readonly" in found["writing"]["found"]
