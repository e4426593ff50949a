"""What the submit nodes of the batch clusters told of their batch systems, joined with what runs on the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from textwrap import shorten

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.NodeUtils import GroupResolverError

from nicassh.inventory import Node, too_large
from nicassh.model.outcome import State
from nicassh.model.units import draw_time
from nicassh.query.scene import Scene
from nicassh.store import Row as Stored

"""Nodes in one range: more than any cluster has."""
_SILENT = (State.UNREACHABLE, State.TIMEOUT, State.REFUSED, State.TRUNCATED)
"""How a login to a node that sleeps, falls asleep or boots may end."""
_SAVING = re.compile(r"\bPOWER(?:ED_DOWN|ING_DOWN|ING_UP)\b|\+POWER\b|[~#%](?:\+|$)")
"""Slurm's words and signs for a node that saves power."""
HAS_SLOTS = ("running", "suspended", "ending")
"""The states of a job in which it takes slots; in all others it waits for something."""


class Batch:
    """The newest rows of all batch systems, whichever nodes a scene shows."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        submit_nodes = [node for node in scene.everyone or scene.nodes if node.batch_cluster]
        self._at_submit_nodes = Scene(scene.store, submit_nodes, scene.stale, scene.now)
        self.schedulers = {(row["node"], row["system"]): row for row in self._at_submit_nodes.rows("batch")}

    @cached_property
    def hosts(self) -> list[Stored]:
        """The batch nodes."""
        return self._at_submit_nodes.rows("batch_host")

    @cached_property
    def queues(self) -> list[Stored]:
        """The queues and partitions."""
        return self._at_submit_nodes.rows("batch_queue")

    @cached_property
    def jobs(self) -> list[Stored]:
        """All jobs that wait or run."""
        return self._at_submit_nodes.rows("batch_job")

    @cached_property
    def placed(self) -> dict[str, list[Stored]]:
        """The running jobs on each node, by the inventory's name of the node."""
        found: dict[str, list[Stored]] = {}
        for job in self.jobs:
            for host in expand(job["hosts"]) if job["hosts"] and job["state"] in HAS_SLOTS else ():
                found.setdefault(self.scene.known_as(host), []).append(job)
        return found

    @cached_property
    def usage(self) -> dict[tuple[str, str], tuple[float, int]]:
        """CPU per cent and number of the processes of each job on all nodes, by batch system and tie."""
        everywhere: Iterable[Node] = self.scene.everyone or self.scene.nodes
        names = [node.name for node in everywhere]
        if "processes" not in self.scene.store.records:
            return {}
        found: dict[tuple[str, str], tuple[float, int]] = {}
        for row in self.scene.store.sums("processes", names, ["batch", "job"], ["cpu_percent"]):
            tie = row["job"] or ""
            if row["batch"] == "condor" and "@" not in tie:
                tie = f"{tie}@{row['node']}"  # some of its versions tell the slot alone
            cpu, number = found.get((row["batch"], tie), (0.0, 0))
            found[row["batch"], tie] = round(cpu + row["cpu_percent"], 1), number + row["number"]
        return found

    def used(self, job: Stored) -> tuple[float | None, int | None]:
        """CPU per cent and number of a job's processes; Nones where none was seen."""
        plain = job["tie"].partition(".")[0] if not job["task"] else ""
        return self.usage.get((job["system"], job["tie"])) or self.usage.get((job["system"], plain)) or (None, None)

    def cluster(self, row: Stored) -> str:
        """The cluster that a row belongs to."""
        return self.scene.clusters[row["node"]]

    def is_down(self, row: Stored) -> bool:
        """Whether the scheduler of a row did not answer, or its submit node did not."""
        scheduler = self.schedulers.get((row["node"], row["system"]))
        return scheduler is None or scheduler["state"] != "up" or self._at_submit_nodes.is_old("batch", scheduler)

    def asleep(self, hosts: Iterable[Stored], login: Stored | None) -> str:
        """What the scheduler says of a node that does not answer because it sleeps to save power, or boots; else empty.

        Such a node will answer when a job comes.
        """
        if login is None or login["state"] not in _SILENT:
            return ""
        words = [host["words"] for host in hosts if host["system"] == "slurm" and not self.is_down(host)]
        return next((text for text in words if _SAVING.search(text or "") and not text.startswith("DOWN")), "")

    @property
    def notes(self) -> list[str]:
        """In words what is wrong with the answers: a scheduler that is down, a submit node that was not reached."""
        notes = []
        for name, cluster in self.scene.clusters.items():
            outcome = self._at_submit_nodes.outcomes[name].get("batch")
            if outcome is None:
                notes.append(f"{cluster}: {name} was never asked for its batch system")
            elif not State(outcome["state"]).is_ok:
                words = f"{outcome['state'].replace('_', ' ')}: {outcome['reason']}".rstrip(": ")
                notes.append(f"{cluster}: {name} could not be asked since {draw_time(outcome['since'])}: {words}")
            elif State(outcome["state"]) is State.ABSENT:
                notes.append(f"{cluster}: {name} has no batch system's commands")
        for (name, system), row in self.schedulers.items():
            if row["state"] != "up":
                cluster = self.scene.clusters[name]
                said = shorten(row["reason"] or "", 120, placeholder=" …")
                notes.append(f"{cluster}: {system} is down since {draw_time(row['since'])}: {said}")
        return notes if self.scene.clusters else ["no node of the inventory answers for a batch cluster"]


@lru_cache(maxsize=65536)
def expand(nodes: str) -> tuple[str, ...]:
    """The names of a folded node set; a text that is none, or of more nodes than there are, as it is.

    A user of HTCondor may put anything into his job's own description.
    """
    try:
        if too_large(nodes):
            return (nodes,)
        return tuple(NodeSet(nodes, resolver=RESOLVER_NOGROUP))
    except (NodeSetException, GroupResolverError, AssertionError):
        return (nodes,)
