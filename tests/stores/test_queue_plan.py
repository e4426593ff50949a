"""How the databases find what is due: by the index, in its order, however much is deferred."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import pytest
import sqlalchemy as sa
from queueing import HOUR, MOMENT, run

from nicassh import tasks as jobs
from nicassh.tasks import PROBE, Claimant, Priority, Queue
from nicassh.tasks.arming import fresh
from nicassh.tasks.table import JOBS

EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "mariadb": "EXPLAIN ", "postgresql": "EXPLAIN "}
ANALYZE = {"sqlite": "ANALYZE", "mariadb": "ANALYZE TABLE jobs", "postgresql": "ANALYZE jobs"}
SORTS = {"sqlite": "TEMP B-TREE FOR ORDER BY", "mariadb": "filesort", "postgresql": "Sort"}

INNER = ("SUBQUERY", "MATERIALIZED", "SubPlan")
"""What the steps for the nodes that are busy begin with; they come last."""


@pytest.fixture
def backlog(queue: Queue) -> Queue:
    """50,000 jobs that were deferred for hours, older than 1,000 that are due."""
    old = {"created": MOMENT - 9 * HOUR, "next_try": MOMENT + 9 * HOUR, "retrial": 6}
    rows = [fresh(PROBE, f"n{one}", "load", Priority.MEDIUM, MOMENT) for one in range(51_000)]
    made = [{**row, **old} if number < 50_000 else row for number, row in enumerate(rows)]
    queue.write(lambda connection: connection.execute(sa.insert(JOBS), made))
    return queue


def plan(queue: Queue, claimant: Claimant) -> list[str]:
    """The plan of the query by which a claim finds its jobs, step by step; not that for busy nodes."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "ORDER BY jobs.next_try, jobs.id" in statement:
            asked.append((statement, parameters))

    sa.event.listen(queue.engine, "before_cursor_execute", note)
    assert len(run(queue, claimant, limit=10).jobs) == 10
    sa.event.remove(queue.engine, "before_cursor_execute", note)
    ((statement, parameters),) = asked
    explain = EXPLAIN[queue.engine.dialect.name] + statement
    steps = queue.read(lambda c: [str(tuple(row)) for row in c.exec_driver_sql(explain, parameters)])
    return list(takewhile(lambda step: not any(word in step for word in INNER), steps))


def test_what_is_due_is_found_by_its_index(backlog: Queue, worker: Claimant) -> None:
    """CL9: neither sorted nor searched for among what is deferred, whether the database knows its tables well or not.

    How long it takes is measured in tests/bench.
    """
    kind = backlog.engine.dialect.name
    for _ in range(2):
        steps = plan(backlog, worker)
        assert any("jobs_due" in step for step in steps), steps
        assert not any(SORTS[kind] in step for step in steps), steps
        backlog.write(lambda connection: connection.exec_driver_sql(ANALYZE[kind]))


def test_what_is_deferred_is_not_due(backlog: Queue, worker: Claimant) -> None:
    nodes = {job.node for _ in range(10) for job in run(backlog, worker).jobs}
    assert nodes == {f"n{number}" for number in range(50_000, 51_000)}
    assert jobs.claim(backlog, worker) is None
