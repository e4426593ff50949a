"""Trees of files that look like a node with daemons on it, and what the probe of services finds there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sampling
import shells
from shells import Shell

STAT = "{pid} ({name}) {state} {parent} 1 1 0 -1 {flags} 0 0 0 0 41 17 0 0 20 0 1 0 {started} 86016000 1201"
LOGIN = "UID_MIN 1000\n"
ACCOUNTS = "root:x:0:0::/:/bin/sh\nxrootd:x:104:106::/:/bin/false\nslurm:x:1002:1002::/:/bin/false\n"
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def process(
    pid: int,
    name: str,
    *arguments: str,
    uids: Sequence[int] = (0, 0),
    parent: int = 1,
    state: str = "S",
    started: int = 500,
    flags: int = 4194560,
    spaces: str = "",
) -> dict[str, str]:
    """The files of one process; `uids` are the real and the effective user id, `spaces` its further ids (NSpid)."""
    facts = {"pid": pid, "name": name, "state": state, "parent": parent, "started": started, "flags": flags}
    real, effective = uids
    status = f"Name:\t{name}\nUid:\t{real}\t{effective}\t{effective}\t{effective}\nNSpid:\t{pid}{spaces}\n"
    return {
        f"proc/{pid}/stat": STAT.format(**facts) + "\n",
        f"proc/{pid}/status": status,
        f"proc/{pid}/cmdline": "".join(f"{word}\0" for word in arguments or (name,)),
    }


def node(*processes: Mapping[str, str], **files: str) -> dict[str, str]:
    """The files of a node booted at 1413792000: those that it always has, its processes, and further ones."""
    usual = {
        "proc/stat": "cpu 1 2 3\nbtime 1413792000\n",
        "proc/mounts": "/dev/sda1 / xfs rw 0 0\n",
        "proc/sys/kernel/hostname": "nc5.jinr.ru\n",
        "proc/net/tcp": HEADER,
        "etc/login.defs": LOGIN,
        "etc/passwd": ACCOUNTS,
    }
    return {**usual, **{name: text for one in processes for name, text in one.items()}, **files}


def listening(*sockets: tuple[int, int]) -> str:
    """The text of /proc/net/tcp with a listening socket for each port and user id, and a connection beside them."""
    row = (
        "{0:4d}: 00000000:{1:04X} {2}:{3:04X} {4} 00000000:00000000 00:00000000 00000000 {5:5d}        0 1{0} 1 ff 9\n"
    )
    rows = [row.format(index, port, "00000000", 0, "0A", uid) for index, (port, uid) in enumerate(sockets)]
    return HEADER + "".join(rows) + row.format(99, 1094, "0A3F0105", 40000, "01", 0)


def ask(shell: Shell, root: str, programs: Mapping[str, str] | None = None, **parameters: str) -> shells.Run:
    """A run on a tree. `programs` are texts of scripts that stand before all others in PATH."""
    place = Path(root).parent / "programs"
    place.mkdir(exist_ok=True)
    for name, text in {"xrdfs": "exit 51", **(programs or {})}.items():
        (place / name).write_text(f"#!/bin/sh\n{text}\n")
        (place / name).chmod(0o755)
    path = f"{place}:{shell.environment.get('PATH', os.defpath)}"
    beside = replace(shell, environment={**shell.environment, "PATH": path})
    return shells.run(beside, [sampling.probes()["services"]], {"root": root, "units": "", **parameters})


def rows(run: shells.Run) -> list[dict[str, Any]]:
    section = run.sections["services"]
    assert (section.status, section.whole, section.errors) == (0, True, b""), section
    return sampling.rows("services", section.output)


def services(run: shells.Run) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["service"], row["instance"]): row for row in sampling.of("services", rows(run))}


def states(run: shells.Run) -> dict[str, str]:
    return {f"{service} {instance}".rstrip(): row["state"] for (service, instance), row in services(run).items()}
