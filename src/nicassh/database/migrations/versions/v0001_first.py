"""The tables of the outcomes and of the queue, as they were when versions began.

A database that is older than that has them already; then it gets its version and nothing else.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT
from sqlalchemy.schema import SchemaItem

revision, down_revision = "0001", None
adds_only = True

# Written out here, not taken from the program: a migration stays as it is when the program goes on.
_TEXT = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NAME = sa.String(255)
_ID = sa.String(36)


def upgrade() -> None:
    """Make those of the tables that are not there."""
    present = set(sa.inspect(op.get_bind()).get_table_names())
    for make in (_outcomes, _tiers, _queue):
        for name, parts in make().items():
            if name not in present:
                op.create_table(name, *parts, sqlite_with_rowid=name != "outcomes")


def _outcomes() -> dict[str, list[SchemaItem]]:
    newest = [_key("node", _NAME), _key("probe", _NAME, _PROBE), _must("at", sa.BigInteger), *_result()]
    history = [_key("node", _NAME), _key("probe", _NAME, _PROBE), _key("since", sa.BigInteger)]
    return {
        "outcomes": [*newest, _must("since", sa.BigInteger)],
        "outcomes_intervals": [*history, _may("until", sa.BigInteger), *_result()],
        "turns": [_key("node", _NAME)],
        "digests": [_key("node", _NAME), _key("record", _NAME), _may("digest", sa.String(32))],
    }


def _result() -> list[SchemaItem]:
    return [
        _may("state", _TEXT, "How it ended. [text]"),
        _may("reason", _TEXT, "Why there are no records; empty where all is well. [text]"),
        _may("seconds", sa.Double, "How long the node took for its whole answer. [seconds]"),
        _may("text", _TEXT, "Output that could not be read. [text]"),
    ]


def _tiers() -> dict[str, list[SchemaItem]]:
    return {
        "rolled": [
            _key("node", _NAME),
            _must("upto_5m", sa.BigInteger),
            _must("upto_1h", sa.BigInteger),
            _must("upto_1d", sa.BigInteger),
        ],
        "kept": [_key("tier", sa.String(8)), _must("since", sa.BigInteger)],
    }


def _queue() -> dict[str, list[SchemaItem]]:
    return {
        "jobs": _jobs(),
        "workers": [
            _key("id", _ID),
            _must("host", _NAME, "The head node it runs on."),
            _must("pid", sa.Integer, "For the reader only: nothing is ever signalled by it."),
            _must("begun", sa.Double, "When it came [s since 1970]."),
            _must("lease_until", sa.Double, "Until when it counts as alive [s since 1970]."),
            _may("priority", sa.SmallInteger, "The class whose jobs it holds; null: it is idle."),
        ],
        "classes": [
            _key("priority", sa.SmallInteger),
            _must("pass", sa.Double, "Virtual time of stride scheduling."),
            _may("seconds", sa.Double, "What a batch of this class takes on average [s]; null before the first."),
        ],
        "finished": [
            _key("minute", sa.BigInteger, "Minutes since 1970."),
            _key("priority", sa.SmallInteger),
            _key("worker", _ID),
            _must("number", sa.Integer, "Jobs that came to their end in this minute."),
        ],
    }


def _jobs() -> list[SchemaItem]:
    return [
        sa.Column("id", _NUMBER, primary_key=True),
        _must("kind", sa.String(32), "What is to be done: `probe`, or the name of a chore."),
        _must("argument", _TEXT, "What it is done with: the name of the probe."),
        _must("node", _NAME, "The node it concerns; empty where there is none."),
        _must("priority", sa.SmallInteger, "10 critical to 50 negligible."),
        _may("every", sa.Integer, "Period of a permanent row [s]; null: done once, then the row goes."),
        sa.Column("active_key", sa.String(600), unique=True, comment="What no two jobs may have; null: no matter."),
        _must("created", sa.Double, "When it was asked for [s since 1970]."),
        _must("next_try", sa.Double, "Not before this moment [s since 1970]."),
        _must("retrial", sa.Integer, "Deferrals since the last success."),
        _must("state", sa.String(8), "waiting, running, paused or failed."),
        _may("worker", _ID, "The worker that holds it."),
        _may("token", _ID, "The claim that holds it: only its bearer may finish it."),
        _may("lease_until", sa.Double, "Until when the claim holds without a sign of life [s since 1970]."),
        _may("started", sa.Double, "When the run began; null in a claimed job: its turn is to come."),
        _may("finished", sa.Double, "When the last run ended [s since 1970]."),
        _must("attempts", sa.Integer, "Runs begun since the last success."),
        _must("again", sa.Boolean, "Asked for once more while it ran."),
        _must("error", _TEXT, "Why the last run failed."),
        sa.Index("jobs_due", "state", "priority", "next_try", "id"),
        sa.Index("jobs_node", "node"),
    ]


_PROBE = "The probe, or `login` for the node itself. [text]"


def _key(name: str, kind: Any, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False, comment=comment, quote=True)


def _must(name: str, kind: Any, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment, quote=True)


def _may(name: str, kind: Any, comment: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, comment=comment, quote=True)
