"""Notes of outcomes: what of an output could not be read while the rest of it could."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import MEDIUMTEXT

revision, down_revision = "0002", "0001"
adds_only = True


def upgrade() -> None:
    """Add the column to both tables of outcomes where it is missing; no outcome that is there has notes."""
    kind = sa.Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
    comment = "What of the output could not be read; all other rows are there. [text]"
    for table in ("outcomes", "outcomes_intervals"):
        if "notes" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}:
            op.add_column(table, sa.Column("notes", kind, comment=comment, quote=True))
