"""Nodes and jobs in Slurm's JSON, in the shapes of 21.08 to 22.05 (v0.0.37, v0.0.38) and of 23.02 and later (v0.0.39…).

until 22.05                             from 23.02 on
"cpus": 32, or 4294967294 for none      "cpus": 32, or {"set": true, "infinite": false, "number": 32}
"state": "mixed", "state_flags": […]    "state": ["MIXED", "DRAIN"]
"job_state": "RUNNING"                  "job_state": ["RUNNING", "CONFIGURING"]
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from nicassh.model.notes import Notes, Unreadable

from . import slurm_states
from .doubts import Doubts, each
from .rows import Host, Job
from .slurm_values import NO_VALUE, given, left, load, mebibytes, tasks

_CPUS = re.compile(r"\bcpu=(\d{1,9})\b")
_NONE = (None, NO_VALUE, NO_VALUE + 1)
_LONG = 300


def document(text: str, rows: str) -> dict[str, Any]:
    """What was printed, which must have a list of this name. Raises Unreadable for anything else, also if it is cut."""
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"JSON that is cut, or none: {text[:80]!r}") from error
    if not isinstance(found, dict) or not isinstance(found.get(rows), list):
        raise Unreadable(f"JSON without {rows}: {text[:80]!r}")
    return found


def refusal(found: dict[str, Any]) -> str:
    """In words why there are no rows, empty where all is well: up to 22.05 it ends with 0 without a controller."""
    errors = [error for error in found.get("errors") or [] if isinstance(error, dict)]
    told = [error.get("description") or error.get("error") or f"error {error.get('errno')}" for error in errors]
    return " ".join(str(text) for text in told)


def nodes(found: dict[str, Any], notes: Notes) -> list[Host]:
    """A Host for each of `nodes`."""
    return each(notes, "node", found["nodes"], lambda node: _node(node, notes), _name)


def jobs(found: dict[str, Any], notes: Notes) -> list[Job]:
    """A Job for each of `jobs` that is not over yet."""
    return [job for job in each(notes, "job", found["jobs"], lambda job: _job(job, notes), _name) if job]


def _name(row: Any) -> str:
    """The name of a node or the number of a job for a note, where it has one."""
    name = (row.get("job_id") or row.get("name") or "") if isinstance(row, dict) else ""
    return name if isinstance(name, str) else ""


def _node(node: dict[str, Any], notes: Notes) -> Host:
    name = _needed(node, "name")
    of = _Fields(node, notes, f"node {name}")
    words = "+".join(_words(node["state"]) + _words(node.get("state_flags"))).upper()
    used, memory = of.count("alloc_cpus"), mebibytes(of.number("real_memory"))
    reason = " ".join((of.text("reason") or "").split("\n")) or None
    return Host(
        system="slurm",
        host=name,
        state=slurm_states.node(words),
        words=words,
        reason=reason,
        by=of.text("reason_set_by_user") if reason else None,
        marked=of.time("reason_changed_at") if reason else None,
        queues=",".join(_words(node.get("partitions"))),
        cpus=of.count("cpus"),
        slots=_effective(of),
        used=used,
        load=load(of.number("cpu_load")),
        memory=memory,
        memory_used=given(of.number("alloc_memory"), used, memory),
    )


def _job(job: dict[str, Any], notes: Notes) -> Job | None:
    """A job; None for one that is over."""
    of = _Fields(job, notes, f"job {_needed(job, 'job_id')}")
    words = "+".join(_words(job["job_state"])).upper()
    reason = of.text("state_description") or of.text("state_reason") or "None"
    state = slurm_states.job(words, reason)
    if not state:
        return None
    number, task = _array(job, of)
    limit = of.number("time_limit")
    return Job(
        system="slurm",
        job=number,
        task=task,
        tasks=tasks(task) if task else 1,
        user=of.text("user_name") or str(of.count("user_id") or ""),
        name=of.text("name") or "",
        state=state,
        words=words,
        queue=of.text("partition"),
        slots=_slots(of),
        hosts=of.text("nodes"),
        submitted=of.time("submit_time"),
        started=None if state in ("waiting", "held") else of.time("start_time"),
        limit=None if limit is None else 60 * limit,
        reason=None if reason == "None" else reason,
        tie=_needed(job, "job_id"),
    )


class _Fields:
    """The fields of a node or a job. A number has two shapes; None is what is not set, infinite, or stands for it."""

    def __init__(self, fields: dict[str, Any], notes: Notes, row: str) -> None:
        self._fields, self._doubts = fields, Doubts(notes, row)

    def number(self, name: str) -> float | None:
        return self._doubts.number(name, self._plain(name))

    def count(self, name: str) -> int | None:
        return self._doubts.count(name, self._plain(name))

    def time(self, name: str) -> datetime | None:
        return self._doubts.time(name, self._plain(name))

    def text(self, name: str) -> str | None:
        return self._doubts.text(name, self._fields.get(name))

    def told(self, name: str) -> bool:
        """Whether there is a value, readable or not; nothing and 0 are none."""
        return bool(self._plain(name))

    def _plain(self, name: str) -> Any:
        value = self._fields.get(name)
        if isinstance(value, dict) and "set" in value:
            value = value.get("number") if value["set"] and not value.get("infinite") else None
        return None if value in _NONE else value


def _needed(fields: dict[str, Any], name: str) -> str:
    """A name, or a number as a text. Raises Unreadable where it is neither."""
    value = fields[name]
    if type(value) not in (str, int) or value == "" or len(str(value)) > _LONG:
        raise Unreadable(f"it has no {name}")
    return str(value)


def _effective(of: _Fields) -> int | None:
    """The processors that jobs can have; some versions tell all, and what the node keeps for itself apart."""
    if effective := of.count("effective_cpus"):
        return effective
    cpus = of.count("cpus")
    return None if cpus is None else left(cpus, of.count("specialized_cores"), of.count("threads"))


def _array(job: dict[str, Any], of: _Fields) -> tuple[str, str]:
    """Number and task: `2` and `4-20%3`; for a part of a job of several kinds (het) `4+1`."""
    array, index = of.count("array_job_id"), of.count("array_task_id")
    listed = of.text("array_task_string")
    if array and (listed or index is not None):
        return str(array), listed or str(index)
    if het := of.count("het_job_id"):
        return f"{het}+{of.count('het_job_offset') or 0}", ""
    return _needed(job, "job_id"), ""


def _slots(of: _Fields) -> int | None:
    """Processors: up to 22.05 `cpus` is null for some jobs, and then what they are accounted by has it."""
    if cpus := of.count("cpus"):
        return cpus
    tres = _CPUS.search(f"{of.text('tres_alloc_str')},{of.text('tres_req_str')}")
    if tres:
        return int(tres[1])
    return None if of.told("cpus") else of.count("node_count") or 1


def _words(value: Any) -> list[str]:
    """A list of words, also where a version has one word, or several with commas, in its place.

    Raises Unreadable for anything else.
    """
    words = value if isinstance(value, list) else "" if value is None else value
    if isinstance(words, str):
        return list(filter(None, words.split(",")))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise Unreadable("a list of words was expected")
    return words
