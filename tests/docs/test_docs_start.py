"""README and quick starts: as short as they promise, and each command in them was run."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import forked
import pytest
import reading
from generator import sample
from sshd import serve

import needs
from nicassh.store import Store

README = reading.TOP / "README.md"
ADMIN = reading.TOP / "docs" / "quickstart-admin.md"
READER = reading.TOP / "docs" / "quickstart-reader.md"
MAN = reading.TOP / "docs" / "man"
ELSEWHERE = {
    "make demo": "test_docs_demo.py, and continuous integration runs it",
    "make test": "this is it",
    "python3 -m venv ~/nicamon": "test_accept_wheel.py installs",
    "~/nicamon/bin/pip install .": "test_accept_wheel.py installs",
    "python3 -m venv ~/nicamon && ~/nicamon/bin/pip install . && export PATH=~/nicamon/bin:$PATH": "the same",
    "export PATH=~/nicamon/bin:$PATH": "the same",
    "loginctl enable-linger": "another program",
}
"""Lines that are not run here, and where they are."""
INSTEAD = {"nicamon install-units --user --now": "nicamon install-units --user --print"}
Run = Callable[[str], str]


def lines(page: Path) -> list[str]:
    """The commands of a page, without prompts and comments."""
    found = []
    for block in reading.blocks(page):
        if block.kind == "console":
            found += [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
        elif block.kind == "sh":
            found += block.text.splitlines()
    return [re.split(r"\s+# ", line)[0].strip() for line in found]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").split()) < 900


def test_lines_that_are_run_elsewhere_are_on_a_page() -> None:
    assert {*ELSEWHERE, *INSTEAD} <= {line for page in (README, ADMIN, READER) for line in lines(page)}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home folder with the key that the page has made, which opens the nodes of the page's inventory."""
    addresses = [f"ListenAddress 127.0.0.{number}" for number in (2, 3, 10)]
    with serve(tmp_path / "sshd", *addresses) as server:
        (tmp_path / ".ssh").mkdir(mode=0o700)
        (made,) = [line for line in lines(ADMIN) if line.startswith("ssh-keygen")]
        subprocess.run(["sh", "-c", made], env=os.environ | {"HOME": str(tmp_path)}, check=True, capture_output=True)
        (options,) = re.findall(r"^(restrict.*) ssh-ed25519", ADMIN.read_text(encoding="utf-8"), re.M)
        public = (tmp_path / ".ssh" / "nicamon.pub").read_text()
        (server.folder / "authorized").write_text(f"{options} {public}")
        (tmp_path / "port").write_text(str(server.port))
        yield tmp_path


def _inventory(home: Path) -> str:
    """The inventory of the page, with fewer nodes, and addresses on this machine."""
    (text,) = [block.text for block in reading.blocks(ADMIN) if block.kind == "toml"]
    text = text.replace('user = "nicamon"', f'user = "{getpass.getuser()}"\nport = {(home / "port").read_text()}')
    text = text.replace('"nc[2-9].example.org"', '"nc[2-3].example.org"\naddress = "127.0.0.[2-3]"')
    return text.replace('"nc[10-15].example.org"', '"nc10.example.org"\naddress = "127.0.0.10"')


def test_the_commands_of_the_readme_are_those_of_the_quick_start() -> None:
    """Which are run below."""
    assert {line for line in lines(README) if line not in ELSEWHERE} <= set(lines(ADMIN))


def test_an_administrator_gets_a_farm_that_is_collected(home: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NICAMON_", "XDG_", "SSH_"))}
    environment = {**clean, "HOME": str(home)}
    outputs = {}
    for line in lines(ADMIN):
        if line in ELSEWHERE or line.startswith("ssh-keygen"):
            continue
        words = [word.replace("~", str(home)) for word in shlex.split(INSTEAD.get(line, line))]
        assert words.pop(0) == "nicamon"
        done = forked.run(words, environment, home)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        outputs[line] = done.stdout
        if words[0] == "init":
            (home / ".config" / "nicamon" / "inventory.toml").write_text(_inventory(home))
    for node in ("nc2", "nc3", "nc10"):
        assert re.search(rf"^{node}\b.* up\b", outputs["nicamon show farm"], re.M)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the sample farm, whose nodes are this machine where they are contacted."""
    folder = tmp_path_factory.mktemp("sample")
    store = Store(f"sqlite:///{folder}/nicamon.db", sample.PROBES)
    store.create()
    sample.fill(store, datetime.now(UTC).replace(microsecond=0))
    store.engine.dispose()
    nodes = [
        f'[[nodes]]\nnames = "{node.name}"\nrole = "{node.role}"\ntransport = "local"\n'
        + (f'batch_cluster = "{node.batch_cluster}"\n' if node.batch_cluster else "")
        for node in sample.nodes()
    ]
    (folder / "inventory.toml").write_text("\n".join(nodes))
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    return folder / "nicamon.toml"


@pytest.mark.xdist_group("reader")
@pytest.mark.parametrize("line", lines(READER))
def test_a_reader_gets_an_answer(line: str, farm: Path) -> None:
    words = shlex.split(line)
    assert words.pop(0) == "nicamon"
    done = forked.run(words, {**os.environ, "NICAMON_CONFIG": str(farm)}, farm.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.xdist_group("reader")
def test_the_answers_name_what_is_wrong_in_the_sample(farm: Path) -> None:
    def answer(line: str) -> str:
        assert line in lines(READER)
        return forked.run(shlex.split(line)[1:], {**os.environ, "NICAMON_CONFIG": str(farm)}, farm.parent).stdout

    bad = answer("nicamon show bad")
    assert [name for name in ("nc2", "nc5", "nc8", "nc13") if re.search(rf"\b{name}\b", bad)] == ["nc5", "nc8", "nc13"]
    assert "AssocMaxJobsLimit" in answer(
        "nicamon show jobs -u merz --filter 'state = waiting' --columns job,name,reason"
    )
    assert re.search(r"6\.26\.10 .*nc3\b", answer("nicamon show versions ROOT"))


@pytest.mark.xdist_group("reader")
def test_the_answers_on_the_page_are_those_of_the_program(farm: Path) -> None:
    """But for numbers and times, which depend on when the sample was made."""
    shown = [block.text.partition("\n") for block in reading.blocks(READER) if block.kind == "text"]
    assert len(shown) > 2 and all(line.startswith("$ nicamon") for line, _, _ in shown)
    environment = {**os.environ, "NICAMON_CONFIG": str(farm), "COLUMNS": "90", "TZ": "UTC"}
    for line, _, answer in shown:
        done = forked.run(shlex.split(line)[2:], environment, farm.parent)
        assert _without_numbers(done.stdout) == _without_numbers(answer), line


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.:]+( [smhd]\b)?", "0", " ".join(text.split()))


@pytest.mark.parametrize("page", sorted(MAN.iterdir()), ids=lambda page: page.name)
def test_man_pages_are_well_formed(page: Path) -> None:
    """To groff, which is what `man` runs."""
    if not shutil.which("groff"):
        needs.missing("groff is missing")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-rLL=78n", str(page)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nicamon" in done.stdout
