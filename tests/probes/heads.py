"""A head of a cluster for the script of the probe batch: its commands and files, and what the script makes of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import sampling
import shells
from shells import Run, Shell

import needs

Node = Callable[[Mapping[str, str]], str]
COMMANDS = ("qhost", "qstat", "scontrol", "condor_status")
HIDE = 'mount --bind "$bin" "$behind" && mount --bind "$front" "$bin" && unset bin behind front && exec "$@"'


def alone(shell: Shell, folder: Path) -> Shell:
    """The shell on a machine without batch systems of its own, and in another zone."""
    environment = {name: text for name, text in shell.environment.items() if not name.startswith("SGE_")}
    environment["TZ"] = "Asia/Tokyo"
    present = [Path(path) for path in map(shutil.which, COMMANDS) if path]
    if not present:
        return Shell(shell.argv, environment)
    needs.root("hides this machine's own batch systems")
    (place,) = {path.parent for path in present}
    behind, front = (folder / name for name in ("behind", "front"))
    if not front.exists():
        behind.mkdir(parents=True)
        front.mkdir()
        for name in {path.name for path in place.iterdir()} - set(COMMANDS):
            (front / name).symlink_to(behind / name)
    argv = [str(shutil.which("unshare")), "--mount", "/bin/sh", "-c", HIDE, "sh", *shell.argv]
    return Shell(argv, environment | {"bin": str(place), "behind": str(behind), "front": str(front)})


def write(top: Path, files: Mapping[str, str]) -> str:
    """Makes files below the top of a tree and gives the top. Those in a `bin`, and `arch`, can be run."""
    top.mkdir(exist_ok=True)
    for name, text in files.items():
        file = top / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        if "bin" in file.parent.parts or file.name == "arch":
            file.chmod(0o755)
    return str(top)


def asked(shell: Shell, top: str, path: str = "", patience: int = 10, **environment: str) -> Run:
    """Runs the script below a top, with folders in front of PATH. It waits `patience` ticks for each command."""
    probe = sampling.probes()["batch"]
    script = probe.script.replace("wait_guarded 12", f"wait_guarded {patience}").replace(
        "wait_guarded 5", f"wait_guarded {patience}"
    )
    assert script.count(f"wait_guarded {patience}") >= 2
    path = f"{path}:{shell.environment.get('PATH', os.defpath)}".lstrip(":")
    there = Shell(shell.argv, shell.environment | {"PATH": path} | environment)
    return shells.run(there, [replace(probe, script=script)], {"root": top})


def rows(run: Run) -> list[dict[str, Any]]:
    """What was told of Grid Engine."""
    section = run.sections["batch"]
    assert (section.status, section.whole, section.errors) == (0, True, b""), run.errors
    return sampling.rows("batch", section.output)


def reason(run: Run) -> str:
    """Why Grid Engine is down."""
    (row,) = rows(run)
    assert row["state"] == "down"
    return str(row["reason"])
