"""Outputs of the probe batch that a test writes, for Slurm and HTCondor, and what it reads in them."""

from __future__ import annotations

from typing import Any

import sampling

MARK = "0a4cbd13-8b6f-4c43-a2f5-6d0f4e6a6d6e"
"""What ends a job in what squeue prints; the script takes a new one each time."""
VERSION = "slurm scontrol --version"
PING = "slurm scontrol ping"
NODES = "slurm sh -c scontrol -a show nodes --json 2>/dev/null || scontrol -a -o show node"
PARTITIONS = "slurm scontrol -a -o show partition"
JOBS = 'slurm sh -c echo "$end"; squeue -a -h -o "$format" && echo "$end" || squeue -a --json'
MACHINES = "condor condor_status -json -attributes …"
QUEUE = "condor condor_q -global -allusers -json -attributes …"
NODE = (
    "NodeName=nc1 Arch=x86_64 CoresPerSocket=4  CPUAlloc=0 CPUTot=8 CPULoad=0.10 OS=Linux 3.10.0 #1 SMP  "
    "RealMemory=16000 AllocMem=0 FreeMem=9000 Sockets=2 Boards=1 State=IDLE ThreadsPerCore=1 TmpDisk=0 Weight=1 "
    "Owner=N/A MCS_label=N/A Partitions=nica  BootTime=2026-10-02T09:11:44 SlurmdStartTime=None"
)
PARTITION = "PartitionName=nica MaxTime=UNLIMITED Nodes=nc1 PreemptMode=OFF State=UP TotalCPUs=8 TotalNodes=1"
JOB = "7|7|N/A|7|R|ivanov|501|nica|1|2026-11-21T10:00:03|2026-11-21T09:58:00|30:00|nc1|reco|nc1"


def told(command: str, text: str = "", status: int | str = 0, errors: str = "") -> str:
    """One command in the script's output: the system and its words, what it printed and said, and how it ended."""
    lines = [f"guard {command} {status}", *(f" {line}" for line in text.split("\n")[: None if text else 0])]
    return "\n".join([*lines, *(f"error {line}" for line in errors.splitlines()), ""])


def slurm(nodes: str = NODE, partitions: str = PARTITION, jobs: str = JOB) -> list[dict[str, Any]]:
    """The rows of a Slurm whose commands print this. `jobs` has one job a line, without the mark, or is JSON."""
    printed = f"{MARK}\n{jobs}" if jobs.startswith("{") else listed(*jobs.splitlines())
    return rows(told(NODES, nodes), told(PARTITIONS, partitions), told(JOBS, printed))


def listed(*jobs: str) -> str:
    """What squeue and the script print for these jobs in text."""
    return "\n".join([MARK, *(f"{job}|{MARK}" for job in jobs), MARK])


def rows(*commands: str) -> list[dict[str, Any]]:
    """The rows that the probe reads in the output of these commands."""
    return sampling.rows("batch", "".join([*commands, "end\n"]).encode("utf-8", "surrogateescape"))
