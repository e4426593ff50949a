"""The folders that a rooted node's private /etc, /home, /opt and /run/nicamon are made of.

layers/common     users, programs, sshd's configuration
layers/el6 …      the look of an operating system
layers/apr13 …    a release of the physics software
nodes/nc2 …       what one node has alone: its host key and the processes to start
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nicassh.demo import people, software, sshd, systems
from nicassh.demo.farm import Farm
from nicassh.demo.files import PRIVATE, PROGRAM, PUBLIC, known, pair, place
from nicassh.demo.plan import Node

OWN = "/run/nicamon"
NSSWITCH = "passwd: files\ngroup: files\nshadow: files\nhosts: files\nnetworks: files\nservices: files\n"
PROFILE = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\nexport PATH\n"


def lay(farm: Farm, server: str) -> None:
    """Write all layers of a farm, its client key and the known_hosts; `server` is sshd's path."""
    layers = farm.folder / "layers"
    private, public = pair()
    place(farm.key, private, PRIVATE)
    place(farm.folder / "key.pub", public + "\n")
    common(layers / "common", farm, public)
    settings = sshd.config(sshd.version(server), OWN, "0.0.0.0", farm.nodes[0].port)  # noqa: S104
    place(layers / "common" / "sshd_config", settings)
    for name in software.SYSTEMS:
        plant(layers / name, software.identity(name))
    for name, release in software.RELEASES.items():
        plant(layers / name, release.files())
    systems.lay(farm)
    keys = [known(node, single(farm, node)) for node in farm.nodes]
    place(farm.known_hosts, "".join(keys), PRIVATE)


def names(farm: Farm, node: Node) -> list[str]:
    """Return the layers of a node, the lowest first, as paths in the farm's folder."""
    shared = ("common", software.system(node.number), software.release(node.number), *farm.systems)
    # The last dot has cp copy what is inside.
    return [f"layers/{name}/." for name in shared] + [f"nodes/{node.short}/layer/."]


def plant(root: Path, files: dict[str, str]) -> None:
    """Write files below a folder; programs are those in a bin."""
    for path, text in files.items():
        place(root / path, text, PROGRAM if "/bin/" in path else PUBLIC)


def common(root: Path, farm: Farm, public: str) -> None:
    """Write what all nodes have: accounts, hosts, homes, programs under their physics names."""
    hosts = "127.0.0.1 localhost\n" + "".join(f"{node.address} {node.name} {node.short}\n" for node in farm.nodes)
    etc = people.accounts(systems.accounts(farm)) | {
        "etc/hosts": hosts,
        "etc/nsswitch.conf": NSSWITCH,
        "etc/profile": PROFILE,
    }
    plant(root, etc | {"authorized_keys": public + "\n", "beat.sh": people.BEAT})
    (root / "etc/shadow").chmod(PRIVATE)
    root.chmod(0o755)
    for name in ("idle", "beat"):
        os.mkfifo(root / name)
        (root / name).chmod(0o666)
    shell = shutil.which("dash", path=sshd.PLACES) or "/bin/sh"
    programs = root / "bin"
    programs.mkdir()
    programs.chmod(0o755)
    for name in people.PROGRAMS:
        (programs / name).symlink_to(shell)
    homes(root / "home")


def homes(root: Path) -> None:
    """Make the users' home folders, with the scripts that their processes run."""
    for login, uid in {people.COLLECTOR: people.COLLECTOR_ID, **people.USERS}.items():
        home = root / login
        scripts = people.SCRIPTS if login in people.USERS else ()
        for name in scripts:
            place(home / name, people.script(name))
        home.mkdir(exist_ok=True, parents=True)
        group = people.GROUP if scripts else uid
        for path in (home, *home.iterdir()):
            os.chown(path, uid, group)
    root.chmod(0o755)


def single(farm: Farm, node: Node) -> str:
    """Write what one node has alone, and give its public host key."""
    private, public = pair()
    layer = farm.folder / "nodes" / node.short / "layer"
    place(layer / "host_key", private, PRIVATE)
    place(layer / "launch", systems.launch(farm, node) + people.launch(node.number))
    place(layer / "etc/hostname", node.name + "\n")
    return public
