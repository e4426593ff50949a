"""Jobs in the XML of `qstat -u '*'`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element

from nicassh.inventory import fold
from nicassh.model.notes import Notes

from .doubts import Doubts, each
from .rows import Job
from .sge_hosts import Task
from .sge_values import UNKNOWN, clock, count, elements, name, tagged


def read(text: str, tasks: Mapping[tuple[str, str], Task], notes: Notes) -> Iterable[Job]:
    """A Job for each job, for each running task of an array, and for those of its tasks that wait alike.

    `tasks` are those that qhost knows to run. With -f or -g t among the site's default options (sge_qstat) there is an
    element for each queue or slot of a parallel job.
    """
    jobs: dict[tuple[str, str], Job] = {}
    found = elements(text, "job_info", "job_list")
    for job in each(notes, "job", found, lambda element: _job(tagged(element), tasks, notes), _number):
        other = jobs.get((job.job, job.task))
        known = job.slots is not None and other is not None and other.slots is not None
        slots = (job.slots or 0) + (other.slots or 0) if other and known else None
        jobs[job.job, job.task] = replace(job, slots=slots) if other else job
    return jobs.values()


def _number(element: Element) -> str:
    return element.findtext("JB_job_number") or ""


def state(letters: str) -> str:
    """What the letters of qstat(1) mean together; they come in any combination: `hRwq`, `dt`, `Eqw`."""
    found = set(letters)
    if found & {"d", "x"}:
        return "ending"
    if "E" in found:
        return "error"
    if found & {"s", "S", "T"}:
        return "suspended"
    if found & {"r", "t"}:
        return "running"  # also with h: a hold put on a running job is for its next start
    if found & {"q", "w"}:
        return "held" if "h" in found else "waiting"
    return "other"


def length(tasks: str) -> int:
    """How many tasks `1,4,9-11:1` or `8-20000:2` are; of a list that ends with `...`, at least so many."""
    total = 0
    for part in tasks.removesuffix("...").removesuffix(",").split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        total += max(0, (int(last or first) - int(first)) // int(step or 1) + 1)
    return total


def _job(about: dict[str, str], tasks: Mapping[tuple[str, str], Task], notes: Notes) -> Job:
    number, task = about["JB_job_number"], about.get("tasks", "")
    task = "" if task in UNKNOWN or task == "undefined" else task
    queue, _, host = about.get("queue_name", "").partition("@")
    running, doubts = tasks.get((number, task)), Doubts(notes, f"job {number}")
    slots = doubts.read("slots", count, about["slots"])
    return Job(
        system="sge",
        job=number,
        task=task,
        tasks=length(task) if task else 1,
        user=about["JB_owner"],
        name=name(about["JB_name"]),
        state=state(about["state"]),
        words=about["state"],
        queue=queue or (running and running.queue) or None,
        slots=1 if slots == 0 or about["slots"] in UNKNOWN else slots,  # no job has less
        hosts=_folded(running.hosts if running else {host} - {""}),
        # 9.x calls it JAT_submission_time. A running job has its start time only, a waiting one this only.
        submitted=doubts.read("time", clock, about.get("JB_submission_time") or about.get("JAT_submission_time")),
        started=(running and running.started) or doubts.read("JAT_start_time", clock, about.get("JAT_start_time")),
        limit=None,
        reason=None,
        tie=f"{number}.{task or 1}",
    )


def _folded(hosts: set[str]) -> str | None:
    if len(hosts) > 1:
        return fold(sorted(hosts))
    return next(iter(hosts), None)
