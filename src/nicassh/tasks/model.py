"""What a task is: its class, its fields, its states, and the four tables that hold the tasks of a farm.

Times are seconds since 1970 by the clock of the database, with fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import sqlalchemy as sa

from nicassh.database import NODE, TEXT

PROBE = "probe"
"""The kind of a task that runs a probe on a node. Every other kind is a housekeeping task of the monitoring host."""

WAITING, RUNNING, PAUSED, FAILED = "waiting", "running", "paused", "failed"
"""The states of a task. A waiting one is due, or comes due at `next_try`; a paused one waits for its node."""


class Priority(IntEnum):
    """The five task classes, as the numbers that are stored: a lower number goes first."""

    CRITICAL = 10
    HIGH = 20
    MEDIUM = 30
    LOW = 40
    BACKGROUND = 50

    @property
    def word(self) -> str:
        """Return the name as probes and people write it: `critical`."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Priority:
        """Return the priority that a probe or a person names. Raises ValueError for any other word."""
        for priority in cls:
            if priority.word == word:
                return priority
        raise ValueError(f"{word!r} is not one of {', '.join(priority.word for priority in cls)}")


@dataclass(frozen=True)
class Task:
    """One claimed task.

    every:    the period in seconds; None for a task that is done once
    created:  when it was asked for
    failures: how often it was put off since it last went well
    attempts: runs since it last went well, without the one to come
    """

    id: int
    kind: str
    node: str
    argument: str
    priority: int
    every: int | None
    created: float
    failures: int
    attempts: int


@dataclass(frozen=True)
class ClaimedBatch:
    """Tasks of one class that a collector claimed together. The `token` proves the claim."""

    priority: int
    token: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class PeriodicTask:
    """A task that comes due again and again: a probe on a node, or a housekeeping task. `every` is in seconds."""

    kind: str
    node: str
    argument: str
    priority: int
    every: int

    @property
    def key(self) -> str:
        """Return the text that only one task may have."""
        return f"{self.kind} {self.node} {self.argument}"


@dataclass(frozen=True)
class TaskResult:
    """How one run of a task ended.

    error:         why it failed; empty where it went well
    hopeless:      no further try can help
    node_answered: the run failed, but its node answered
    """

    task: Task
    error: str = ""
    hopeless: bool = False
    node_answered: bool = False


METADATA = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up an INTEGER only

TASKS = sa.Table(
    "tasks",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False, comment="`probe`, or the name of a housekeeping task."),
    sa.Column("argument", TEXT, nullable=False, comment="The name of the probe."),
    sa.Column("node", sa.String(NODE), nullable=False, comment="The node it concerns; empty where there is none."),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="The task class: 10 critical to 50 background."),
    sa.Column("every", sa.Integer, comment="Its period [s]; null: it is done once, and then deleted."),
    sa.Column("unique_key", sa.String(600), unique=True, comment="No two tasks have the same; null: it has none."),
    sa.Column("created", sa.Double, nullable=False, comment="When it was asked for [s since 1970]."),
    sa.Column("next_try", sa.Double, nullable=False, comment="It does not run before this moment [s since 1970]."),
    sa.Column("failures", sa.Integer, nullable=False, comment="How often it was put off since it last went well."),
    sa.Column("state", sa.String(8), nullable=False, comment="waiting, running, paused or failed."),
    sa.Column("collector", sa.String(36), comment="The collector that holds it."),
    sa.Column("token", sa.String(36), comment="The claim that holds it: nobody else may complete it."),
    sa.Column("lease_until", sa.Double, comment="The claim ends then unless it is renewed [s since 1970]."),
    sa.Column("started", sa.Double, comment="When the run began; null in a claimed task that has not begun."),
    sa.Column("finished", sa.Double, comment="When the last run ended [s since 1970]."),
    sa.Column("attempts", sa.Integer, nullable=False, comment="Runs begun since it last went well."),
    sa.Column("rerun_requested", sa.Boolean, nullable=False, comment="It was asked for once more while it ran."),
    sa.Column("error", TEXT, nullable=False, comment="Why the last run failed."),
    # Equality first, then exactly the order of the claim: otherwise MariaDB locks every row that it sorts.
    sa.Index("tasks_due", "state", "priority", "next_try", "id"),
    sa.Index("tasks_node", "node"),
)

COLLECTORS = sa.Table(
    "collectors",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("host", sa.String(NODE), nullable=False, comment="The monitoring host it runs on."),
    sa.Column("pid", sa.Integer, nullable=False, comment="Its process there, for the reader: no signal is sent to it."),
    sa.Column("started", sa.Double, nullable=False, comment="When it registered [s since 1970]."),
    sa.Column("lease_until", sa.Double, nullable=False, comment="Until when it counts as alive [s since 1970]."),
    sa.Column("priority", sa.SmallInteger, comment="The class of the tasks that it holds; null: it is idle."),
)

TASK_CLASSES = sa.Table(
    "task_classes",
    METADATA,
    sa.Column("priority", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("virtual_time", sa.Double, nullable=False, comment="What it had over its share: stride scheduling."),
    sa.Column("batch_seconds", sa.Double, comment="What a batch of it takes on average [s]; null before the first."),
)

FINISHED_TASKS = sa.Table(
    "finished_tasks",
    METADATA,
    sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False, comment="Minutes since 1970."),
    sa.Column("priority", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("collector", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, comment="Tasks whose run ended in this minute."),
)
