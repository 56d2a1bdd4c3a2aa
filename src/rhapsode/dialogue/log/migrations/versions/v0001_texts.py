"""Conversations, turns, latencies and what happens beside the words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rhapsode.dialogue.log.tables import Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(32), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("session", "person", "language")),
        sa.Column("began", Utc, nullable=False),
        sa.Column("ended", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_began", "conversations", ["began"])
    op.create_index("ix_conversations_person", "conversations", ["person"])
    op.create_table(
        "turns",
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("asked_at", Utc, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("certainty", sa.Float, nullable=False),
        sa.Column("spoken", sa.Boolean, nullable=False),
        sa.Column("emotion", sa.Text, nullable=False),
        sa.Column("emotion_certainty", sa.Float, nullable=False),
        sa.Column("answered_at", Utc),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("meant", sa.Text, nullable=False),
        sa.Column("answer_language", sa.Text, nullable=False),
        sa.Column("interrupted", sa.Boolean, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("unanswered", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "number", name="pk_turns"),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversations.id"], name="fk_turns_conversations", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_turns_unanswered_asked_at", "turns", ["unanswered", "asked_at"])
    op.create_table(
        "stages",
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("ms", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "number", "stage", name="pk_stages"),
        sa.ForeignKeyConstraint(
            ["conversation", "number"],
            ["turns.conversation", "turns.number"],
            name="fk_stages_turns",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "moments",
        sa.Column("conversation", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation", "position", name="pk_moments"),
        sa.ForeignKeyConstraint(
            ["conversation"], ["conversations.id"], name="fk_moments_conversations", ondelete="CASCADE"
        ),
    )
