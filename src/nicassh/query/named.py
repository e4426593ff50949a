"""The views that are more than the rows of one record, by their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nicassh.query.explain import BAD, bad
from nicassh.query.farm import FARM, farm
from nicassh.query.gpus import GPUS, gpus
from nicassh.query.jobs import JOBS, QUEUES, jobs, queues
from nicassh.query.scene import Scene
from nicassh.query.software import SOFTWARE, software
from nicassh.query.storage import STORAGE, storage
from nicassh.query.table import Field, View
from nicassh.query.users import USERS, users
from nicassh.query.workers import WORKERS, workers


@dataclass(frozen=True)
class Named:
    """One view: what it tells, how it is made, and its columns."""

    help: str
    build: Callable[[Scene], View]
    fields: tuple[Field, ...]


NAMED = {
    "farm": Named("The farm, one line a node: machine, load, memory, disk, activity, state.", farm, FARM),
    "workers": Named("The batch nodes: slots, jobs, batch state with its reason, load against jobs.", workers, WORKERS),
    "users": Named("The users: processes, CPU, memory, batch jobs, logins, software in use.", users, USERS),
    "jobs": Named("The jobs of all batch systems, with what their processes use.", jobs, JOBS),
    "queues": Named(
        "The queues and partitions: slots used, free and broken, jobs running and waiting.", queues, QUEUES
    ),
    "software": Named("The software of all nodes side by side: what differs, and since when.", software, SOFTWARE),
    "storage": Named("The file systems of data servers, and network mounts: free, fill rate.", storage, STORAGE),
    "gpus": Named("The GPUs: load, memory, temperature, power, errors; the processes with user and job.", gpus, GPUS),
    "bad": Named("The nodes to avoid, and why; with --as the exclude option of a batch system.", bad, BAD),
}
