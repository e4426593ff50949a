"""The tasks of nicamon itself, one by one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from nicassh.model.severity import Severity
from nicassh.model.units import Count, Seconds, Text, Time, counted, from_epoch
from nicassh.query.registry import Parameter, Request, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.tasks import Priority, TaskList, state_in_words, task_rows


def tasks(task_list: TaskList, troubled: bool = False, nodes: Collection[str] | None = None) -> Table:
    """Return one row for each task, the next one first: all, those of some nodes, or those that failed of late."""
    now = task_list.now()
    rows = []
    for row in task_rows(task_list, troubled, nodes):
        state = state_in_words(row, now)
        # A task that is paused or has failed has no time at which it comes due.
        due = row["next_try"] if row["state"] in ("waiting", "running") else None
        values = {
            "node": row["node"] or None, "kind": row["kind"], "argument": row["argument"] or row["kind"],
            "priority": Priority(row["priority"]).word, "state": state, "next": from_epoch(due),
            "wait": None if due is None or state == "running" else max(0.0, due - now), "every": row["every"],
            "failures": row["failures"], "attempts": row["attempts"], "finished": from_epoch(row["finished"]),
            "host": row["host"], "error": row["error"] or None,
        }  # fmt: skip
        rows.append(Row(values, severities={"state": _STATES.get(state, Severity.OK)}))
    return Table("tasks", TASKS, tuple(rows))


def summarize(table: Table) -> str:
    """Return `126 tasks`."""
    return counted(len(table.rows), "task")


def _build(request: Request) -> Table:
    everything = len(request.nodes) == len(request.sources.inventory.nodes)
    # The tasks of nicamon itself belong to no node: they are shown where no nodes are named.
    names = None if everything else [node.name for node in request.nodes]
    return tasks(request.sources.existing_task_list, request["troubled"], names)


PRIORITIES = tuple(one.word for one in Priority)
TASK_STATES = ("waiting", "running", "scheduled", "deferred", "paused", "failed")
_STATES = {"failed": Severity.CRITICAL, "deferred": Severity.WARNING, "paused": Severity.WARNING}
TASKS = (
    Field(computed("node", str, Text, "The node it concerns."), 100),
    Field(computed("argument", str, Text, "The probe, or the housekeeping task."), 99),
    Field(computed("priority", str, Text, "Class of tasks.", choices=PRIORITIES), 80),
    Field(
        computed("state", str, Text, "waiting, running, scheduled, deferred, paused or failed.", choices=TASK_STATES),
        98,
    ),
    Field(computed("wait", float, Seconds, "In how long it comes due."), 90),
    Field(computed("failures", int, Count, "Failures since the last success."), 70),
    Field(computed("attempts", int, Count, "Runs begun since the last success."), 40),
    Field(computed("every", float, Seconds, "Its period."), 60),
    Field(computed("finished", datetime, Time, "When its last run ended."), 50),
    Field(computed("host", str, Text, "The monitoring host that runs it."), 45),
    Field(computed("error", str, Text, "Why the last run failed."), 97, wraps=True),
    Field(computed("next", datetime, Time, "When it comes due."), 0),
    Field(computed("kind", str, Text, "What is done: probe, or the name of a housekeeping task."), 0),
)
TABLE = TableSpec(
    "tasks",
    "The tasks of nicamon itself one by one, the next one first.",
    TASKS,
    _build,
    summarize,
    (Parameter("troubled", bool, "Only tasks that failed for good, and those that are tried again.", False),),
    command="tasks list",
)
