"""Nodes as root: each in namespaces of its own, with its own address, users, processes and files."""

from __future__ import annotations

import time
from pathlib import Path

from nicassh.demo import bridge, freezer, layers, people, plan, processes, sshd, systems
from nicassh.demo.farm import Farm
from nicassh.demo.plan import Node
from nicassh.model.errors import SetupError

NEEDED = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux"}
SCRIPT = Path(__file__).with_name("node.sh")
PORT = 22
TIMEOUT = 60.0
"""Seconds for all nodes to come up."""


def prepare(farm: Farm, count: int) -> None:
    """Claim a network and write the nodes' files; raises SetupError when the machine lacks something."""
    for name, package in NEEDED.items():
        sshd.program(name, package)
    server = sshd.program("sshd", "openssh-server")
    farm.user = people.COLLECTOR
    plan.nodes(count, bridge.PREFIX, PORT)
    bridge.claim(farm)
    farm.nodes = plan.nodes(count, f"{bridge.PREFIX}.{farm.subnet}", PORT)
    systems.assign(farm)
    farm.save()
    layers.lay(farm, server)


def start(farm: Farm, nodes: list[Node]) -> None:
    """Start these nodes, and wait until each answers; what is left of an earlier start goes first.

    Raises SetupError when one does not come up.
    """
    old = {bridge.namespace(farm, node) for node in nodes} & set(bridge.namespaces(farm))
    if old:
        clear(farm, nodes, sorted(old))
    bridge.connect(farm, nodes)
    server = sshd.program("sshd", "openssh-server")
    door = sshd.program("nsenter", "util-linux")
    apart = ["--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    for node in nodes:
        own = farm.folder / "nodes" / node.short
        (own / "ready").unlink(missing_ok=True)
        systems.forget(farm, node)
        network = str(bridge.NAMESPACES / bridge.namespace(farm, node))
        facts = [str(farm.folder), network, node.name, node.address, server, *layers.names(farm, node)]
        grouped = freezer.inside(farm, node)
        argv = [door, f"--net={network}", "--", "unshare", *apart, "--", *grouped, "/bin/sh", str(SCRIPT), *facts]
        node.pid, node.started = processes.spawn(argv, own / "log")
    farm.save()
    wait(farm, nodes)


def wait(farm: Farm, nodes: list[Node]) -> None:
    """Wait until these nodes answer; raises SetupError with the log of one that died or is late."""
    limit = time.monotonic() + TIMEOUT
    waiting = list(nodes)
    while waiting:
        for node in waiting:
            if not processes.same(node.pid, node.started) or time.monotonic() > limit:
                raise failure(farm, node)
        # A connection to a node without an address yet would hang, so each says when it has one.
        ready = [node for node in waiting if (farm.folder / "nodes" / node.short / "ready").exists()]
        heard = sshd.answering(ready) if ready else []
        waiting = [node for node in waiting if node not in ready or not heard[ready.index(node)]]
        time.sleep(0.02)


def failure(farm: Farm, node: Node) -> SetupError:
    """Return what a node that did not come up has to say."""
    log = farm.folder / "nodes" / node.short / "log"
    said = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    reason = said[-1] if said else "it said nothing"
    return SetupError(f"{node.name} did not come up: {reason}", bridge.RIGHTS)


def stop(farm: Farm) -> str:
    """Remove the farm's processes and network; gives a complaint, or nothing when all is gone."""
    ours = bridge.owned(farm)
    error = clear(farm, farm.nodes, bridge.namespaces(farm) if ours else [])
    return error or (bridge.release(farm) if ours else "")


def clear(farm: Farm, nodes: list[Node], names: list[str]) -> str:
    """Kill all that runs in these nodes and network namespaces; then remove these, and the nodes' control groups."""
    # Found by the network namespace, since an interrupted start has left no record of its processes.
    marks = {identity(bridge.NAMESPACES / name) for name in names} - {None}
    known = [(node.pid, node.started) for node in nodes]
    groups = freezer.groups(farm, nodes)

    def find() -> set[int]:
        # Each time: a daemon that is killed while it ends a job leaves the job frozen.
        freezer.thaw(groups)
        inside = {pid for pid in processes.running() if identity(Path(f"/proc/{pid}/ns/net")) in marks}
        return inside | {pid for pid, since in known if processes.same(pid, since)}

    gone = processes.end(find)
    processes.bury(pid for pid, _ in known)
    error = bridge.disconnect(names) if names else ""
    # One that entered its namespace just now: those that come later see that it has gone, and end.
    gone = processes.end(find) and gone
    return error or freezer.remove(groups) if gone else "some processes of the nodes do not end"


def identity(path: Path) -> tuple[int, int] | None:
    """Return the two numbers by which a namespace is known; none when there is none at the path."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
