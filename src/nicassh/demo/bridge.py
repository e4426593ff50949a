"""The network of a rooted farm: a bridge on this machine and a network namespace for each node.

Everything is named after the bridge, `nicamonN`: namespaces `nicamonN-nc2`, their cables
`nicamonN-2`. The bridge is made first, in one step with a hardware address that only this farm
knows, and removed last: who finds the bridge with another address leaves all of these alone.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from pathlib import Path

from nicassh.demo.farm import Farm
from nicassh.demo.plan import Node
from nicassh.model.errors import SetupError

NAMESPACES = Path("/run/netns")
PREFIX = "10.63"
PATIENCE = 5.0  # seconds for the kernel to take down a namespace
RIGHTS = "in a container it takes --privileged; or run it as an ordinary user, for a farm without namespaces"


def mark() -> str:
    """Return a hardware address to know a farm's bridge by: locally administered, the rest random."""
    return ":".join(["06", *(f"{byte:02x}" for byte in secrets.token_bytes(5))])


def name(farm: Farm) -> str:
    """Return the name of the farm's bridge."""
    return f"nicamon{farm.subnet}"


def namespace(farm: Farm, node: Node) -> str:
    """Return the name of a node's network namespace."""
    return f"{name(farm)}-{node.short}"


def addresses() -> dict[str, str]:
    """Return the network devices of this machine and their hardware addresses."""
    done = subprocess.run(["ip", "-json", "link"], capture_output=True, text=True, check=False)
    return {row["ifname"]: row.get("address", "") for row in json.loads(done.stdout or "[]")}


def routes() -> str:
    """Return all routes and addresses in the part of the network that farms use, as text."""
    done = subprocess.run(
        ["ip", "route", "show", "table", "all", "root", f"{PREFIX}.0.0/16"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def claim(farm: Farm) -> None:
    """Make the farm's bridge on the first free network; sets `subnet` and `mark`, and saves the farm.

    Raises SetupError when no network is free, or when making one is not allowed.
    """
    farm.mark = mark()
    taken, used = addresses(), routes()
    for subnet in range(256):
        if f"nicamon{subnet}" in taken or f"{PREFIX}.{subnet}." in used:
            continue
        farm.subnet = subnet
        farm.save()
        error = batch([f"link add name {name(farm)} address {farm.mark} type bridge"], farm.lock)
        if "File exists" in error:
            continue
        address = f"address add {PREFIX}.{subnet}.1/24 dev {name(farm)}"
        error = error or batch([address, f"link set {name(farm)} up"], farm.lock)
        if error:
            raise SetupError(f"cannot make a network bridge: {error}", RIGHTS)
        return
    raise SetupError(f"no network is free in {PREFIX}.0.0/16", "end a farm that you no longer use")


def connect(farm: Farm, nodes: list[Node]) -> None:
    """Make the namespaces of these nodes, each with a cable (`eth0` inside) to the bridge."""
    lines = []
    for node in nodes:
        inside, cable = namespace(farm, node), f"{name(farm)}-{node.number}"
        # Always the same: this machine remembers the address of a node that is started again.
        hardware = f"0a{farm.mark[2:-2]}{node.number:02x}"
        lines += [
            f"netns add {inside}",
            f"link add name {cable} type veth peer name eth0 address {hardware} netns {inside}",
            f"link set {cable} master {name(farm)} up",
        ]
    if error := batch(lines, farm.lock):
        raise SetupError(f"cannot make the nodes' networks: {error}", RIGHTS)


def owned(farm: Farm) -> bool:
    """Say whether what has this farm's names is this farm's, or nobody's."""
    present = addresses().get(name(farm))
    return farm.subnet >= 0 and present in (None, farm.mark)


def namespaces(farm: Farm) -> list[str]:
    """Return the names of the farm's network namespaces that exist."""
    if farm.subnet < 0 or not NAMESPACES.is_dir():
        return []
    return sorted(path.name for path in NAMESPACES.glob(f"{name(farm)}-nc*"))


def disconnect(found: list[str]) -> str:
    """Remove these namespaces and the cables into them; gives the first complaint, or nothing."""
    error = batch([f"netns delete {each}" for each in found], -1, "-force")
    # The kernel takes a cable away some time after its namespace has gone.
    cables = {each.replace("-nc", "-") for each in found}
    limit = time.monotonic() + PATIENCE
    while (left := cables & addresses().keys()) and time.monotonic() < limit:
        time.sleep(0.02)
    return error or (batch([f"link delete {cable}" for cable in sorted(left)], -1, "-force") if left else "")


def release(farm: Farm) -> str:
    """Remove the farm's bridge; gives the complaint, or nothing."""
    error = batch([f"link delete {name(farm)}"]) if name(farm) in addresses() else ""
    # Making the first namespace turns this folder into a mount: undone when the last has gone.
    if NAMESPACES.is_dir() and not any(NAMESPACES.iterdir()):
        done = subprocess.run(["umount", str(NAMESPACES)], capture_output=True, check=False)
        if done.returncode == 0 and not any(NAMESPACES.iterdir()):
            NAMESPACES.rmdir()
    return error


def batch(lines: list[str], lock: int = -1, *options: str) -> str:
    """Give these lines to one `ip` command; its first complaint, or nothing when all went well.

    The command shares the farm's lock: should this process be killed, `down` waits for the command.
    """
    done = subprocess.run(
        ["ip", *options, "-batch", "-"],
        input="\n".join(lines) + "\n",
        pass_fds=[lock] if lock >= 0 else [],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"ip ended with {done.returncode}"])[0]
