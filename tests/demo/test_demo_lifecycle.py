"""A rooted farm comes up twice, comes back from harm, and goes without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo_logins import login

import needs
from nicassh import demo
from nicassh.demo import bridge, farm, layers, processes, rooted
from nicassh.model.errors import SetupError

CODE = """
import sys
from pathlib import Path
from nicassh import demo
print(flush=True)
demo.up(Path(sys.argv[1]), 20)
"""


@pytest.fixture(autouse=True)
def traceless() -> Iterator[None]:
    """Have each test begin with root, and end with the machine as it was."""
    needs.root()
    with needs.machine():
        before = traces()
        yield
        limit = time.monotonic() + 5
        while (after := traces()) != before and time.monotonic() < limit:
            time.sleep(0.05)
        assert after == before


def traces() -> dict[str, object]:
    """All that a farm could leave on a machine."""
    # A process that a farm leaves behind keeps its network, which has no name any more. Those of other farms have one.
    named = {rooted.identity(path) for path in bridge.NAMESPACES.glob("*")}
    networks = {rooted.identity(Path(f"/proc/{pid}/ns/net")) for pid in processes.running()} - named
    return {
        "devices": {name for name in bridge.addresses() if name.startswith("nicamon")},
        "namespaces": sorted(str(path) for path in Path("/run").glob("netns/*")),
        "mounts": sorted(
            line for line in Path("/proc/self/mounts").read_text().splitlines() if not needs.is_others(line)
        ),
        "etc": sorted(Path("/etc").iterdir()),
        "accounts": Path("/etc/passwd").read_text(),
        "opt": sorted(Path("/opt").iterdir()),
        "home": sorted(Path("/home").iterdir()),
        "networks": networks - {None},
    }


def test_up_twice_leaves_it(tmp_path: Path) -> None:
    said: list[str] = []
    first = demo.up(tmp_path / "demo", 2)
    second = demo.up(tmp_path / "demo", 5, said.append)
    assert said == ["already up: 2 nodes"]
    assert second == first
    demo.down(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
    demo.down(tmp_path / "demo", said.append)
    assert said[-1] == "no farm is up"


def test_two_farms_at_once(tmp_path: Path) -> None:
    one, two = (demo.up(tmp_path / name, 2) for name in ("one farm", "two"))
    try:
        assert one.subnet != two.subnet
        assert login(two, two.nodes[0].address, "hostname").strip() == "nc2.jinr.ru"
        demo.down(one.folder)
        assert all(row.alive for row in demo.status(two.folder))
    finally:
        demo.down(one.folder)
        demo.down(two.folder)


def test_a_killed_node_comes_back(tmp_path: Path) -> None:
    made = demo.up(tmp_path / "demo", 3)
    os.kill(made.nodes[1].pid, signal.SIGKILL)
    made.enter("nc4", ["sh", "-c", "kill $(cat /run/nicamon/sshd.pid)"])
    limit = time.monotonic() + 5
    while sum(row.alive for row in demo.status(made.folder)) > 1 and time.monotonic() < limit:
        time.sleep(0.02)
    assert [row.alive for row in demo.status(made.folder)] == [True, False, False]
    with pytest.raises(SetupError, match="not running"):
        made.enter("nc3", ["true"])
    demo.up(made.folder)
    assert login(made, made.nodes[1].address, "hostname").strip() == "nc3.jinr.ru"
    assert all(row.alive for row in demo.status(made.folder))
    demo.down(made.folder)


def test_down_after_a_node_was_killed(tmp_path: Path) -> None:
    made = demo.up(tmp_path / "demo", 2)
    os.kill(made.nodes[0].pid, signal.SIGKILL)
    demo.down(made.folder)


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_down_after_up_was_killed(tmp_path: Path, delay: float) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen([sys.executable, "-c", CODE, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
    demo.down(folder)
    assert not folder.exists()


def test_a_failed_up_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "names", lambda _farm, _node: ["layers/none/."])
    with pytest.raises(SetupError, match=r"did not come up: cp: .*layers/none"):
        demo.up(tmp_path / "demo", 2)
    assert not (tmp_path / "demo").exists()


def test_a_recycled_pid_is_spared(tmp_path: Path) -> None:
    made = demo.up(tmp_path / "demo", 1)
    with subprocess.Popen(["sleep", "60"]) as other:
        record = farm.load(made.folder)
        assert record is not None
        record.nodes[0].pid = other.pid
        record.save()
        demo.down(made.folder)
        assert other.poll() is None
        other.kill()
    os.waitpid(made.nodes[0].pid, 0)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    for order in (demo.up, demo.down):
        with pytest.raises(SetupError, match="no demo farm"):
            order(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_too_many_nodes(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="1 to 240"):
        demo.up(tmp_path / "demo", 241)
