"""Nodes and jobs in Slurm's JSON, in the shapes of 21.08 to 22.05 (v0.0.37, v0.0.38) and of 23.02 and later (v0.0.39…).

until 22.05                             from 23.02 on
"cpus": 32, or 4294967294 for none      "cpus": 32, or {"set": true, "infinite": false, "number": 32}
"state": "mixed", "state_flags": […]    "state": ["MIXED", "DRAIN"]
"job_state": "RUNNING"                  "job_state": ["RUNNING", "CONFIGURING"]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from nicassh.record import moment

from . import slurm_states
from .rows import Host, Job
from .slurm_values import NO_VALUE, given, load, mebibytes, tasks

_CPUS = re.compile(r"\bcpu=(\d+)")


def document(text: str, rows: str) -> dict[str, Any]:
    """What was printed, which must have a list of this name. Raises ValueError for anything else, also if it is cut."""
    found = json.loads(text, strict=False)
    if not isinstance(found, dict) or not isinstance(found.get(rows), list):
        raise ValueError(f"JSON without {rows}: {text[:80]!r}")
    return found


def refusal(found: dict[str, Any]) -> str:
    """In words why there are no rows, empty where all is well: up to 22.05 it ends with 0 without a controller."""
    errors = [error for error in found.get("errors") or [] if isinstance(error, dict)]
    told = [error.get("description") or error.get("error") or f"error {error.get('errno')}" for error in errors]
    return " ".join(str(text) for text in told)


def nodes(found: dict[str, Any]) -> Iterator[Host]:
    """A Host for each of `nodes`."""
    for node in found["nodes"]:
        words = "+".join(_words(node["state"]) + _words(node.get("state_flags"))).upper()
        cpus, used, memory = _count(node.get("cpus")), _count(node.get("alloc_cpus")), _number(node.get("real_memory"))
        reason = " ".join(str(node.get("reason") or "").split("\n")) or None
        marked = _number(node.get("reason_changed_at")) if reason else None
        yield Host(
            system="slurm",
            host=str(node["name"]),
            state=slurm_states.node(words),
            words=words,
            reason=reason,
            by=(node.get("reason_set_by_user") or None) if reason else None,
            marked=moment(marked) if marked else None,
            queues=",".join(_words(node.get("partitions"))),
            cpus=cpus,
            slots=_count(node.get("effective_cpus")) or cpus,
            used=used,
            load=load(_number(node.get("cpu_load"))),
            memory=mebibytes(memory),
            memory_used=given(_number(node.get("alloc_memory")), used, mebibytes(memory)),
        )


def jobs(found: dict[str, Any]) -> Iterator[Job]:
    """A Job for each of `jobs` that is not over yet."""
    for job in found["jobs"]:
        words = "+".join(_words(job["job_state"])).upper()
        reason = job.get("state_description") or job.get("state_reason") or "None"
        state = slurm_states.job(words, reason)
        if not state:
            continue
        number, task = _array(job)
        limit = _number(job.get("time_limit"))
        yield Job(
            system="slurm",
            job=number,
            task=task,
            tasks=tasks(task) if task else 1,
            user=str(job.get("user_name") or job.get("user_id", "")),
            name=str(job.get("name") or ""),
            state=state,
            words=words,
            queue=job.get("partition") or None,
            slots=_slots(job),
            hosts=job.get("nodes") or None,
            submitted=_time(job.get("submit_time")),
            started=None if state in ("waiting", "held") else _time(job.get("start_time")),
            limit=None if limit is None else 60 * limit,
            reason=None if reason == "None" else reason,
            tie=str(job["job_id"]),
        )


def _array(job: dict[str, Any]) -> tuple[str, str]:
    """Number and task: `2` and `4-20%3`; for a part of a job of several kinds (het) `4+1`."""
    array, index = _count(job.get("array_job_id")), _count(job.get("array_task_id"))
    if array and (job.get("array_task_string") or index is not None):
        return str(array), str(job.get("array_task_string") or index)
    if het := _count(job.get("het_job_id")):
        return f"{het}+{_count(job.get('het_job_offset')) or 0}", ""
    return str(job["job_id"]), ""


def _slots(job: dict[str, Any]) -> int:
    """Processors: up to 22.05 `cpus` is null for some jobs, and then what they are accounted by has it."""
    if cpus := _count(job.get("cpus")):
        return cpus
    tres = _CPUS.search(f"{job.get('tres_alloc_str')},{job.get('tres_req_str')}")
    return int(tres[1]) if tres else _count(job.get("node_count")) or 1


def _number(value: Any) -> float | None:
    """A number of either shape; None where it is not set, infinite, or one of those that stand for it."""
    if isinstance(value, dict):
        value = value.get("number") if value.get("set") and not value.get("infinite") else None
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return value if plain and value >= 0 and value not in (NO_VALUE, NO_VALUE + 1) else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _time(value: Any) -> Any:
    number = _number(value)
    return moment(number) if number else None


def _words(value: Any) -> list[str]:
    """A list of words, also where a version has one word, or several with commas, in its place."""
    return [str(word) for word in value] if isinstance(value, list) else list(filter(None, str(value or "").split(",")))
