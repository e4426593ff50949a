"""The SSH server that every node of a farm is: where it is, its configuration, whether it answers."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from nicassh.demo.plan import Node
from nicassh.model.errors import SetupError

CONFIG = """Port {port}
ListenAddress {listen}
HostKey "{own}/host_key"
PidFile "{own}/sshd.pid"
AuthorizedKeysFile "{pattern}/authorized_keys"
UsePAM no
StrictModes no
PasswordAuthentication no
ChallengeResponseAuthentication no
MaxStartups 100:30:200
PrintMotd no
PrintLastLog no
UseDNS no
LogLevel ERROR
Subsystem sftp internal-sftp
"""
PLACES = "/usr/sbin:/usr/local/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


def program(name: str, package: str) -> str:
    """Return the absolute path of a program, which sshd for one insists upon.

    Raises SetupError, naming the package, when the machine does not have it.
    """
    path = shutil.which(name, path=PLACES) or shutil.which(name)
    if path is None:
        hint = f"install it: python -m nicassh.demo.packages {package}"
        raise SetupError(f"the demo farm needs {name}, from the package {package}", hint)
    return str(Path(path).absolute())


def version(sshd: str) -> tuple[int, int]:
    """Return the version of OpenSSH; (0, 0) when it does not say."""
    # Older ones do not know -V, and say their version along with the complaint.
    done = subprocess.run([sshd, "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", done.stderr + done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def config(release: tuple[int, int], own: str, listen: str, port: int) -> str:
    """Return the configuration of a node's sshd of this version; `own` is the folder with its keys."""
    text = CONFIG.format(port=port, listen=listen, own=own, pattern=own.replace("%", "%%"))
    # From 9.8 on sshd shuts out an address that connects without logging in, as `status` does.
    return text + ("PerSourcePenalties no\n" if release >= (9, 8) else "")


def answers(node: Node, seconds: float = 3.0) -> bool:
    """Say whether an SSH server greets at the node's address, within that time."""
    try:
        with socket.create_connection((node.address, node.port), timeout=seconds) as line:
            line.settimeout(seconds)
            return line.recv(8).startswith(b"SSH-")
    except OSError:
        return False


def answering(nodes: Iterable[Node], seconds: float = 3.0) -> list[bool]:
    """Return for each of the nodes whether it answers; asked several at a time."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(partial(answers, seconds=seconds), nodes))
