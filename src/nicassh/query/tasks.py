"""nicamon's own tasks: the tasks by class, the collectors, and the tasks one by one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from nicassh import tasks
from nicassh.model.units import Count, Number, Seconds, Text, Time, counted, draw_seconds
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored
from nicassh.store.clocks import DOUBTFUL, MARGIN
from nicassh.tasks import TaskList


def classes(task_list: TaskList) -> View:
    """One row for each class of tasks, the most urgent first."""
    rows = []
    for count in tasks.class_counts(task_list):
        values = {
            "priority": tasks.Priority(count.priority).word, "waiting": count.waiting, "running": count.running,
            "deferred": count.deferred, "failed": count.failed, "scheduled": count.scheduled, "paused": count.paused,
            "oldest_wait": count.oldest,
            **{f"rate_{span}": rate for span, rate in zip(tasks.SPANS, count.rates, strict=True)},
        }  # fmt: skip
        trouble = {"failed": 2 * bool(count.failed), "oldest_wait": _OLDEST.trouble(count.oldest)}
        rows.append(Row(values, trouble=trouble))
    soon = tasks.seconds_until_next(task_list)
    return View("task_classes", CLASSES, tuple(rows), lambda shown: _summary(shown, soon))


def collectors(task_list: TaskList) -> View:
    """One row for each collector that is alive, the oldest first."""
    rows = []
    for one in tasks.live_collectors(task_list):
        values = {
            "collector": one.id, "host": one.host, "pid": one.pid, "since": _moment(one.started),
            "priority": "idle" if one.priority is None else tasks.Priority(one.priority).word,
            "tasks": one.tasks, "running": one.running, "heartbeat": one.heartbeat,
        }  # fmt: skip
        rows.append(Row(values, trouble={"heartbeat": int(one.heartbeat > task_list.lease / 2)}))
    return View("collectors", COLLECTORS, tuple(rows), lambda shown: counted(len(shown), "collector"))


def listed(task_list: TaskList, troubled: bool = False, nodes: Collection[str] | None = None) -> View:
    """One row for each task, the next one first; those of some nodes, or those in trouble."""
    now = task_list.now()
    rows = []
    for row in tasks.task_rows(task_list, troubled, nodes):
        state = tasks.state_in_words(row, now)
        # What is paused or has failed comes due by no time of its own.
        due = row["next_try"] if row["state"] in ("waiting", "running") else None
        values = {
            "node": row["node"] or None, "kind": row["kind"], "argument": row["argument"] or row["kind"],
            "priority": tasks.Priority(row["priority"]).word, "state": state, "next": _moment(due),
            "wait": None if due is None or state == "running" else max(0.0, due - now), "every": row["every"],
            "failures": row["failures"], "attempts": row["attempts"], "finished": _moment(row["finished"]),
            "host": row["host"], "error": row["error"] or None,
        }  # fmt: skip
        rows.append(Row(values, trouble={"state": _TROUBLE.get(state, 0)}))
    return View("troubled" if troubled else "tasks", TASKS, tuple(rows), lambda shown: counted(len(shown), "task"))


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
    """`126 tasks: 12 waiting, 2 running; next in 12 s`."""
    numbers = {name: sum(row.values[name] for row in rows) for name in _STATES}
    told = [f"{number} {name}" for name, number in numbers.items() if number]
    wait = f"; next in {draw_seconds(soon)}" if soon and soon > 0 else ""
    return f"{counted(sum(numbers.values()), 'task')}{': ' if told else ''}{', '.join(told)}{wait}"


_STATES = ("waiting", "running", "deferred", "failed", "scheduled", "paused")
_TROUBLE = {"failed": 2, "deferred": 1, "paused": 1}
_OLDEST = declared(
    "oldest_wait", float, Seconds, "How long the first of the waiting tasks has been due.", "oldest wait",
    high=(60.0, 300.0),
)  # fmt: skip
_PRIORITY = declared("priority", str, Text, "Class of tasks.", "class")

CLASSES = (
    Field(_PRIORITY, 100),
    Field(declared("waiting", int, Count, "Tasks that are due and have no collector yet."), 95),
    Field(declared("running", int, Count, "Tasks that a collector holds."), 95),
    Field(declared("deferred", int, Count, "Tasks that failed and are to be tried again."), 90),
    Field(declared("failed", int, Count, "Tasks that failed for good."), 90),
    Field(_OLDEST, 85),
    Field(declared("rate_1", float, Number, "Tasks finished a minute, over the last minute.", "/min 1"), 70),
    Field(declared("rate_10", float, Number, "The same over 10 minutes.", "/min 10"), 65),
    Field(declared("rate_60", float, Number, "The same over 60 minutes.", "/min 60"), 60),
    Field(declared("scheduled", int, Count, "Tasks that come due in their own time."), 75),
    Field(declared("paused", int, Count, "Tasks whose node is out of reach: another task tries it."), 75),
)
COLLECTORS = (
    Field(declared("host", str, Text, "The monitoring host it runs on."), 100),
    Field(declared("pid", int, Count, "Its process there."), 90),
    Field(declared("priority", str, Text, "The class whose tasks it holds, or idle.", "at"), 95),
    Field(declared("tasks", int, Count, "Tasks that it holds."), 85),
    Field(declared("running", int, Count, "Those of them that have begun."), 80),
    Field(declared("heartbeat", float, Seconds, "How long ago it gave a sign of life.", "seen"), 88),
    Field(declared("since", datetime, Time, "When it came."), 60),
    Field(declared("collector", str, Text, "Its id in the task list.", "id"), 0),
)
CLOCKS = (
    Field(declared("host", str, Text, "The monitoring host."), 100),
    Field(declared("ahead", float, Seconds, "How far its clock is ahead of the database's; below 0: behind."), 95),
    Field(declared("doubt", float, Seconds, "By how much it may be ahead of the truth since it was set."), 90),
    Field(declared("seen", datetime, Time, "When it was looked at."), 60),
)
TASKS = (
    Field(declared("node", str, Text, "The node it concerns."), 100),
    Field(declared("argument", str, Text, "The probe, or the housekeeping task.", "task"), 98),
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
    Field(declared("kind", str, Text, "What is done: probe, or the name of a housekeeping task."), 0),
)
