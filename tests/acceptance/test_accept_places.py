"""Places of others: an account without a name or a home, odd paths, files of other programs, readers without rights."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import forked
import pytest
from program import Program

import needs

STRANGER = ["setpriv", "--reuid", "4242", "--regid", "4242", "--clear-groups"]
BOM = b"\xef\xbb\xbf"


@contextmanager
def public(name: str) -> Iterator[Path]:
    """A folder that every user can reach, unlike those that pytest makes."""
    folder = Path(f"/var/tmp/{name}-{os.getpid()}")
    folder.mkdir(mode=0o755)
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


def farm(folder: Path, database: str = "") -> Program:
    """The program with this machine as its only node, reached without SSH."""
    folder.mkdir(exist_ok=True)
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\nrole = "batch"\n')
    url = database or f"sqlite:///{folder}/nicamon.db"
    (folder / "nicamon.toml").write_text(f'database = "{url}"\nroots = ["/nowhere"]\n')
    return Program(folder / "nicamon.toml")


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs nicamon with nothing of this process's environment but PATH."""
    kept = {"PATH": os.environ["PATH"], **environment}
    return forked.run(words, kept)


def snapshot(folder: Path) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def test_a_uid_without_a_passwd_entry_works_with_all_paths_given() -> None:
    needs.root()
    with public("nobody") as folder:
        program = farm(folder)
        os.chown(folder, 4242, 4242)
        bare = ["env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME", *STRANGER]
        for words in (["collect"], ["show", "farm"], ["explain", "here"], ["show", "bad"], ["tasks"], ["nodes"]):
            assert program(*words, inside=bare).stderr == ""
        program("init", str(folder / "fresh"), inside=bare)
        assert "nc2.example.org" in Program(folder / "fresh/nicamon.toml")("nodes", inside=bare).stdout


def test_without_a_home_the_database_needs_a_place() -> None:
    needs.root()
    with public("homeless") as folder:
        program = farm(folder)
        program.config.write_text("")
        done = program("collect", inside=["env", "-u", "HOME", *STRANGER], code=2)
        assert "no home folder" in done.stderr and "database" in done.stderr
        assert "~" not in {file.name for file in folder.iterdir()}
        program.config.write_text('probes = ["~/probes"]\n')
        done = program("collect", inside=["env", "-u", "HOME", *STRANGER], code=2)
        assert "probes: '~/probes': no home folder" in done.stderr


def test_home_unset_with_an_account(tmp_path: Path) -> None:
    program = farm(tmp_path)
    for words in (["collect"], ["show", "farm"]):
        assert run(*words, NICAMON_CONFIG=str(program.config)).returncode == 0


