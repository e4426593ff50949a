"""The built-in probes on the machine that runs the tests, through the real bundle, under every shell."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest
import sampling
import shells
from shells import Run, Shell

from nicassh.collection.judge import ABSENT


def rows(run: Run, name: str) -> list[dict[str, Any]]:
    section = run.sections[name]
    assert section.whole, section
    assert section.status == 0, section
    assert section.errors == b""
    return sampling.of(name, sampling.rows(name, section.output))


@pytest.fixture
def here(shell: Shell) -> Run:
    return shells.run(shell, list(sampling.everywhere().values()), {"roots": "/opt\n/usr/local"})


def test_every_probe_is_whole_and_quiet(here: Run) -> None:
    assert set(here.sections) == set(sampling.everywhere())
    for name, section in here.sections.items():
        if section.status == ABSENT:
            assert (section.whole, section.output, section.errors) == (True, b"", b""), name
        else:
            rows(here, name)
    assert here.output.endswith(f"\n{here.mark} end\n".encode())


def test_load(shell: Shell) -> None:
    before = Path("/proc/loadavg").read_text().split()[:3]
    (load,) = rows(shells.run(shell, [sampling.probes()["load"]]), "load")
    after = Path("/proc/loadavg").read_text().split()[:3]
    assert [load["load1"], load["load5"], load["load15"]] in ([float(one) for one in before], [*map(float, after)])
    assert load["processes"] >= 2


def test_memory(here: Run) -> None:
    sizes = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    (memory,) = rows(here, "memory")
    assert memory["total"] == int(sizes["MemTotal"].split()[0]) * 1024
    assert memory["available"] == pytest.approx(int(sizes["MemAvailable"].split()[0]) * 1024, rel=0.1)
    assert not memory["estimated"]


def test_disks(here: Run) -> None:
    disks = rows(here, "disks")
    assert disks
    for disk in disks:
        known = os.statvfs(disk["mount"])
        assert disk["size"] == known.f_frsize * known.f_blocks
        assert disk["free"] == pytest.approx(known.f_frsize * known.f_bavail, rel=0.05)
        assert disk["inodes"] == (known.f_files or None)


def test_processes(here: Run) -> None:
    processes = rows(here, "processes")
    (ours,) = [process for process in processes if process["pid"] == os.getpid()]
    words = Path("/proc/self/cmdline").read_bytes().decode().replace("\0", " ").rstrip()
    assert ours["user"] == pwd.getpwuid(os.geteuid()).pw_name
    assert ours["command"] == words
    assert ours["parent"] == os.getppid()
    assert ours["name"] == Path("/proc/self/comm").read_text().rstrip("\n")
    assert ours["time"] == pytest.approx(sum(os.times()[:2]), abs=5)
    assert not [process for process in processes if process["pid"] == here.session], "the probe lists itself"


def test_processes_over_an_interval(shell: Shell) -> None:
    run = shells.run(shell, [sampling.probes()["processes"]], {"interval": "1"})
    (ours,) = [process for process in rows(run, "processes") if process["pid"] == os.getpid()]
    assert run.output.count(f"\n{os.getpid()}/stat:".encode()) == 2
    assert ours["cpu_percent"] < 90, "we only waited"


def test_system(here: Run) -> None:
    (system,) = rows(here, "system")
    assert system["kernel"] == os.uname().release
    assert system["hostname"] == os.uname().nodename
    assert system["cpus"] == os.sysconf("SC_NPROCESSORS_ONLN")
    assert system["boot_time"].endswith("Z")
