"""Sound of both sides, and when an answer was first heard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rhapsode.dialogue.log.tables import Utc

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the table and the column."""
    op.add_column("turns", sa.Column("spoke_at", Utc))
    op.create_table(
        "sounds",
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("sample_rate", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("flac", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "number", "role", name="pk_sounds"),
        sa.ForeignKeyConstraint(
            ["conversation", "number"],
            ["turns.conversation", "turns.number"],
            name="fk_sounds_turns",
            ondelete="CASCADE",
        ),
    )