@pytest.mark.parametrize("name", ["x?y%z", "a?b=c", "50%", "a%20b", "räum # 1"])
def test_a_home_with_signs_of_a_url(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    program = farm(home)
    (home / "nicamon.toml").write_text("")
    for words in (["collect"], ["show", "farm"], ["db", "backup", str(home / "saved.db")]):
        done = run(*words, HOME=str(home), NICAMON_CONFIG=str(program.config))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert (home / ".local/state/nicamon/nicamon.db").is_file()
    assert [place.name for place in tmp_path.iterdir()] == [name]


def test_a_question_mark_in_the_path_of_the_database(tmp_path: Path) -> None:
    for database, file in (
        (f"sqlite:///{tmp_path}/w?y/n.db", "w?y/n.db"), (f"sqlite:///{tmp_path}/a%3Fb%25.db", "a?b%.db"),
    ):  # fmt: skip
        program = farm(tmp_path / "files", database)
        program("collect")
        assert program.rows("show", "farm")[0]["state"] == "up"
        assert (tmp_path / file).is_file()
    done = farm(tmp_path / "files", f"sqlite:///{tmp_path}/n.db?mode=ro")("collect", code=3)
    assert "%3F" in done.stderr
    assert not (tmp_path / "n.db").exists()


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    program = farm(tmp_path)
    for file in (program.config, tmp_path / "inventory.toml"):
        file.write_bytes(BOM + file.read_bytes())
    (tmp_path / "url").touch(0o600)
    (tmp_path / "url").write_bytes(BOM + f"sqlite:///{tmp_path}/nicamon.db\r\n".encode())
    assert program("nodes", "--fold").stdout == "here\n"
    program.config.write_bytes(BOM + b'database_file = "url"\r\n')
    program("collect")
    assert (tmp_path / "nicamon.db").is_file()


def test_a_file_of_another_program_stays_byte_for_byte(tmp_path: Path) -> None:
    program = farm(tmp_path)
    with closing(sqlite3.connect(tmp_path / "nicamon.db")) as connection:
        connection.execute("CREATE TABLE moz_places (url TEXT)")
        connection.commit()
    before = snapshot(tmp_path)
    for words in (["collect"], ["daemon"], ["show", "farm"], ["db", "upgrade"], ["db", "prune"], ["tasks", "now"]):
        assert "another program's: moz_places" in program(*words, code=3).stderr
        assert snapshot(tmp_path) == before


@pytest.mark.parametrize("at_work", [False, True])
def test_a_reader_without_rights_reads(at_work: bool) -> None:
    """Also while a collector has its log beside the file; without rights to the file itself the reader is told so."""
    needs.root()
    with public("reader") as folder:
        program = farm(folder)
        program("collect")
        (folder / "nicamon.db").chmod(0o644)
        held = sqlite3.connect(folder / "nicamon.db") if at_work else None
        if held:
            held.execute("UPDATE load SET load1 = 77.5")
            held.commit()
        before = snapshot(folder)
        for words in (["show", "bad"], ["explain", "here"], ["tasks"], ["db", "stats"], ["db", "status"]):
            assert program(*words, inside=STRANGER).stderr == ""
        listed = program("show", "load", "--csv", inside=STRANGER).stdout
        assert ("77.5" in listed) is at_work
        assert "cannot be written by this user" in program("collect", inside=STRANGER, code=3).stderr
        assert snapshot(folder) == before
        (folder / "nicamon.db").chmod(0o600)
        assert "Permission denied" in program("show", "farm", inside=STRANGER, code=3).stderr
        if held:
            held.close()


def test_a_reader_of_a_folder_that_nobody_can_write(tmp_path: Path) -> None:
    """A backup on a medium that takes no writes."""
    needs.root()
    program = farm(tmp_path)
    program("collect")
    script = f'mount --bind -o ro {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} && exec "$@"'
    inside = ["unshare", "--mount", "sh", "-c", script, "sh"]
    assert "here" in program("show", "farm", inside=inside).stdout


def test_the_log_of_a_worker_has_no_lines_of_a_library(tmp_path: Path) -> None:
    program = farm(tmp_path)
    words = [sys.executable, "-m", "nicassh", "daemon", "--processes", "1"]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, env={**os.environ, "NICAMON_CONFIG": str(program.config)}
    ) as process:
        assert process.stderr
        said = [process.stderr.readline()]
        while said[-1] and " tasks on " not in said[-1]:
            said.append(process.stderr.readline())
        process.terminate()
        said += process.stderr.readlines()
    for word in ("alembic", "Context impl", "transactional DDL", "Running upgrade", "setup plugin"):
        assert not [line for line in said if word in line], said


def test_files_of_secrets(tmp_path: Path) -> None:
    """What init writes is for its owner; a password that others can read is told, and never shown."""
    done = Program(tmp_path / "none.toml")("init", str(tmp_path / "fresh"), NICAMON_CONFIG="")
    assert stat.S_IMODE((tmp_path / "fresh/nicamon.toml").stat().st_mode) == 0o600
    program = farm(tmp_path)
    program("collect")
    for mode, expected in ((0o600, False), (0o640, False), (0o644, True), (0o604, True)):
        (tmp_path / "nicamon.db").chmod(mode)
        done = program("show", "farm")
        assert ("lets every user read it" in done.stderr) is expected, done.stderr
        assert done.stderr.count("warning") == int(expected)
        if expected:
            assert f"nicamon.db: mode {mode:04o}" in done.stderr and "chmod" in done.stderr


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_a_password_in_a_configuration_that_others_can_read(tmp_path: Path, mode: int) -> None:
    program = farm(tmp_path, "postgresql://u:hush@127.0.0.1:1/db?connect_timeout=1")
    program.config.chmod(mode)
    done = program("show", "farm", code=3)
    assert done.stderr.count("lets others read the password") == int(mode == 0o644)  # root's group is root's alone
    assert "hush" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@ss/word@127.0.0.1/db", "mariadb://u:p@ss/word@127.0.0.1/db", "postgresql://u:p@ss:word@h/db",
        "postgresql://u:p@word@h/db?x=y", "postgresql://u:p@ss?word@h/db", "mysql://u:p@ss#word@h/db",
        "nosuch://u:p-ss-word@h/db", "postgresql://u:p-ss-word@h:port/db", "postgresql:u:p-ss-word@h/db",
        "postgresql://u:p@h/db?password=ss@word", "u:p-ss-word@h/db", "sqlite://u:p-ss-word@h/db",
        "sqlite:///x?password=word",
    ],
)  # fmt: skip
def test_nothing_of_a_url_that_does_not_parse_is_shown(tmp_path: Path, url: str) -> None:
    program = farm(tmp_path, url)
    program.config.chmod(0o600)
    for words in (["show", "farm"], ["collect"]):
        done = program(*words, code=3)
        assert "word" not in done.stderr.replace("password write", "").replace("user name or", ""), done.stderr
        assert "ss" not in done.stderr.partition("\n")[0].replace("nicassh", "").replace("postgresql", "")
    if url.count("@") > 1:
        assert "%40" in done.stderr
