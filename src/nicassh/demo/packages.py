"""Debian packages that the demo or the tests need, installed without starting any service.

python -m nicassh.demo.packages openssh-server iproute2
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from nicassh.demo import services
from nicassh.model.errors import SetupError

POLICY = Path("/usr/sbin/policy-rc.d")
NOTICE = "# Put here by nicassh.demo.packages while it installs, and removed after."
LISTS = Path("/var/lib/apt/lists")
# The services that a package switches on, or one that it needs, and that must not stay so.
SERVICES = {
    "openssh-server": ("ssh",),
    "gridengine-master": ("gridengine-master",),
    "gridengine-exec": ("gridengine-exec",),
    "munge": ("munge",),
    "slurmctld": ("slurmctld", "munge"),
    "slurmd": ("slurmd", "munge"),
    "xrootd-server": ("logrotate",),
    "postgresql": ("postgresql",),
    "mariadb-server": ("mariadb",),
}
# Grid Engine asks for a program that sends mail. Of all that do, this is no service; the usual one is.
SENDER = Path("/usr/sbin/sendmail")
MAILER = "dma"


def missing(packages: Sequence[str]) -> list[str]:
    """Return those of the packages that are not installed."""
    form = "${db:Status-Status} ${Package}\n"
    done = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    present = {line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith("installed ")}
    return [name for name in packages if name not in present]


def with_mailer(packages: list[str], sender: Path = SENDER) -> list[str]:
    """Return these packages, and one that sends mail where they need it and the machine has none."""
    needed = any(name.startswith("gridengine-") for name in packages)
    return [*packages, MAILER] if needed and not sender.exists() else packages


def install(packages: Sequence[str], report: Callable[[str], None]) -> list[str]:
    """Install the packages that are missing, and give their names; root's services stay as they were.

    Raises SetupError when this user or this machine cannot, naming the packages and the command.
    """
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None or shutil.which("dpkg-query") is None:
        raise SetupError(
            f"this machine has no apt-get to install {' '.join(packages)} with",
            "install what provides these with the machine's own tool; sshd is in openssh-server",
        )
    wanted = with_mailer(missing(packages))
    if not wanted:
        return []
    if os.geteuid() != 0:
        raise SetupError(f"these packages are missing: {' '.join(wanted)}", f"as root: {command}")
    report("installing " + " ".join(wanted))
    names = [service for package in wanted for service in SERVICES.get(package, ())]
    before = services.links(names)
    try:
        with services_held():
            fetch(wanted)
    finally:
        # Also when the install failed half way: what it switched on is switched off.
        services.restore(names, before)
    return wanted


def fetch(wanted: list[str]) -> None:
    """Have apt install packages, with fresh lists if it takes that; raises SetupError when it fails."""
    fresh = not any(LISTS.glob("*Packages*"))
    if fresh:
        apt("update")
    error = apt("install", "-y", "--no-install-recommends", *wanted)
    if error and not fresh:
        apt("update")
        error = apt("install", "-y", "--no-install-recommends", *wanted)
    if error:
        raise SetupError(f"apt-get could not install {' '.join(wanted)}: {error}", "see apt-get's own words")


def apt(*words: str) -> str:
    """Run apt-get without questions; its last line of complaint, or nothing when it went well."""
    done = subprocess.run(
        ["apt-get", "-q", *words],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
    return (said or [f"apt-get ended with {done.returncode}"])[-1] if done.returncode else ""


@contextmanager
def services_held(policy: Path = POLICY) -> Iterator[None]:
    """Keep packages from starting services meanwhile; a policy that the machine has is left alone."""
    if policy.is_file() and NOTICE in policy.read_text(errors="replace"):
        # Ours, from a run that was killed.
        policy.unlink()
    ours = False
    with suppress(FileExistsError), policy.open("x") as file:
        ours = True
        file.write(f"#!/bin/sh\n{NOTICE}\nexit 101\n")
    try:
        if ours:
            policy.chmod(0o755)
        yield
    finally:
        if ours:
            policy.unlink(missing_ok=True)


def main(words: Sequence[str]) -> int:
    """Install the packages named on the command line; the exit code, 2 when that cannot be done."""
    if not words or words[0].startswith("-"):
        print("usage: python -m nicassh.demo.packages PACKAGE...", file=sys.stderr)
        return 2
    try:
        install(words, lambda line: print(line, file=sys.stderr))
    except SetupError as error:
        print(f"{error.what}\n{error.hint}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
