"""nicamon's own queue: the jobs by class, the workers, and the jobs one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from nicassh import tasks as queued
from nicassh.model.units import Count, Number, Seconds, Text, Time, counted, draw_seconds
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored
from nicassh.store.clocks import DOUBTFUL, MARGIN
from nicassh.tasks import Queue


def classes(queue: Queue) -> View:
    """One row for each class of jobs, the most urgent first."""
    rows = []
    for count in queued.counts(queue):
        values = {
            "priority": queued.Priority(count.priority).word, "waiting": count.waiting, "running": count.running,
            "deferred": count.deferred, "failed": count.failed, "scheduled": count.scheduled, "paused": count.paused,
            "oldest_wait": count.oldest,
            **{f"rate_{span}": rate for span, rate in zip(queued.SPANS, count.rates, strict=True)},
        }  # fmt: skip
        trouble = {"failed": 2 * bool(count.failed), "oldest_wait": _OLDEST.trouble(count.oldest)}
        rows.append(Row(values, trouble=trouble))
    soon = queued.soonest(queue)
    return View("queue", CLASSES, tuple(rows), lambda shown: _summary(shown, soon))


def heads(queue: Queue) -> View:
    """One row for each worker that is alive, the oldest first."""
    rows = []
    for one in queued.workers(queue):
        values = {
            "worker": one.id, "host": one.host, "pid": one.pid, "since": _moment(one.begun),
            "priority": "idle" if one.priority is None else queued.Priority(one.priority).word,
            "jobs": one.jobs, "begun": one.started, "beat": one.beat,
        }  # fmt: skip
        rows.append(Row(values, trouble={"beat": int(one.beat > queue.lease / 2)}))
    return View("workers", HEADS, tuple(rows), lambda shown: counted(len(shown), "worker"))


def listed(queue: Queue, troubled: bool = False, nodes: Collection[str] | None = None) -> View:
    """One row for each job, the next one first; those of some nodes, or those in trouble."""
    now = queue.now()
    rows = []
    for row in queued.listed(queue, troubled, nodes):
        state = queued.state_of(row, now)
        # What is paused or has failed comes due by no time of its own.
        due = row["next_try"] if row["state"] in ("waiting", "running") else None
        values = {
            "node": row["node"] or None, "kind": row["kind"], "argument": row["argument"] or row["kind"],
            "priority": queued.Priority(row["priority"]).word, "state": state, "next": _moment(due),
            "wait": None if due is None or state == "running" else max(0.0, due - now), "every": row["every"],
            "failures": row["retrial"], "attempts": row["attempts"], "finished": _moment(row["finished"]),
            "host": row["host"], "error": row["error"] or None,
        }  # fmt: skip
        rows.append(Row(values, trouble={"state": _TROUBLE.get(state, 0)}))
    return View("troubled" if troubled else "queue_jobs", JOBS, tuple(rows), lambda shown: counted(len(shown), "job"))


def clocks(rows: Sequence[Stored]) -> View:
    """One row for each monitoring host: its clock beside the database's."""
    shown = [
        Row(
            {"host": row["host"], "ahead": round(row["ahead"], 1), "doubt": row["doubt"], "seen": _moment(row["seen"])},
            trouble={"ahead": 2 * (abs(row["ahead"]) >= MARGIN), "doubt": 2 * (row["doubt"] >= DOUBTFUL)},
        )
        for row in rows
    ]
    return View("clocks", CLOCKS, tuple(shown), lambda shown: counted(len(shown), "clock"))


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _summary(rows: Sequence[Row], soon: float | None) -> str:
    """`126 jobs: 12 waiting, 2 running; next in 12 s`."""
    numbers = {name: sum(row.values[name] for row in rows) for name in _STATES}
    told = [f"{number} {name}" for name, number in numbers.items() if number]
    wait = f"; next in {draw_seconds(soon)}" if soon and soon > 0 else ""
    return f"{counted(sum(numbers.values()), 'job')}{': ' if told else ''}{', '.join(told)}{wait}"


_STATES = ("waiting", "running", "deferred", "failed", "scheduled", "paused")
_TROUBLE = {"failed": 2, "deferred": 1, "paused": 1}
_OLDEST = declared(
    "oldest_wait", float, Seconds, "How long the first of the waiting jobs has been due.", "oldest wait",
    high=(60.0, 300.0),
)  # fmt: skip
_PRIORITY = declared("priority", str, Text, "Class of jobs.", "class")

CLASSES = (
    Field(_PRIORITY, 100),
    Field(declared("waiting", int, Count, "Jobs that are due and have no worker yet."), 95),
    Field(declared("running", int, Count, "Jobs that a worker holds."), 95),
    Field(declared("deferred", int, Count, "Jobs that failed and are to be tried again."), 90),
    Field(declared("failed", int, Count, "Jobs that failed for good."), 90),
    Field(_OLDEST, 85),
    Field(declared("rate_1", float, Number, "Jobs finished a minute, over the last minute.", "/min 1"), 70),
    Field(declared("rate_10", float, Number, "The same over 10 minutes.", "/min 10"), 65),
    Field(declared("rate_60", float, Number, "The same over 60 minutes.", "/min 60"), 60),
    Field(declared("scheduled", int, Count, "Jobs that come due in their own time."), 75),
    Field(declared("paused", int, Count, "Jobs whose node is out of reach: another job tries it."), 75),
)
HEADS = (
    Field(declared("host", str, Text, "The monitoring host it runs on."), 100),
    Field(declared("pid", int, Count, "Its process there."), 90),
    Field(declared("priority", str, Text, "The class whose jobs it holds, or idle.", "at"), 95),
    Field(declared("jobs", int, Count, "Jobs that it holds."), 85),
    Field(declared("begun", int, Count, "Those of them that have begun."), 80),
    Field(declared("beat", float, Seconds, "How long ago it gave a sign of life.", "seen"), 88),
    Field(declared("since", datetime, Time, "When it came."), 60),
    Field(declared("worker", str, Text, "Its name in the queue.", "id"), 0),
)
CLOCKS = (
    Field(declared("host", str, Text, "The monitoring host."), 100),
    Field(declared("ahead", float, Seconds, "How far its clock is ahead of the database's; below 0: behind."), 95),
    Field(declared("doubt", float, Seconds, "By how much it may be ahead of the truth since it was set."), 90),
    Field(declared("seen", datetime, Time, "When it was looked at."), 60),
)
JOBS = (
    Field(declared("node", str, Text, "The node it concerns."), 100),
    Field(declared("argument", str, Text, "The probe, or the chore.", "job"), 98),
    Field(_PRIORITY, 80),
    Field(declared("state", str, Text, "waiting, running, scheduled, deferred, paused or failed."), 95),
    Field(declared("wait", float, Seconds, "In how long it comes due.", "in"), 90),
    Field(declared("failures", int, Count, "Failures since the last success."), 70),
    Field(declared("attempts", int, Count, "Runs begun since the last success."), 40),
    Field(declared("every", float, Seconds, "Its period."), 60),
    Field(declared("finished", datetime, Time, "When its last run ended."), 50),
    Field(declared("host", str, Text, "The monitoring host that runs it."), 45),
    Field(declared("error", str, Text, "Why the last run failed."), 85, flexible=True),
    Field(declared("next", datetime, Time, "When it comes due."), 0),
    Field(declared("kind", str, Text, "What is done: probe, or the name of a chore."), 0),
)
