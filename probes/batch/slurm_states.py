"""What Slurm's states of nodes and jobs come to."""

from __future__ import annotations

import re

_SUFFIXES = {
    "*": "NOT_RESPONDING",
    "~": "POWERED_DOWN",
    "#": "POWERING_UP",
    "!": "POWER_DOWN",
    "%": "POWERING_DOWN",
    "$": "MAINTENANCE",
    "@": "REBOOT_REQUESTED",
    "^": "REBOOT_ISSUED",
    "-": "PLANNED",
}

# The first row of which a node has a word is its state. One that is RESERVED or BLOCKED works, for others.
_NODES = (
    ("unknown", "FUTURE FUTR"),
    ("down", "DOWN ERROR ERR NOT_RESPONDING NO_RESPOND REBOOT_ISSUED REBOOT BOOT INVALID_REG INVAL"),
    ("drained", "DRAIN DRAINED DRAINING DRNG FAIL FAILING FAILG MAINTENANCE MAINT POWER_DOWN POWER_DRAIN"),
    ("full", "ALLOCATED ALLOC RESERVED RESV BLOCKED BLOCK"),
    ("busy", "MIXED MIX COMPLETING COMP"),
    ("free", "IDLE PLANNED PLND"),
)
# A node that sleeps to save power is woken up for a job, and so is as good as what else it says of itself. While it
# falls asleep, sleeps and boots it does not respond, and that is in order. Until 21.08 POWER stands for sleeping.
_SAVING = frozenset(("POWERING_DOWN", "POWERED_DOWN", "POWERING_UP", "POWER", "POW_DN", "POW_UP"))
_EXPECTED = frozenset(("NOT_RESPONDING", "NO_RESPOND", "POWER_DOWN"))
_NODE = {word: rank for rank, (_, words) in enumerate(_NODES) for word in words.split()}

# The same for jobs. A job has one short word in text; in JSON it has a base state and perhaps flags.
_JOBS = (
    ("ending", "CG COMPLETING SO STAGE_OUT"),
    ("held", "SE SPECIAL_EXIT RH REQUEUE_HOLD RD RESV_DEL_HOLD"),
    ("other", "RV REVOKED"),
    ("suspended", "S SUSPENDED ST STOPPED"),
    ("running", "R RUNNING CF CONFIGURING RS RESIZING SI SIGNALING"),
    ("waiting", "PD PENDING RQ REQUEUED RF REQUEUE_FED EXPEDITING"),
    (None, "CD COMPLETED CA CANCELLED F FAILED TO TIMEOUT NF NODE_FAIL PR PREEMPTED BF BOOT_FAIL DL DEADLINE"),
    (None, "OOM OUT_OF_MEMORY LF LAUNCH_FAILED RECONFIG_FAIL GETENV_FAILED"),
)
_JOB = {word: rank for rank, (_, words) in enumerate(_JOBS) for word in words.split()}
_BETWEEN = re.compile(r"[+,\s]+")
_HELD = re.compile(r"held|JobHold", re.IGNORECASE)


def node(words: str) -> str:
    """free, busy, full, drained, down or unknown, for `MIXED+DRAIN`, `IDLE+NOT_RESPONDING` or, up to 21.08, `DOWN*`."""
    found = set()
    for word in _BETWEEN.split(words.upper()):
        base = word.rstrip("".join(_SUFFIXES))
        found |= {base} | {_SUFFIXES[suffix] for suffix in word[len(base) :]}
    if found & _SAVING:
        found -= _EXPECTED
    rank = min((_NODE[word] for word in found if word in _NODE), default=None)
    return "unknown" if rank is None else _NODES[rank][0]


def job(words: str, reason: str | None) -> str | None:
    """running, waiting, held, suspended, ending or other, for `PD` or `RUNNING+CONFIGURING`; None for one that is over.

    Slurm keeps a job for some minutes after its end: squeue tells of those in JSON, and not in text.
    """
    rank = min((_JOB[word] for word in words.upper().split("+") if word in _JOB), default=None)
    if rank is None:
        return "other"
    state = _JOBS[rank][0]
    return "held" if state == "waiting" and _HELD.search((reason or "").partition(",")[0]) else state
