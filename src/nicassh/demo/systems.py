"""The batch and storage systems that a rooted farm can run besides SSH servers.

farm = up(Path("/tmp/farm"), systems=["sge", "xrootd"])
systems.order(farm, "sge", "nc10", "stop")
"""

from __future__ import annotations

import pwd
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from nicassh.demo import gridengine, slurm, sshd, xrootd
from nicassh.demo.farm import Farm
from nicassh.demo.files import place
from nicassh.demo.plan import Node
from nicassh.demo.system import System
from nicassh.model.errors import SetupError

KNOWN = {each.word: each for each in (gridengine.SYSTEM, slurm.SYSTEM, xrootd.SYSTEM)}
TIMEOUT = 60.0
"""Seconds in which a system must come up."""
OWN = "/run/nicamon"
SUBMIT_NODE, CLUSTER = 2, "nica"
"""The node on which users submit jobs has the commands of every batch system, and is asked for all of them."""


def chosen(farm: Farm) -> list[System]:
    """Return the systems that this farm runs."""
    return [KNOWN[word] for word in farm.systems]


def check(words: Sequence[str], root: bool) -> None:
    """Raise SetupError where there is no such system, or no right to run it."""
    for word in words:
        if word not in KNOWN:
            raise SetupError(f"there is no system {word!r}", "known are " + ", ".join(KNOWN))
    if words and not root:
        raise SetupError(
            f"{', '.join(KNOWN[word].title for word in words)}: only root can run these on a demo farm",
            "run it as root, or without --with",
        )


def assign(farm: Farm) -> None:
    """Give the nodes their parts in the farm's systems; raises SetupError when something is lacking."""
    for each in chosen(farm):
        for program, package in each.programs.items():
            sshd.program(program, package)
        last = max(each.duties)
        if farm.nodes[-1].number < last:
            raise SetupError(f"{each.title} takes the nodes up to nc{last}", f"--nodes {last - 1} or more")
        for node in farm.nodes:
            node.role = each.roles.get(node.number, node.role)
            if each.batch and node.number == SUBMIT_NODE:
                node.batch_cluster = CLUSTER


def accounts(farm: Farm) -> list[pwd.struct_passwd]:
    """Return the users that the systems' packages made, whom the nodes must have.

    Raises SetupError if one is missing.
    """
    try:
        return [pwd.getpwnam(name) for each in chosen(farm) for name in each.accounts]
    except KeyError as error:
        raise SetupError(f"a package has not made its user: {error}", "install it again") from error


def lay(farm: Farm) -> None:
    """Write the files of the farm's systems, and the scripts that start them."""
    for each in chosen(farm):
        script = Path(__file__).with_name(each.script).read_text()
        place(farm.folder / "layers" / each.word / f"{each.word}.sh", script)
        each.lay(farm)


def launch(farm: Farm, node: Node) -> str:
    """Return the shell text that starts a node's parts in the background; it is run in the farm's folder."""
    lines = []
    for each in chosen(farm):
        if duty := each.duty(node.number):
            stem = f"nodes/{node.short}/{each.word}"
            run = f"sh {OWN}/{each.word}.sh {duty} up"
            lines.append(f"( code=0; {run} || code=$?; echo $code >{stem}.end ) >{stem}.log 2>&1 &\n")
    return "".join(lines)


def forget(farm: Farm, node: Node) -> None:
    """Remove what an earlier start of a node has left."""
    for each in chosen(farm):
        for kind in ("end", "log"):
            (farm.folder / "nodes" / node.short / f"{each.word}.{kind}").unlink(missing_ok=True)


def wait(farm: Farm, report: Callable[[str], None], fresh: Sequence[Node] = ()) -> None:
    """Wait until all systems are up, where these nodes were started again, or all for the first time.

    Raises SetupError with the words of a system that does not come up.
    """
    for each in chosen(farm):
        wait_until_up(each, partial(unstarted, farm, each))
        if each.leader in [node.number for node in fresh]:
            restart(farm, each.word)
        wait_until_up(each, partial(each.awaited, farm))
        report(f"{each.title} up: {each.duties[each.leader]} on nc{each.leader}")


def wait_until_up(each: System, awaited: Callable[[], str]) -> None:
    """Wait until `awaited` returns "". Raises SetupError after TIMEOUT."""
    limit = time.monotonic() + TIMEOUT
    while late := awaited():
        if time.monotonic() > limit:
            raise SetupError(f"{each.title} did not come up: {late}", "nicamon demo down; nicamon demo up")
        time.sleep(0.2)


def unstarted(farm: Farm, each: System) -> str:
    """Return which node has not started its part yet, or nothing; raises SetupError when one failed."""
    late = ""
    for node in (node for node in farm.nodes if each.duty(node.number)):
        stem = farm.folder / "nodes" / node.short / each.word
        end, log = stem.with_suffix(".end"), stem.with_suffix(".log")
        code = end.read_text().strip() if end.exists() else ""
        if code not in ("", "0"):
            said = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise SetupError(f"{each.title} did not start on {node.name}: {'; '.join(said[-2:])}", "see its manual")
        late = late or ("" if code else f"{node.name} is not ready")
    return late


def occupy(farm: Farm) -> None:
    """Give the systems something to do: the users' jobs."""
    for each in chosen(farm):
        each.occupy(farm)


def order(farm: Farm, word: str, name: str, verb: str) -> None:
    """Have a node "stop" (at once, as if they crashed) or "start" the daemons of its part in a system.

    Raises SetupError when the node has no part in it, or when that fails.
    """
    duty = KNOWN[word].duty(farm.node(name).number) if word in farm.systems else ""
    if not duty:
        raise SetupError(f"{name} has no part in {word}", "nicamon demo status")
    done = farm.enter(name, ["sh", f"{OWN}/{word}.sh", duty, verb])
    if done.returncode:
        raise SetupError(f"{verb} of {word} on {name} failed: {done.stderr.strip()}", "nicamon demo status")


def restart(farm: Farm, word: str) -> None:
    """Stop and start all daemons of a system, its leader's first, and wait until it is up; its jobs stay.

    Each finds the other at once then, where by itself it would try again half a minute later. Raises
    SetupError when the system does not come up.
    """
    each = KNOWN[word]
    followers = [f"nc{number}" for number in each.duties if number != each.leader]
    order(farm, word, f"nc{each.leader}", "stop")
    with ThreadPoolExecutor() as pool:
        list(pool.map(partial(order, farm, word, verb="stop"), followers))
        order(farm, word, f"nc{each.leader}", "start")
        list(pool.map(partial(order, farm, word, verb="start"), followers))
    wait_until_up(each, partial(each.awaited, farm))
