"""The collectors: the processes of nicamon that claim and run tasks."""

from __future__ import annotations

from datetime import datetime

from nicassh.model.severity import Severity
from nicassh.model.units import Count, Seconds, Text, Time, counted, from_epoch
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.tasks import Priority, TaskList, live_collectors


def collectors(task_list: TaskList) -> Table:
    """Return one row for each collector that is alive, the oldest first."""
    rows = []
    for one in live_collectors(task_list):
        values = {
            "collector": one.id, "host": one.host, "pid": one.pid, "since": from_epoch(one.started),
            "priority": "idle" if one.priority is None else Priority(one.priority).word,
            "tasks": one.tasks, "running": one.running, "heartbeat": one.heartbeat,
        }  # fmt: skip
        rows.append(Row(values, severities={"heartbeat": Severity(one.heartbeat > task_list.lease / 2)}))
    return Table("collectors", COLLECTORS, tuple(rows))


def summarize(table: Table) -> str:
    """Return `4 collectors`."""
    return counted(len(table.rows), "collector")


_PRIORITIES = ("idle", *(one.word for one in Priority))
COLLECTORS = (
    Field(computed("host", str, Text, "The monitoring host on which it runs."), 100),
    Field(computed("pid", int, Count, "Its process there."), 90),
    Field(computed("priority", str, Text, "The class whose tasks it holds, or idle.", choices=_PRIORITIES), 95),
    Field(computed("tasks", int, Count, "Tasks that it holds."), 85),
    Field(computed("running", int, Count, "Those of them that have begun."), 80),
    Field(computed("heartbeat", float, Seconds, "How long ago it gave a sign of life."), 88),
    Field(computed("since", datetime, Time, "When it started."), 60),
    Field(computed("collector", str, Text, "Its id in the task list."), 0),
)
TABLE = TableSpec(
    "collectors",
    "The processes of nicamon that are alive and run tasks.",
    COLLECTORS,
    lambda request: collectors(request.sources.existing_task_list),
    summarize,
    nodes=Nodes.NONE,
)
