"""How the databases find what is due: by the index, in its order, however much is deferred."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import pytest
import sqlalchemy as sa
from task_rows import HOUR, MOMENT, run

from nicassh import tasks
from nicassh.tasks import PROBE, Priority, Registration, TaskList
from nicassh.tasks.enqueueing import new_row
from nicassh.tasks.model import TASKS

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "mariadb": "EXPLAIN ", "postgresql": "EXPLAIN "}
ANALYZE = {"sqlite": "ANALYZE", "mariadb": "ANALYZE TABLE tasks", "postgresql": "ANALYZE tasks"}
SORTS = {"sqlite": "TEMP B-TREE FOR ORDER BY", "mariadb": "filesort", "postgresql": "Sort"}

INNER = ("SUBQUERY", "MATERIALIZED", "SubPlan")
"""What the steps for the nodes that are busy begin with; they come last."""


@pytest.fixture
def backlog(task_list: TaskList) -> TaskList:
    """50,000 tasks that were deferred for hours, older than 1,000 that are due."""
    old = {"created": MOMENT - 9 * HOUR, "next_try": MOMENT + 9 * HOUR, "failures": 6}
    rows = [new_row(PROBE, f"n{one}", "load", Priority.MEDIUM, MOMENT) for one in range(51_000)]
    made = [{**row, **old} if number < 50_000 else row for number, row in enumerate(rows)]
    task_list.write(lambda connection: connection.execute(sa.insert(TASKS), made))
    return task_list


def plan(task_list: TaskList, registration: Registration) -> list[str]:
    """The plan of the query by which a claim finds its tasks, step by step; not that for busy nodes."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "ORDER BY tasks.next_try, tasks.id" in statement:
            asked.append((statement, parameters))

    sa.event.listen(task_list.engine, "before_cursor_execute", note)
    assert len(run(task_list, registration, limit=10).tasks) == 10
    sa.event.remove(task_list.engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    explain = EXPLAIN[task_list.engine.dialect.name] + statement
    steps = task_list.read(lambda c: [str(tuple(row)) for row in c.exec_driver_sql(explain, parameters)])
    return list(takewhile(lambda step: not any(word in step for word in INNER), steps))


def test_what_is_due_is_found_by_its_index(backlog: TaskList, collector: Registration) -> None:
    """CL9: neither sorted nor searched for among what is deferred, whether the database knows its tables well or not.

    How long it takes is measured in tests/bench.
    """
    kind = backlog.engine.dialect.name
    for _ in range(2):
        steps = plan(backlog, collector)
        assert any("tasks_due" in step for step in steps), steps
        assert not any(SORTS[kind] in step for step in steps), steps
        backlog.write(lambda connection: connection.exec_driver_sql(ANALYZE[kind]))


def test_what_is_deferred_is_not_due(backlog: TaskList, collector: Registration) -> None:
    nodes = {task.node for _ in range(10) for task in run(backlog, collector).tasks}
    assert nodes == {f"n{number}" for number in range(50_000, 51_000)}
    assert tasks.claim(backlog, collector) is None
