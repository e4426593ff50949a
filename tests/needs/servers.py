"""Real database servers of a test's own, from Debian's packages: own folder, own port, no rights, default durability.

with servers.started("mariadb") as server, server.fresh() as url: ...
"""

from __future__ import annotations

import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from nicassh.database import DRIVERS
from nicassh.model.errors import SetupError

KINDS = ("mariadb", "postgresql")
USER = "nicamon"
PATIENCE = 60.0
"""Seconds that a server may take to begin or to end."""
ROOM = 4 * 1024**3
"""Bytes that must be free in memory before the data of a server is kept there."""


@dataclass
class Server:
    """A server that runs: where it listens, and the password of `USER`, who may do everything in it."""

    kind: str
    folder: Path
    port: int
    password: str
    command: list[str]
    process: subprocess.Popen[bytes]

    def url(self, database: str = "") -> str:
        """The URL of a database over TCP, without a driver; of the one that is always there by default."""
        there = database or {"mariadb": "mysql", "postgresql": "postgres"}[self.kind]
        return f"{self.kind}://{USER}:{self.password}@127.0.0.1:{self.port}/{there}"

    def local(self, database: str) -> str:
        """The URL of a database over the Unix socket."""
        if self.kind == "mariadb":
            return f"mariadb://{USER}:{self.password}@localhost/{database}?unix_socket={self.folder}/socket"
        return f"postgresql://{USER}:{self.password}@/{database}?host={self.folder}&port={self.port}"

    @property
    def number(self) -> str:
        """The query for the number by which the server knows a connection."""
        return {"mariadb": "SELECT CONNECTION_ID()", "postgresql": "SELECT pg_backend_pid()"}[self.kind]

    def run(self, *statements: str, database: str = "") -> None:
        """Runs statements, each by itself, as `USER`."""
        url = sa.make_url(self.url(database)).set(drivername=DRIVERS[self.kind])
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def crash(self) -> None:
        """Ends the server at once, with nothing written that is not on disk already."""
        # PostgreSQL killed outright leaves its children and shared memory; this signal is its own word for a crash.
        self.process.send_signal(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """Begins the server that was ended on its own data."""
        if self.process.poll() is None:
            self.end()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=_own(self.folder), stdout=log, stderr=log
            )
        _wait(self)

    def end(self) -> None:
        """Ends the server in order."""
        # PostgreSQL would wait for its clients after the usual signal.
        self.process.send_signal(signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def create(self) -> tuple[str, str]:
        """The name and the URL of a new empty database, made as the server makes one by default."""
        name = f"fresh{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name}")
        return name, self.url(name)

    def drop(self, name: str) -> None:
        """Drops a database, whoever is connected with it."""
        if self.kind == "mariadb":
            self.run("SET lock_wait_timeout = 20", f"DROP DATABASE {name}")
        else:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of a new empty database, dropped after."""
        name, url = self.create()
        try:
            yield url
        finally:
            self.drop(name)


def _place() -> Path:
    """Where servers have their data: in memory where there is room. A test loses nothing there, and no disk is slow."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else Path("/tmp")


@contextmanager
def started(kind: str, place: Path | None = None, settings: Sequence[str] = ()) -> Iterator[Server]:
    """A new server of a kind, its data below `place`, by default in memory. It ends with the block, or the process.

    `settings` are more words of its command.

    Raises SetupError where its package is missing, or with its last words where it does not begin.
    """
    account = _account({"mariadb": "mysql", "postgresql": "postgres"}[kind])
    # Not in a test's own folder: other accounts do not get into it, and the name of a socket is short.
    with tempfile.TemporaryDirectory(prefix=f"nicamon-{kind}-", dir=place or _place()) as name:
        folder, password, port = Path(name), secrets.token_hex(8), _free_port()
        if account:
            shutil.chown(folder, account, pwd.getpwnam(account).pw_gid)
        begin = {"mariadb": _mariadb, "postgresql": _postgresql}[kind]
        command = _as(account, [*begin(folder, password, port, lambda *argv: _run(account, argv, folder)), *settings])
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=folder, env=_own(folder), stdout=log, stderr=log)
        server = Server(kind, folder, port, password, command, process)
        try:
            _wait(server)
            yield server
        finally:
            server.end()


