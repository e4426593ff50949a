"""The links by which this machine starts a service at boot."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path("/")
# For systemd, where a package switches a unit on; for sysv, where a link beginning with S starts it.
PATTERNS = (
    "etc/systemd/system/*.wants/{name}.*",
    "etc/systemd/system/*.requires/{name}.*",
    "etc/systemd/system/{name}d.service",
    "etc/rc?.d/S??{name}",
)


def links(names: Sequence[str], root: Path = ROOT) -> set[Path]:
    """Return the links that start these services."""
    return {path for name in names for pattern in PATTERNS for path in root.glob(pattern.format(name=name))}


def restore(names: Sequence[str], before: set[Path]) -> None:
    """Switch these services off, if they were off before."""
    for name in names:
        if not links([name]) - before:
            continue
        for argv in (
            # These only edit links, and do so as well where systemd does not run.
            ["systemctl", "disable", f"{name}.service"],
            ["systemctl", "disable", f"{name}.socket"],
            ["deb-systemd-helper", "disable", f"{name}.service"],
            ["deb-systemd-helper", "disable", f"{name}.socket"],
            ["update-rc.d", name, "disable"],
        ):
            if shutil.which(argv[0]):
                subprocess.run(argv, capture_output=True, check=False)
        for path in links([name]) - before:
            path.unlink()
