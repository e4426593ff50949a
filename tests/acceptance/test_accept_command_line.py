"""The command line on this very machine, without a farm and without root: set-up, errors, formats, exit codes."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from program import Program
from sshd import Server, serve

from nicassh import __version__


@pytest.fixture
def here(tmp_path: Path) -> Program:
    """The program with this machine as its only node, reached without SSH."""
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "localhost"\ntransport = "local"\nrole = "batch"\n')
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\n')
    return Program(tmp_path / "nicamon.toml")


def test_version_loads_nothing_that_it_does_not_need(here: Program) -> None:
    assert here("--version").stdout == f"nicamon {__version__}\n"
    code = "import sys; sys.argv = ['nicamon', '--version']\ntry:\n import nicassh.__main__ as m; m.main()\n"
    code += "except SystemExit: print(*[n for n in ('sqlalchemy', 'gevent', 'rich', 'paramiko') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split("\n")[1] == ""


def test_collect_is_silent_from_cron_and_stores(here: Program) -> None:
    done = here("collect")
    assert (done.stdout, done.stderr) == ("", "")
    (row,) = here.rows("show", "batch-nodes")
    assert row["state"] == "up"
    assert row["load_per_cpu"] == pytest.approx(row["load1"] / row["ncpu"], abs=0.01)


def test_all_formats_hold_the_same_rows(here: Program) -> None:
    here("collect")
    document = json.loads(here("show", "disks", "--json").stdout)
    assert document["schema"] == "nicamon.disks/1"
    lines = [json.loads(line) for line in here("show", "disks", "--ndjson").stdout.splitlines()]
    table = list(csv.DictReader(io.StringIO(here("show", "disks", "--csv").stdout)))
    drop = ("age",)
    for row, line, cells in zip(document["rows"], lines, table, strict=True):
        assert {k: v for k, v in row.items() if k not in drop} == {k: v for k, v in line.items() if k not in drop}
        assert cells["mount"] == row["mount"]
        assert int(cells["free"]) == row["free"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["rows"][0]["updated"])


def test_every_record_has_a_view(here: Program) -> None:
    here("collect")
    for probe in here.rows("probes"):
        for record in probe["records"].split(","):
            assert json.loads(here("show", record, "--json").stdout)["schema"] == f"nicamon.{record}/1"
    page = here("show", "node", "localhost").stdout
    assert all(title in page for title in ("NODE", "OUTCOMES", "LOAD", "MEMORY"))
    (node,) = here.rows("show", "node", "localhost")
    assert node["load"][0]["load1"] == node["load1"]


def test_a_node_that_was_never_asked_says_so(here: Program) -> None:
    here("collect")
    (here.config.parent / "inventory.toml").write_text('[[nodes]]\nnames = "new"\ntransport = "local"\n')
    (row,) = here.rows("show", "farm")
    assert (row["state"], row["reason"], row["load1"], row["activity"]) == ("unknown", "never asked", None, None)
    line = here("show", "farm").stdout.splitlines()[1]
    assert "–" in line and " 0 " not in line


def test_init_writes_what_load_reads_and_never_twice(here: Program, tmp_path: Path) -> None:
    place = tmp_path / "fresh"
    here("init", str(place))
    assert tomllib.loads((place / "nicamon.toml").read_text()) == {}
    assert Program(place / "nicamon.toml").rows("nodes")[0]["node"] == "nc2.example.org"
    (place / "nicamon.toml").write_text("fanout = 5\n")
    done = here("init", str(place), code=2)
    assert "exists already" in done.stderr
    assert (place / "nicamon.toml").read_text() == "fanout = 5\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["collect", "-n", "@typo"], "known groups: @all, @batch"),
        (["collect", "-n", "nc7"], "not in the inventory: nc7"),
        (["collect", "-p", "lod"], "known probes: load"),
        (["show", "farm", "--sort", "lod1"], "did you mean 'load1'?"),
        (["show", "farm", "--filter", "load1 > much"], "invalid number 'much' for load1"),
        (["show", "farm", "--json", "--csv"], "cannot be used together"),
        (["procs", "--state", "Q"], "'Q' is not one of"),
        (["--config", "/nowhere.toml", "nodes"], "/nowhere.toml: no such file"),
    ],
)
def test_operator_error_is_told_with_a_way_out(here: Program, words: list[str], said: str) -> None:
    done = here(*words, code=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fanuot = 3", "unknown setting 'fanuot'"),
        ("fanout = 'many'", "fanout = 'many' must be a whole number"),
        ("host_keys = 'off'", "must be one of: strict, accept-new"),
        ("fanout = ]", "line 1"),
    ],
)
def test_configuration_error_names_file_and_key(here: Program, text: str, said: str) -> None:
    here.config.write_text(text)
    done = here("nodes", code=2)
    assert str(here.config) in done.stderr
    assert said in done.stderr


def test_database_errors_are_exit_code_3(here: Program, tmp_path: Path) -> None:
    (tmp_path / "nicamon.db").write_bytes(b"this is no database" * 100)
    assert "not a database" in here("collect", code=3).stderr
    done = here("collect", code=3, NICAMON_DATABASE="mysql+nothing://user:secret@host/db")
    assert "secret" not in done.stderr
    done = here("collect", code=3, NICAMON_DATABASE="sqlite:////proc/no/such.db")
    assert "/proc/no" in done.stderr


def test_environment_wins_over_the_file(here: Program, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('[[nodes]]\nnames = "else[1-2]"\n')
    done = here("nodes", "--fold", NICAMON_INVENTORY=str(tmp_path / "other.toml"))
    assert done.stdout == "else[1-2]\n"


def test_completion_knows_nodes_views_and_probes(here: Program) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "nicamon" in here("completion", shell).stdout

    def complete(words: str) -> str:
        return here(
            "", _NICAMON_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
        ).stdout

    assert "localhost" in complete("nicamon collect -n l")
    assert "memory" in complete("nicamon collect -p me")
    assert "farm" in complete("nicamon show f")


def test_watch_appends_where_there_is_no_terminal(here: Program) -> None:
    here("collect")
    command = [sys.executable, "-m", "nicassh", "show", "farm", "--json", "--watch", "0.2"]
    process = subprocess.Popen(command, env=os.environ | {"NICAMON_CONFIG": str(here.config)}, stdout=subprocess.PIPE)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(6)]
    process.terminate()
    process.communicate()
    assert sum(b"nicamon.farm/1" in line for line in lines) == 2
    assert not any(b"\x1b" in line for line in lines)


def test_watch_has_a_screen_of_its_own_and_leaves_it(here: Program) -> None:
    """The time and the command above, the summary below, on few lines too; after Ctrl-C the first screen is back."""
    here("collect")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 60, 0, 0))
    words = ("show", "outcomes", "--no-group", "--watch", "0.1")
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, "-m", "nicassh", *words],  # so that Ctrl-C reaches it
        stdin=slave, stdout=slave, stderr=slave,
        env={name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        | {"NICAMON_CONFIG": str(here.config), "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(slave)
    text = ""
    while text.count("\x1b[J") < 2:
        text += os.read(master, 65536).decode()
    os.write(master, b"\x03")
    with suppress(OSError):  # the end of a terminal whose last process has gone
        while part := os.read(master, 65536):
            text += part.decode()
    os.close(master)
    assert process.wait() == 0
    assert text.startswith("\x1b[?1049h") and text.rstrip().endswith("\x1b[?1049l")
    picture = text.partition("\x1b[H")[2].partition("\x1b[J")[0].replace("\r", "").replace("\x1b[K", "").split("\n")
    assert len(picture) <= 8
    assert re.fullmatch(r"[-\d]+ [:\d]+ UTC, every 0.1 s: nicamon show .*", picture[0])
    assert "more rows" in "".join(picture) and "from 1 of 1 node" in "".join(picture)


def test_colour_is_for_terminals_and_no_color_forbids_it(here: Program) -> None:
    here("collect")
    assert "\x1b" not in here("show", "farm").stdout
    assert "\x1b[32m" in _on_a_terminal(here, {})
    assert "\x1b[32m" not in _on_a_terminal(here, {"NO_COLOR": "1"})


def test_a_table_in_a_pipe_is_at_most_200_characters_wide(here: Program) -> None:
    """Also with colours, unless COLUMNS says another width."""
    words = ("probes", "--columns", "+records,+folder")
    for environment, width in (({}, 200), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, 200), ({"COLUMNS": "120"}, 120)):
        lines = here(*words, **environment).stdout.splitlines()
        assert width - 30 < max(map(len, lines)) <= width
    assert max(map(len, here(*words, COLUMNS="400").stdout.splitlines())) > 200


def test_keys_are_shown_accepted_and_then_known(tmp_path: Path) -> None:
    with serve(tmp_path / "sshd", kinds=("ed25519", "ecdsa")) as server:
        program = _program_for(server, tmp_path)
        others = b"other ssh-rsa AAAA a\x0cb\n# a\xc2\x85b \xe9\r\nhere ssh-rsa AAAA cut"
        (tmp_path / "known").write_bytes(others)
        assert {row["state"] for row in program.rows("keys", "scan")} == {"unknown"}
        done = program("collect", "-p", "load", code=1)
        assert "host key unknown" in done.stderr and "SHA256:" in done.stderr
        said = program("keys", "accept", "here").stdout
        assert said.count("recorded") == 2
        assert (tmp_path / "known").read_bytes().startswith(others + b"\n[here]:")
        assert {row["state"] for row in program.rows("keys", "scan")} == {"known"}
        program("collect", "-p", "load")
        wrong = (tmp_path / "known").read_bytes().replace(b"AAAAC3NzaC1lZDI1NTE5AAAAI", b"AAAAC3NzaC1lZDI1NTE5AAAAJ")
        (tmp_path / "known").write_bytes(wrong)
        assert "host key changed" in program("keys", "accept", "here", code=1).stderr
        program("keys", "accept", "here", "--replace")
        program("collect", "-p", "load")


def _program_for(server: Server, folder: Path) -> Program:
    (folder / "inventory.toml").write_text(
        f'[[nodes]]\nnames = "here"\naddress = "127.0.0.1"\nport = {server.port}\nssh_config = "none"\n'
        f'identity = "{server.folder}/client"\nknown_hosts = "known"\n'
    )
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    return Program(folder / "nicamon.toml")


def _on_a_terminal(program: Program, environment: dict[str, str]) -> str:
    """What `show farm` writes to a terminal."""
    master, slave = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "nicassh", "show", "farm"], stdout=slave, stderr=slave, stdin=slave,
        env=os.environ | {"NICAMON_CONFIG": str(program.config), "TERM": "xterm-256color"} | environment,
    )  # fmt: skip
    os.close(slave)
    text = os.read(master, 65536).decode()
    os.close(master)
    return text
