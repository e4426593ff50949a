"""The clocks of the monitoring hosts, and what the views know of the configuration: both are for ages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"
adds_only = True


def upgrade() -> None:
    """Make those of the tables that are not there."""
    present = set(sa.inspect(op.get_bind()).get_table_names())
    if "settings" not in present:
        op.create_table(
            "settings",
            sa.Column("name", sa.String(64), primary_key=True, comment="The setting."),
            sa.Column("value", sa.Double, nullable=False, comment="Its value, as the last collection had it."),
        )
    if "clocks" not in present:
        _clocks()


def _clocks() -> None:
    op.create_table(
        "clocks",
        sa.Column("host", sa.String(255), primary_key=True, comment="The monitoring host."),
        sa.Column("boot", sa.String(36), comment="Its boot, by the kernel's word."),
        sa.Column("booted", sa.Double, comment="When that was, by the database's clock [s since 1970]."),
        sa.Column("ahead", sa.Double, nullable=False, comment="How far its clock is ahead of the database's [s]."),
        sa.Column("seen", sa.Double, nullable=False, comment="When it was looked at [s since 1970]."),
        sa.Column("set_at", sa.Double, nullable=False, comment="Since when the clock is set so [s since 1970]."),
        sa.Column("doubt", sa.Double, nullable=False, comment="By how much it may be ahead since [s]; 0: by none."),
    )
