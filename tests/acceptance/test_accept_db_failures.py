"""Databases that fail while they are used: told with what to do, nothing committed is lost, the next run goes on.

Real servers and real file systems: full, read-only, killed, and started again.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import servers
from program import Program, add_probe
from servers import KINDS, Server
from unit_rows import PROBES, at, made, outcome

import needs
from nicassh.model.errors import DatabaseError, SetupError
from nicassh.store import Store


@pytest.fixture
def here(tmp_path: Path) -> Program:
    """This machine as a node, reached without SSH."""
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\n')
    (tmp_path / "nicamon.toml").write_text("stale = 100\n")
    return Program(tmp_path / "nicamon.toml")


@pytest.fixture(params=KINDS)
def own(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, which it may kill."""
    try:
        with servers.started(request.param) as server:
            server.run("CREATE DATABASE nicamon")
            yield server
    except SetupError as error:
        needs.missing(f"{error.what}; {error.hint}")


@contextmanager
def small(size: str) -> Iterator[Path]:
    """A file system of its own size in memory, in a folder with a short name: servers have sockets there."""
    needs.root("mounts a file system")
    with tempfile.TemporaryDirectory(prefix="nicamon-disk-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", name], check=True)
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", "--lazy", name], check=True)


def fill(folder: Path, but: int = 0) -> Path:
    """Leaves no block free, or so many bytes."""
    file = folder / "filler"
    with suppress(OSError), file.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    if but:
        with file.open("r+b") as stream:
            stream.truncate(max(0, file.stat().st_size - but))
    return file


def loads(here: Program, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(here("show", "farm", "--json", NICAMON_DATABASE=url).stdout)["rows"]
    return found


def turns(store: Store) -> list[int]:
    """The turns that are stored, of which each is a row of a series and one of an interval."""
    with store.engine.connect() as connection:
        series = connection.exec_driver_sql("SELECT at FROM load_series ORDER BY at").scalars().all()
        intervals = connection.exec_driver_sql("SELECT since FROM system_intervals ORDER BY since").scalars().all()
    assert series == intervals, "half of a write is there"
    return [second - int(at(0).timestamp()) for second in series]


def write(store: Store, turn: int, weight: int = 0) -> None:
    series = outcome("nc2", "load", at(turn), made("load"))
    interval = outcome("nc2", "system", at(turn), made("system", kernel=str(turn)))
    heavy = [made("processes", pid=pid, command="x" * 4000) for pid in range(weight)]
    store.write([series, interval, outcome(f"nc{turn}", "processes", at(turn), *heavy)])


def test_a_full_disk_under_sqlite(here: Program) -> None:
    with small("4m") as disk:
        url = f"sqlite:///{disk}/nicamon.db"
        here("collect", NICAMON_DATABASE=url)
        before = loads(here, url)
        filler = fill(disk)
        done = here("collect", "--now", code=3, NICAMON_DATABASE=url)
        assert "free some space" in done.stderr
        filler.unlink()
        assert loads(here, url)[0]["load1"] == before[0]["load1"]
        here("collect", "--now", NICAMON_DATABASE=url)
        assert loads(here, url)[0]["updated"] >= before[0]["updated"]
        assert "all well" in here("db", "check", NICAMON_DATABASE=url).stdout


def test_a_disk_without_room_for_what_is_saved(here: Program, database: str) -> None:
    here("collect", NICAMON_DATABASE=database)
    with small("100k") as disk:
        done = here("db", "backup", str(disk / "saved"), code=3, NICAMON_DATABASE=database)
        assert "nothing was saved" in done.stderr or "free some space" in done.stderr
        assert list(disk.iterdir()) == []
    here("collect", "--now", NICAMON_DATABASE=database)


def test_a_file_system_that_is_read_only(here: Program) -> None:
    with small("4m") as disk:
        url = f"sqlite:///{disk}/nicamon.db"
        here("collect", NICAMON_DATABASE=url)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        done = here("collect", "--now", code=3, NICAMON_DATABASE=url)
        assert "cannot be written by this user" in done.stderr
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        here("collect", "--now", NICAMON_DATABASE=url)
        assert "all well" in here("db", "check", NICAMON_DATABASE=url).stdout


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_under_a_server(kind: str) -> None:
    with small("512m") as disk, servers.started(kind, disk) as server:
        server.run("CREATE DATABASE nicamon")
        store = Store(server.url("nicamon"), PROBES)
        store.create()
        filler = fill(disk, but=12 * 2**20)
        written, refusal = [], None
        while refusal is None:
            try:
                write(store, len(written), weight=400)
                written.append(len(written))
            except DatabaseError as error:
                refusal = error
        assert len(written) < 200
        assert any(words in refusal.hint for words in ("free some space", "connection was lost")), refusal.what
        filler.unlink()
        if kind == "postgresql":  # without room for its log it has to begin anew
            server.restart()
        assert turns(store) == written
        write(store, len(written))
        assert turns(store) == [*written, len(written)]
        store.engine.dispose()


def test_a_server_killed_in_the_middle_of_writes(own: Server) -> None:
    store = Store(own.url("nicamon"), PROBES)
    store.create()
    written: list[int] = []

    def crash() -> None:
        while len(written) < 15:
            time.sleep(0.01)
        own.crash()

    killer = threading.Thread(target=crash)
    killer.start()
    with pytest.raises(DatabaseError) as caught:
        for turn in range(100_000):
            write(store, turn, weight=20)
            written.append(turn)
    killer.join()
    assert "all that was committed is there" in caught.value.hint or "no server answers" in caught.value.hint
    own.restart()
    found = turns(store)
    # The last one may have been committed without a word of it reaching us.
    assert found in (written, [*written, len(written)])
    write(store, len(found))
    assert turns(store) == [*found, len(found)]
    store.engine.dispose()


def test_a_server_restarted_between_two_writes(own: Server) -> None:
    store = Store(own.url("nicamon"), PROBES)
    store.create()
    write(store, 0)
    own.restart()
    write(store, 1)
    assert turns(store) == [0, 1]
    store.engine.dispose()


def test_a_collection_whose_server_dies_and_comes_back(here: Program, own: Server) -> None:
    url = own.url("nicamon")
    here("collect", NICAMON_DATABASE=url)
    before = loads(here, url)
    add_probe(here, "slow", "sleep 4; echo done", 20)
    crash = threading.Timer(2.5, own.crash)
    crash.start()
    done = here("collect", "--now", code=3, NICAMON_DATABASE=url, NICAMON_DEBUG="1")
    crash.join()
    assert f"{own.kind}://nicamon@127.0.0.1" in done.stderr
    assert "connection was lost" in done.stderr or "no server answers" in done.stderr
    assert own.password not in done.stderr + done.stdout
    assert "no server answers" in here("show", "farm", code=3, NICAMON_DATABASE=url).stderr
    own.restart()
    assert loads(here, url)[0]["load1"] is not None
    assert loads(here, url)[0]["updated"] >= before[0]["updated"]
    here("collect", "--now", NICAMON_DATABASE=url)
    assert "done" in here("show", "slow", NICAMON_DATABASE=url).stdout
