"""The tasks of nicamon itself by class, with the collectors, the clocks, and the tasks that are in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nicassh.model.severity import Severity
from nicassh.model.units import Count, Number, Text, counted, draw_seconds
from nicassh.query.registry import Nodes, Request, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.tables import clocks, collectors, tasks
from nicassh.query.thresholds import OLDEST_WAIT
from nicassh.store import Row as Stored
from nicassh.tasks import SPANS, Priority, TaskList, class_counts, seconds_until_next


def task_classes(task_list: TaskList) -> Table:
    """Return one row for each class of tasks, the most urgent first."""
    rows = []
    for count in class_counts(task_list):
        values = {
            "priority": Priority(count.priority).word, "waiting": count.waiting, "running": count.running,
            "deferred": count.deferred, "failed": count.failed, "scheduled": count.scheduled, "paused": count.paused,
            "oldest_wait": count.oldest,
            **{f"rate_{span}": rate for span, rate in zip(SPANS, count.rates, strict=True)},
        }  # fmt: skip
        severities = {
            "failed": Severity.CRITICAL if count.failed else Severity.OK,
            "oldest_wait": OLDEST_WAIT.severity(count.oldest),
        }
        rows.append(Row(values, severities=severities))
    return Table("task-classes", TASK_CLASSES, tuple(rows), {"soonest": seconds_until_next(task_list)})


def task_page(task_list: TaskList, clock_rows: Sequence[Stored]) -> Table:
    """Return the classes, and beside them the collectors, the clocks and the tasks that are in trouble."""
    further = (
        (collectors.collectors(task_list), collectors.summarize),
        (clocks.clocks(clock_rows), clocks.summarize),
        (replace(tasks.tasks(task_list, True), name="troubled"), tasks.summarize),
    )
    tables = tuple(replace(table, summary=summary(table)) for table, summary in further)
    return replace(task_classes(task_list), further=tables)


def summarize(table: Table) -> str:
    """Return `126 tasks: 12 waiting, 2 running; next in 12 s`."""
    numbers = {name: sum(row.values[name] for row in table.rows) for name in _STATES}
    parts = [f"{number} {name}" for name, number in numbers.items() if number]
    soonest = table.facts["soonest"]
    wait = f"; next in {draw_seconds(soonest)}" if soonest and soonest > 0 else ""
    return f"{counted(sum(numbers.values()), 'task')}{': ' if parts else ''}{', '.join(parts)}{wait}"


def _build(request: Request) -> Table:
    return task_page(request.sources.existing_task_list, request.sources.database.clock_rows())


_STATES = ("waiting", "running", "deferred", "failed", "scheduled", "paused")
TASK_CLASSES = (
    Field(computed("priority", str, Text, "Class of tasks.", choices=tasks.PRIORITIES), 100),
    Field(computed("waiting", int, Count, "Tasks that are due and have no collector yet."), 95),
    Field(computed("running", int, Count, "Tasks that a collector holds."), 95),
    Field(computed("deferred", int, Count, "Tasks that failed and are to be tried again."), 90),
    Field(computed("failed", int, Count, "Tasks that failed for good."), 90),
    Field(OLDEST_WAIT, 85),
    Field(computed("rate_1", float, Number, "Tasks finished a minute, over the last minute."), 70),
    Field(computed("rate_10", float, Number, "The same over 10 minutes."), 65),
    Field(computed("rate_60", float, Number, "The same over 60 minutes."), 60),
    Field(computed("scheduled", int, Count, "Tasks that come due in their own time."), 75),
    Field(computed("paused", int, Count, "Tasks whose node is out of reach: another task tries it."), 75),
)
TABLE = TableSpec(
    "task-classes",
    "The tasks of nicamon itself by class, the collectors, the clocks, and what is in trouble.",
    TASK_CLASSES,
    _build,
    summarize,
    nodes=Nodes.NONE,
    command="tasks",
)
