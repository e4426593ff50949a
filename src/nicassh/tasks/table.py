"""The tables of the queue: jobs, the workers that are alive, the five classes, and what was finished lately.

Times are seconds since 1970 by the clock of the database, with fractions.
"""

from __future__ import annotations

import sqlalchemy as sa

from nicassh.database import NODE, TEXT

METADATA = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts up an INTEGER only

WAITING, RUNNING, PAUSED, FAILED = "waiting", "running", "paused", "failed"
"""The states of a job. A waiting one is due, or deferred until `next_try`; a paused one waits for its node."""

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False, comment="What is to be done: `probe`, or the name of a chore."),
    sa.Column("argument", TEXT, nullable=False, comment="What it is done with: the name of the probe."),
    sa.Column("node", sa.String(NODE), nullable=False, comment="The node it concerns; empty where there is none."),
    sa.Column("priority", sa.SmallInteger, nullable=False, comment="10 critical to 50 negligible."),
    sa.Column("every", sa.Integer, comment="Period of a permanent row [s]; null: done once, then the row goes."),
    sa.Column("active_key", sa.String(600), unique=True, comment="What no two jobs may have; null: no matter."),
    sa.Column("created", sa.Double, nullable=False, comment="When it was asked for [s since 1970]."),
    sa.Column("next_try", sa.Double, nullable=False, comment="Not before this moment [s since 1970]."),
    sa.Column("retrial", sa.Integer, nullable=False, comment="Deferrals since the last success."),
    sa.Column("state", sa.String(8), nullable=False, comment="waiting, running, paused or failed."),
    sa.Column("worker", sa.String(36), comment="The worker that holds it."),
    sa.Column("token", sa.String(36), comment="The claim that holds it: only its bearer may finish it."),
    sa.Column("lease_until", sa.Double, comment="Until when the claim holds without a sign of life [s since 1970]."),
    sa.Column("started", sa.Double, comment="When the run began; null in a claimed job: its turn is to come."),
    sa.Column("finished", sa.Double, comment="When the last run ended [s since 1970]."),
    sa.Column("attempts", sa.Integer, nullable=False, comment="Runs begun since the last success."),
    sa.Column("again", sa.Boolean, nullable=False, comment="Asked for once more while it ran."),
    sa.Column("error", TEXT, nullable=False, comment="Why the last run failed."),
    # Equality first, then exactly the order of the claim: else MariaDB locks every row that it sorts.
    sa.Index("jobs_due", "state", "priority", "next_try", "id"),
    sa.Index("jobs_node", "node"),
)

WORKERS = sa.Table(
    "workers",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("host", sa.String(NODE), nullable=False, comment="The monitoring host it runs on."),
    sa.Column("pid", sa.Integer, nullable=False, comment="For the reader only: nothing is ever signalled by it."),
    sa.Column("begun", sa.Double, nullable=False, comment="When it came [s since 1970]."),
    sa.Column("lease_until", sa.Double, nullable=False, comment="Until when it counts as alive [s since 1970]."),
    sa.Column("priority", sa.SmallInteger, comment="The class whose jobs it holds; null: it is idle."),
)

CLASSES = sa.Table(
    "classes",
    METADATA,
    sa.Column("priority", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("pass", sa.Double, nullable=False, key="turn", comment="Virtual time of stride scheduling."),
    sa.Column("seconds", sa.Double, comment="What a batch of this class takes on average [s]; null before the first."),
)

FINISHED = sa.Table(
    "finished",
    METADATA,
    sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False, comment="Minutes since 1970."),
    sa.Column("priority", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("worker", sa.String(36), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False, comment="Jobs that came to their end in this minute."),
)
