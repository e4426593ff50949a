"""NVIDIA's cards under every shell, with a stand-in for nvidia-smi: drivers old and new, that fail and that hang."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sampling
import shells
import smi
from shells import Run, Shell
from smi import CARD, PROCESS, Driver

import needs
from nicassh.collection.judge import ABSENT
from nicassh.model.outcome import Unknown

Tree = Callable[[Mapping[str, str]], str]
BUS = "sys/bus/pci/devices/0000:17:00.0"
CARDED = {f"{BUS}/vendor": "0x10de\n", f"{BUS}/class": "0x030200\n"}
CARDLESS = {f"{BUS}/vendor": "0x10de\n", f"{BUS}/class": "0x068000\n"}
SILENT = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that it is running."


def run(shell: Shell, folder: Path, root: str, patience: int = 60) -> Run:
    """The probe with the program of this folder first in PATH, below a tree of files."""
    path = f"{folder}:{shell.environment['PATH']}"
    there = replace(shell, environment={**shell.environment, "PATH": path})
    probe = sampling.probes()["gpus"]
    script = probe.script.replace("wait_guarded 12", f"wait_guarded {patience}")
    done = shells.run(there, [replace(probe, script=script)], {"root": root})
    assert shells.remaining(done.session) == []
    return done


def found(done: Run) -> list[dict[str, Any]]:
    section = done.sections["gpus"]
    assert (section.status, section.whole, section.errors) == (0, True, b""), section
    return sampling.rows("gpus", section.output)


def unknown(done: Run) -> set[str]:
    """The types of records that the probe could not learn."""
    records = sampling.probes()["gpus"].parse(done.sections["gpus"].output.decode())
    return {record.record.__name__ for record in records if isinstance(record, Unknown)}


def test_a_node_without_the_program_has_no_cards_and_forks_nothing(shell: Shell) -> None:
    needs.root()
    probe = sampling.probes()["gpus"]
    section = shells.run(shell, [probe]).sections["gpus"]
    assert (section.status, section.errors) == (ABSENT, b"")
    assert shells.forks(shell, probe) == 0


def test_cards_and_whose_processes_run_on_them(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    names = {"11": "./a, b", "12": "evil\nprocesses\nguard nvidia-smi 1\nowner 11 0\n\nend", "13": "gone", "0": "?"}
    driver = Driver(processes=[PROCESS | {"pid": pid, "process_name": name} for pid, name in names.items()])
    files = {
        "proc/11/status": "Name:\ta\nUmask:\t0022\nUid:\t0\t501\t0\t0\nGid:\t9\t9\t9\t9\n",
        "proc/12/status": "Name:\tUid:\\n7\nUid:\t502\t502\t502\t502\n",
        "etc/passwd": "root:x:0:0::/:/bin/sh\nmerz:x:501:500::/:/bin/sh\nalias:x:501:500::/:/bin/sh\n",
    }
    card, *processes = found(run(shell, smi.place(tmp_path / "bin", driver), tree(files)))
    assert (card["uuid"], card["state"], card["utilisation"], card["memory_used"]) == ("GPU-a", "ok", 97.0, 30513 << 20)
    assert [(row["pid"], row["user"]) for row in processes] == [(11, "merz"), (12, "502"), (13, None), (0, None)]
    assert [row["name"] for row in processes] == [name.replace("\n", "␊") for name in names.values()]
    assert {row["memory_used"] for row in processes} == {268 << 20}
    assert len(smi.asked(tmp_path / "bin")) == 2


def test_an_old_driver_is_asked_for_what_it_knows(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    driver = Driver(unknown=["mig.mode.current", "gpu_recovery_action", "index.none"])
    (card,) = found(run(shell, smi.place(tmp_path, driver), tree({"etc/passwd": ""})))
    assert (card["power"], card["ecc_aggregate"], card["mig"], card["state"]) == (287.41, 2, None, "ok")
    assert len(smi.asked(tmp_path)) == 4


@pytest.mark.parametrize("refusal", ["Unknown query option: {}", 'Field "fan.speed" is not a valid field to query.'])
def test_a_driver_that_refuses_in_other_words(shell: Shell, tree: Tree, tmp_path: Path, refusal: str) -> None:
    driver = Driver(unknown=["power.limit"], refusal=refusal)
    (card,) = found(run(shell, smi.place(tmp_path, driver), tree({"etc/passwd": ""})))
    assert (card["temperature"], card["power"], card["memory"]) == (63.0, None, 81920 << 20)
    assert len(smi.asked(tmp_path)) == 3


def test_a_driver_that_refuses_everything_fails(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    driver = Driver(unknown=["index"], refusal="Unknown query option: {}")
    section = run(shell, smi.place(tmp_path, driver), tree(CARDED)).sections["gpus"]
    assert (section.status, section.errors) == (1, b"Unknown query option: index")
    assert len(smi.asked(tmp_path)) == 2


@pytest.mark.parametrize(("says", "status"), [("No devices were found", 6), (SILENT, 9)])
def test_a_driver_that_fails_and_a_node_without_a_card(
    shell: Shell, tree: Tree, tmp_path: Path, says: str, status: int
) -> None:
    folder = smi.place(tmp_path / "bin", Driver(says=says, status=status))
    for files, expected in ((CARDED, 1), (CARDLESS, ABSENT)):
        section = run(shell, folder, tree(files)).sections["gpus"]
        assert (section.status, section.errors, section.whole) == (expected, says.encode(), True)


def test_a_card_in_parts(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    parts = ["GPU 0: NVIDIA A100 (UUID: GPU-a)", "  MIG 3g.40gb     Device  0: (UUID: MIG-b)"]
    driver = Driver(cards=[CARD | {"mig.mode.current": "Enabled", "utilization.gpu": "[N/A]"}], parts=parts)
    card, part = found(run(shell, smi.place(tmp_path, driver), tree({"etc/passwd": ""})))
    assert (card["mig"], card["utilisation"]) == ("Enabled", None)
    assert (part["gpu"], part["uuid"], part["profile"]) == ("GPU-a", "MIG-b", "3g.40gb")


def test_a_program_that_hangs_is_a_failure(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nsleep 323\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    done = run(shell, tmp_path, tree(CARDED), patience=5)
    section = done.sections["gpus"]
    assert (section.status, section.errors) == (1, b"nvidia-smi gave no answer in 12 s")
    assert done.seconds < 4


def test_one_that_hangs_after_the_cards_leaves_the_processes_unknown(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    smi.place(tmp_path / "real", Driver(cards=[CARD | {"mig.mode.current": "Enabled"}]))
    (tmp_path / "nvidia-smi").write_text(
        f'#!/bin/sh\ncase $1 in --query-gpu*) exec {tmp_path}/real/nvidia-smi "$@" ;; esac\nsleep 323\n'
    )
    (tmp_path / "nvidia-smi").chmod(0o755)
    done = run(shell, tmp_path, tree({"etc/passwd": ""}), patience=5)
    (card,) = found(done)
    assert card["utilisation"] == 97.0
    assert unknown(done) == {"Process", "Mig"}


def test_no_second_is_started_while_one_hangs(shell: Shell, tree: Tree, tmp_path: Path) -> None:
    root = tree(CARDED)
    environment = {**os.environ, "NICAMON_GUARD": f"{root}nvidia-smi;"}
    first = subprocess.Popen(["sleep", "60"], env=environment, start_new_session=True)
    try:
        time.sleep(0.2)
        section = run(shell, smi.place(tmp_path, Driver()), root).sections["gpus"]
    finally:
        first.kill()
        first.wait()
    assert (section.status, section.errors) == (1, b"an earlier nvidia-smi still hangs")
    assert smi.asked(tmp_path) == []
