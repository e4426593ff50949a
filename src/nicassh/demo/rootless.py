"""Nodes without root: each an sshd of the current user on an address of the loopback."""

from __future__ import annotations

import os
import pwd
import socket
import time
from pathlib import Path

from nicassh.demo import plan, processes, sshd
from nicassh.demo.farm import Farm
from nicassh.demo.files import PRIVATE, known, pair, place
from nicassh.demo.plan import Node
from nicassh.model.errors import SetupError

NETWORK = "127.0.0"
TIMEOUT = 30.0
"""Seconds for all nodes to come up."""
ATTEMPTS = 50


def prepare(farm: Farm, count: int) -> None:
    """Choose a port and write the nodes' files; raises SetupError when the machine lacks something."""
    server = sshd.program("sshd", "openssh-server")
    farm.user = login()
    planned = plan.nodes(count, NETWORK, 0)
    farm.nodes = plan.nodes(count, NETWORK, port([node.address for node in planned]))
    farm.save()
    release = sshd.version(server)
    private, public = pair()
    place(farm.key, private, PRIVATE)
    place(farm.folder / "key.pub", public + "\n")
    lines = []
    for node in farm.nodes:
        own = farm.folder / "nodes" / node.short
        secret, shown = pair()
        place(own / "host_key", secret, PRIVATE)
        place(own / "authorized_keys", public + "\n")
        place(own / "sshd_config", sshd.config(release, str(own), node.address, node.port))
        lines.append(known(node, shown))
    place(farm.known_hosts, "".join(lines), PRIVATE)


def login() -> str:
    """Return the current user's name; raises SetupError when sshd could not let that user in."""
    uid = os.getuid()
    try:
        account = pwd.getpwuid(uid)
    except KeyError:
        raise SetupError(f"uid {uid} has no account on this machine", "run it as a user or as root") from None
    if Path(account.pw_shell).name in ("nologin", "false"):
        raise SetupError(f"{account.pw_name} has no login shell", "run it as another user or as root")
    return account.pw_name


def port(addresses: list[str]) -> int:
    """Return a port that is free on all these addresses; raises SetupError when none is found."""
    for _ in range(ATTEMPTS):
        chosen = 0
        held = []
        try:
            for address in addresses:
                held.append(socket.create_server((address, chosen)))
                chosen = int(held[0].getsockname()[1])
        except OSError:
            continue
        else:
            return chosen
        finally:
            for each in held:
                each.close()
    raise SetupError(f"no port is free on all of {NETWORK}.{plan.FIRST} and up", "try fewer nodes")


def settings(farm: Farm, node: Node) -> str:
    """Return the path of a node's sshd_config, by which its process is known."""
    return str(farm.folder / "nodes" / node.short / "sshd_config")


def start(farm: Farm, nodes: list[Node]) -> None:
    """Start these nodes, and wait until each answers; raises SetupError when one does not."""
    server = sshd.program("sshd", "openssh-server")
    for node in nodes:
        log = farm.folder / "nodes" / node.short / "log"
        node.pid, node.started = processes.spawn([server, "-D", "-e", "-f", settings(farm, node)], log)
    farm.save()
    limit = time.monotonic() + TIMEOUT
    waiting = list(nodes)
    while waiting:
        heard = sshd.answering(waiting)
        waiting = [node for node, good in zip(waiting, heard, strict=True) if not good]
        for node in waiting:
            if not processes.same(node.pid, node.started) or time.monotonic() > limit:
                log = farm.folder / "nodes" / node.short / "log"
                said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
                raise SetupError(f"{node.name} did not come up: {said[-1]}", f"see {server} -t")
        time.sleep(0.02)


def stop(farm: Farm) -> str:
    """End the farm's servers and the logins on them; gives a complaint, or nothing when all is gone."""
    # The command line, as well as the record: an interrupted start has left none.
    paths = [b" -f " + settings(farm, node).encode() for node in farm.nodes]

    def find() -> set[int]:
        servers = {pid for pid in processes.running() if serves(pid, paths)}
        servers |= {node.pid for node in farm.nodes if processes.same(node.pid, node.started)}
        return processes.descendants(servers)

    gone = processes.end(find)
    processes.bury(node.pid for node in farm.nodes)
    return "" if gone else "some servers of the nodes do not end"


def serves(pid: int, paths: list[bytes]) -> bool:
    """Say whether a process is an sshd started with one of these settings."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return False
    # sshd writes over its own command line: "sshd: /usr/sbin/sshd -D … [listener] …".
    return b"sshd" in line.split(b" ")[0] and any(path in line for path in paths)
