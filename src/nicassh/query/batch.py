"""The batch systems as their submit nodes see them, joined with what runs on the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from textwrap import shorten

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.NodeUtils import GroupResolverError

from nicassh.inventory import too_large
from nicassh.model.outcome import State
from nicassh.model.units import draw_moment
from nicassh.query.snapshot import Snapshot, in_words
from nicassh.store import Row as Stored

_SILENT = (State.UNREACHABLE, State.TIMEOUT, State.REFUSED, State.TRUNCATED)
"""How a login to a node that sleeps, falls asleep or boots may end."""
_SAVING = re.compile(r"\bPOWER(?:ED_DOWN|ING_DOWN|ING_UP)\b|\+POWER\b|[~#%](?:\+|$)")
"""Slurm's words and signs for a node that saves power."""
HAS_SLOTS = ("running", "suspended", "ending")
"""The states of a job in which it takes slots; in all others it waits for something."""


class BatchSystems:
    """The newest rows of all batch systems, whichever nodes a snapshot shows."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        nodes = [node for node in snapshot.all_nodes if node.batch_cluster]
        self._asked = Snapshot(snapshot.store, nodes, snapshot.stale_after, snapshot.now)
        self.schedulers = {(row["node"], row["system"]): row for row in self._asked.rows("batch")}

    @cached_property
    def hosts(self) -> list[Stored]:
        """Return the batch nodes."""
        return self._asked.rows("batch_host")

    @cached_property
    def hosts_by_node(self) -> dict[str, list[Stored]]:
        """Return the batch nodes by the name of the node in the inventory; one may belong to several systems."""
        found: dict[str, list[Stored]] = {}
        for host in self.hosts:
            found.setdefault(self.snapshot.node_name(host["host"]), []).append(host)
        return found

    @cached_property
    def queues(self) -> list[Stored]:
        """Return the queues and partitions."""
        return self._asked.rows("batch_queue")

    @cached_property
    def jobs(self) -> list[Stored]:
        """Return all jobs that wait or run."""
        return self._asked.rows("batch_job")

    @cached_property
    def placed(self) -> dict[str, list[Stored]]:
        """Return the running jobs on each node, by the name of the node in the inventory."""
        found: dict[str, list[Stored]] = {}
        for job in self.jobs:
            for host in expand(job["hosts"]) if job["hosts"] and job["state"] in HAS_SLOTS else ():
                found.setdefault(self.snapshot.node_name(host), []).append(job)
        return found

    @cached_property
    def usage(self) -> dict[tuple[str, str], tuple[float, int]]:
        """Return CPU per cent and number of the processes of each job on all nodes, by batch system and `tie`.

        The `tie` is what the system writes into the environment of the processes of a job.
        """
        names = [node.name for node in self.snapshot.all_nodes]
        if not self.snapshot.has("processes"):
            return {}
        found: dict[tuple[str, str], tuple[float, int]] = {}
        for row in self.snapshot.store.sums("processes", names, ["batch", "job"], ["cpu_percent"]):
            tie = row["job"] or ""
            if row["batch"] == "condor" and "@" not in tie:
                tie = f"{tie}@{row['node']}"  # some versions of HTCondor give the slot without the node
            cpu, number = found.get((row["batch"], tie), (0.0, 0))
            found[row["batch"], tie] = round(cpu + row["cpu_percent"], 1), number + row["number"]
        return found

    def used(self, job: Stored) -> tuple[float | None, int | None]:
        """Return CPU per cent and number of the processes of a job; two times None where no process was seen."""
        plain = job["tie"].partition(".")[0] if not job["task"] else ""
        return self.usage.get((job["system"], job["tie"])) or self.usage.get((job["system"], plain)) or (None, None)

    def cluster(self, row: Stored) -> str:
        """Return the cluster that a row belongs to."""
        return self.snapshot.clusters[row["node"]]

    def is_down(self, row: Stored) -> bool:
        """Say whether the scheduler of a row did not answer, or its submit node did not."""
        scheduler = self.schedulers.get((row["node"], row["system"]))
        return scheduler is None or scheduler["state"] != "up" or self._asked.is_stale("batch", scheduler)

    def asleep(self, hosts: Iterable[Stored], login: Stored | None) -> str:
        """Return what the scheduler says of a node that sleeps to save power, or boots; empty for any other node.

        Such a node does not answer now, and will when a job comes.
        """
        if login is None or login["state"] not in _SILENT:
            return ""
        words = [host["words"] for host in hosts if host["system"] == "slurm" and not self.is_down(host)]
        return next((text for text in words if _SAVING.search(text or "") and not text.startswith("DOWN")), "")

    @property
    def notes(self) -> list[str]:
        """Return in words what is wrong with the answers: a scheduler that is down, a node that was not reached."""
        notes = []
        for node, cluster in self.snapshot.clusters.items():
            outcome = self._asked.outcomes[node].get("batch")
            if outcome is None:
                notes.append(f"{cluster}: {node} was never asked for its batch system")
            elif not State(outcome["state"]).is_ok:
                since = draw_moment(outcome["since"])
                notes.append(f"{cluster}: {node} could not be asked since {since}: {in_words(outcome)}")
            elif State(outcome["state"]) is State.ABSENT:
                notes.append(f"{cluster}: {node} has no batch system's commands")
        for (node, system), row in self.schedulers.items():
            if row["state"] != "up":
                cluster = self.snapshot.clusters[node]
                said = shorten(row["reason"] or "", 120, placeholder=" …")
                notes.append(f"{cluster}: {system} is down since {draw_moment(row['since'])}: {said}")
        return notes if self.snapshot.clusters else ["no node of the inventory answers for a batch cluster"]


@lru_cache(maxsize=65536)
def expand(nodes: str) -> tuple[str, ...]:
    """Return the names of a folded node set; a text that is no node set, or one that is too large, as it is.

    A user of HTCondor can write any text into the description of a job.
    """
    try:
        if too_large(nodes):
            return (nodes,)
        return tuple(NodeSet(nodes, resolver=RESOLVER_NOGROUP))
    except (NodeSetException, GroupResolverError, AssertionError):
        return (nodes,)
