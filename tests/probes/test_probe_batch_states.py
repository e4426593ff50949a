"""What each state of Slurm's nodes and jobs comes to, word by word."""

from __future__ import annotations

import json
from pathlib import Path

import batches
import pytest
import sampling

FREE, BUSY, FULL, DRAINED, DOWN, UNKNOWN = "free", "busy", "full", "drained", "down", "unknown"
NODES = {
    # base states
    "IDLE": FREE,
    "MIXED": BUSY,
    "ALLOCATED": FULL,
    "DOWN": DOWN,
    "ERROR": DOWN,
    "UNKNOWN": UNKNOWN,
    "FUTURE": UNKNOWN,
    "INVALID": UNKNOWN,
    # flags that decide
    "IDLE+DRAIN": DRAINED,
    "MIXED+DRAIN": DRAINED,
    "ALLOCATED+DRAIN": DRAINED,
    "UNKNOWN+DRAIN": DRAINED,
    "DOWN+DRAIN": DOWN,
    "IDLE+COMPLETING": BUSY,
    "ALLOCATED+COMPLETING": FULL,
    "IDLE+NOT_RESPONDING": DOWN,
    "IDLE+DRAIN+NOT_RESPONDING": DOWN,
    "IDLE+MAINTENANCE": DRAINED,
    "IDLE+RESERVED": FULL,
    "MIXED+RESERVED": FULL,
    "IDLE+BLOCKED": FULL,
    "IDLE+FAIL": DRAINED,
    "ALLOCATED+FAIL": DRAINED,
    "IDLE+REBOOT_ISSUED": DOWN,
    "IDLE+POWER_DOWN": DRAINED,
    "MIXED+POWER_DRAIN": DRAINED,
    "IDLE+DRAIN+INVALID_REG": DOWN,
    # saving power: what sleeps is woken up for a job, and does not respond until it has booted
    "IDLE+POWERING_DOWN": FREE,
    "IDLE+CLOUD+POWERING_DOWN": FREE,
    "IDLE+CLOUD+NOT_RESPONDING+POWERING_DOWN": FREE,
    "IDLE+POWER_DOWN+POWERING_DOWN": FREE,
    "IDLE+POWER_DOWN+POWERED_DOWN": FREE,
    "IDLE+NOT_RESPONDING+POWERED_DOWN": FREE,
    "IDLE+CLOUD+NOT_RESPONDING+POWERING_UP": FREE,
    "MIXED+CLOUD+NOT_RESPONDING+POWERING_UP": BUSY,
    "ALLOCATED+CLOUD+NOT_RESPONDING+POWERING_UP": FULL,
    "IDLE+CLOUD+DYNAMIC_NORM+NOT_RESPONDING+POWERING_UP": FREE,
    "MIXED+PLANNED+NOT_RESPONDING+POWERING_UP": BUSY,
    "IDLE*+POWER": FREE,
    "IDLE*#": FREE,
    "IDLE~+DRAIN": DRAINED,
    "IDLE+DRAIN+POWERED_DOWN": DRAINED,
    "IDLE+MAINTENANCE+POWERED_DOWN": DRAINED,
    "DOWN+CLOUD+POWERED_DOWN": DOWN,
    "DOWN+CLOUD+NOT_RESPONDING+POWERING_UP": DOWN,
    "DOWN~": DOWN,
    "DOWN#": DOWN,
    "DOWN%": DOWN,
    "drained~": DRAINED,
    "alloc#": FULL,
    "mix#": BUSY,
    "idle~": FREE,
    "idle!": DRAINED,
    "alloc+": FULL,
    # other words, and none
    "IDLE+PERFCTRS": FREE,
    "NO_RESPOND": DOWN,
    "BLOCKED": FULL,
    "boot": DOWN,
    "POWERED_DOWN": UNKNOWN,
    "(null)": UNKNOWN,
    "N/A": UNKNOWN,
    "+": UNKNOWN,
    "~": UNKNOWN,
    "узел": UNKNOWN,
    # flags that do not
    "IDLE+PLANNED": FREE,
    "MIXED+PLANNED": BUSY,
    "IDLE+REBOOT_REQUESTED": FREE,
    "IDLE+REBOOT_CANCELED": FREE,
    "IDLE+CLOUD+POWERED_DOWN": FREE,
    "IDLE+POWERING_UP": FREE,
    "IDLE+POWER_UP": FREE,
    "IDLE+DYNAMIC_NORM": FREE,
    "MIXED+DYNAMIC_FUTURE": BUSY,
    "IDLE+EXTERNAL": FREE,
    "IDLE+RESUME": FREE,
    "IDLE+UNDRAIN": FREE,
    "IDLE+OF_A_LATER_VERSION": FREE,
    # suffixes
    "IDLE*": DOWN,
    "DOWN*": DOWN,
    "IDLE*+DRAIN": DOWN,
    "UNKNOWN*": DOWN,
    "IDLE~": FREE,
    "IDLE#": FREE,
    "IDLE!": DRAINED,
    "IDLE%": FREE,
    "IDLE$": DRAINED,
    "IDLE@": FREE,
    "IDLE^": DOWN,
    "IDLE-": FREE,
    "MIXED-": BUSY,
    "ALLOCATED*+DRAIN": DOWN,
    "IDLE+POWER": FREE,
    # words of sinfo
    "drng": DRAINED,
    "drained*": DOWN,
    "alloc": FULL,
    "mix": BUSY,
    "comp": BUSY,
    "maint": DRAINED,
    "resv": FULL,
    "failg": DRAINED,
    "inval": DOWN,
    "boot^": DOWN,
    "plnd": FREE,
}
JOBS = {
    ("PD", "PENDING"): "waiting",
    ("R", "RUNNING"): "running",
    ("S", "SUSPENDED"): "suspended",
    ("CG", "COMPLETING"): "ending",
    ("CF", "CONFIGURING"): "running",
    ("RS", "RESIZING"): "running",
    ("SI", "SIGNALING"): "running",
    ("RQ", "REQUEUED"): "waiting",
    ("RF", "REQUEUE_FED"): "waiting",
    ("RH", "REQUEUE_HOLD"): "held",
    ("SE", "SPECIAL_EXIT"): "held",
    ("RD", "RESV_DEL_HOLD"): "held",
    ("SO", "STAGE_OUT"): "ending",
    ("ST", "STOPPED"): "suspended",
    ("RV", "REVOKED"): "other",
    ("XX", "OF_A_LATER_VERSION"): "other",
    ("CD", "COMPLETED"): None,
    ("CA", "CANCELLED"): None,
    ("F", "FAILED"): None,
    ("TO", "TIMEOUT"): None,
    ("NF", "NODE_FAIL"): None,
    ("PR", "PREEMPTED"): None,
    ("BF", "BOOT_FAIL"): None,
    ("DL", "DEADLINE"): None,
    ("OOM", "OUT_OF_MEMORY"): None,
}