def timescale(licence: str = "timescale") -> AbstractContextManager[Server]:
    """A PostgreSQL with TimescaleDB; a database has it after `CREATE EXTENSION timescaledb`.

    With the licence `apache` it does what the build of that licence does.
    Debian has no package of it. Raises SetupError where nobody has installed it.
    """
    newest = _postgresql_programs()
    if not Path(f"/usr/share/postgresql/{newest.parent.name}/extension/timescaledb.control").exists():
        raise SetupError(f"no TimescaleDB for the PostgreSQL in {newest}", "install it from its makers' packages")
    words = "-c shared_preload_libraries=timescaledb -c timescaledb.telemetry_level=off -c timescaledb.license="
    return started("postgresql", settings=f"{words}{licence}".split())


def _mariadb(folder: Path, password: str, port: int, run: Callable[..., None]) -> list[str]:
    """Makes the data of a MariaDB; the command that serves it. What a server does by default is not changed."""
    install = _program("mariadb-install-db", "mariadb-server", "/usr/bin")
    data = f"--datadir={folder}/data"
    run(install, "--no-defaults", data, "--auth-root-authentication-method=socket", "--skip-test-db")
    account = f"'{USER}'@'%' IDENTIFIED BY '{password}'"
    lines = f"CREATE USER IF NOT EXISTS {account};\nGRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
    _write(folder / "init.sql", lines)
    server = _program("mariadbd", "mariadb-server", "/usr/sbin")
    return [
        server, "--no-defaults", data, f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder}/socket",
        f"--init-file={folder}/init.sql", f"--pid-file={folder}/pid",
    ]  # fmt: skip


def _postgresql(folder: Path, password: str, port: int, run: Callable[..., None]) -> list[str]:
    """Makes the data of a PostgreSQL; the command that serves it."""
    place = str(_postgresql_programs())
    _write(folder / "password", password)
    run(
        _program("initdb", "postgresql", place), f"--pgdata={folder}/data", f"--username={USER}",
        f"--pwfile={folder}/password", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8",
    )  # fmt: skip
    server = _program("postgres", "postgresql", place)
    settings = ["-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
    return [server, "-D", f"{folder}/data", "-p", str(port), *settings]


def _postgresql_programs() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    return found[-1] if found else Path("/usr/lib/postgresql")


def _program(name: str, package: str, place: str) -> str:
    found = shutil.which(name, path=f"{place}:{os.environ.get('PATH', '')}")
    if found is None:
        raise SetupError(f"not installed: {package}", "as root: make packages")
    return found


def _account(usual: str) -> str:
    """The account that a server runs as: root's servers would not begin, others run as who begins them."""
    if os.geteuid() != 0:
        return ""
    return usual if any(entry.pw_name == usual for entry in pwd.getpwall()) else "nobody"


def _as(account: str, argv: Sequence[str]) -> list[str]:
    """The command run as an account, and ended with the process that began it, however that ends."""
    drop = [f"--reuid={account}", f"--regid={pwd.getpwnam(account).pw_gid}", "--clear-groups"] if account else []
    return ["setpriv", *drop, "--pdeathsig=TERM", *argv]


def _own(folder: Path) -> dict[str, str]:
    """The environment of a server: servers that share a folder for temporary files delete each other's."""
    return {**os.environ, "TMPDIR": str(folder)}


def _run(account: str, argv: Sequence[str], folder: Path) -> None:
    done = subprocess.run(_as(account, argv), cwd=folder, env=_own(folder), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(f"{argv[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-500:]}")


def _write(file: Path, text: str) -> None:
    """A file that the server's account may read: in the folder, which is for it alone."""
    file.write_text(text)
    file.chmod(0o644)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return server.run("SELECT 1")
        except OperationalError:
            if server.process.poll() is not None or time.monotonic() > until:
                words = (server.folder / "log").read_text(errors="replace")[-800:]
                raise SetupError(f"{server.kind} does not begin: {words}") from None
            time.sleep(0.1)


_NUMBERS = itertools.count()