@pytest.mark.parametrize(("words", "state"), NODES.items())
def test_a_node_in_text_has_the_state_of_its_words(words: str, state: str) -> None:
    (host,) = sampling.of("batch_host", batches.slurm(batches.NODE.replace("IDLE", words)))
    assert (host["state"], host["words"]) == (state, words)


@pytest.mark.parametrize(("words", "state"), [item for item in NODES.items() if item[0].replace("+", "").isupper()])
def test_a_node_has_the_same_state_in_both_shapes_of_json(words: str, state: str) -> None:
    base, *flags = words.split("+")
    old = {"name": "nc1", "state": base.lower(), "state_flags": flags}
    new = {"name": "nc1", "state": [base, *flags]}
    for node in (old, new):
        (host,) = sampling.of("batch_host", batches.slurm(json.dumps({"nodes": [node], "errors": []})))
        assert (host["state"], host["words"]) == (state, words)


def test_a_node_that_boots_for_a_job_is_as_good_as_the_rest_of_its_words() -> None:
    """In text as 22.05 prints it, and as versions before 21.08 do."""
    text = (Path(__file__).parent / "slurm_powering_up.txt").read_text()
    found = sampling.of("batch_host", batches.slurm(text))
    assert {row["host"]: row["state"] for row in found} == {"nc7": FREE, "nc8": BUSY, "nc9": FREE}


@pytest.mark.parametrize(("words", "state"), JOBS.items())
def test_a_job_has_one_state_in_text_and_in_both_shapes_of_json(words: tuple[str, str], state: str | None) -> None:
    short, long = words
    job = {"job_id": 7, "name": "reco"}
    found = [
        batches.slurm(jobs=batches.JOB.replace("|R|", f"|{short}|")),
        batches.slurm(jobs=json.dumps({"jobs": [{**job, "job_state": long}], "errors": []})),
        batches.slurm(jobs=json.dumps({"jobs": [{**job, "job_state": [long]}], "errors": []})),
    ]
    states = [[row["state"] for row in sampling.of("batch_job", rows)] for rows in found]
    assert states == [[state] if state else []] * 3


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["RUNNING", "CONFIGURING", "POWER_UP_NODE"], "running"),
        (["RUNNING", "STOPPED"], "suspended"),
        (["CANCELLED", "COMPLETING"], "ending"),
        (["PENDING", "SPECIAL_EXIT"], "held"),
        (["PENDING", "LAUNCH_FAILED"], "waiting"),
        (["COMPLETED", "STAGE_OUT"], "ending"),
    ],
)
def test_flags_of_a_job_weigh_more_than_its_base_state(words: list[str], state: str) -> None:
    job = {"job_id": 7, "job_state": words}
    (row,) = sampling.of("batch_job", batches.slurm(jobs=json.dumps({"jobs": [job], "errors": []})))
    assert (row["state"], row["words"]) == (state, "+".join(words))


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        ("JobHeldUser", "held"),
        ("JobHeldAdmin", "held"),
        ("JobHoldMaxRequeue", "held"),
        ("launch failed requeued held", "held"),
        ("JobHeldUser,Resources", "held"),
        ("Priority", "waiting"),
        ("Resources,JobHeldUser", "waiting"),
        ("QOSUsageThreshold", "waiting"),
    ],
)
def test_a_pending_job_is_held_or_waits_by_its_reason(reason: str, state: str) -> None:
    text = "7|7|N/A|7|PD|ivanov|501|nica|1|N/A|N/A|30:00||reco"
    (job,) = sampling.of("batch_job", batches.slurm(jobs=f"{text}|({reason})"))
    assert (job["state"], job["reason"]) == (state, reason)
