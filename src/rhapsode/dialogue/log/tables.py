"""The tables; `migrations` makes them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    Boolean,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""How indexes and constraints are called."""


class Utc(TypeDecorator[datetime]):
    """A time with its zone; UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return ``value`` in UTC; SQLite knows no zones."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return ``value`` with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables."""

    metadata = MetaData(naming_convention=NAMES)


class ConversationRow(Base):
    """A conversation; ``ended`` is when something was last said."""

    __tablename__ = "conversations"
    __table_args__ = (Index(None, "began"), Index(None, "person"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    session: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="")
    began: Mapped[datetime] = mapped_column(Utc)
    ended: Mapped[datetime] = mapped_column(Utc)


class TurnRow(Base):
    """A question with its answer; ``question`` is empty where something was said unasked.

    ``answer`` is what the listener heard, ``meant`` what was to be said; ``kind``, ``source``, ``score`` and
    ``reason`` as `rhapsode.dialogue.turns.Source`.
    """

    __tablename__ = "turns"
    __table_args__ = (
        ForeignKeyConstraint(["conversation"], ["conversations.id"], ondelete="CASCADE"),
        Index(None, "unanswered", "asked_at"),
    )

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime] = mapped_column(Utc)
    question: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(Text, default="")
    certainty: Mapped[float] = mapped_column(Float, default=1.0)
    spoken: Mapped[bool] = mapped_column(Boolean, default=False)
    emotion: Mapped[str] = mapped_column(Text, default="")
    emotion_certainty: Mapped[float] = mapped_column(Float, default=0.0)
    spoke_at: Mapped[datetime | None] = mapped_column(Utc)
    answered_at: Mapped[datetime | None] = mapped_column(Utc)
    answer: Mapped[str] = mapped_column(Text, default="")
    meant: Mapped[str] = mapped_column(Text, default="")
    answer_language: Mapped[str] = mapped_column(Text, default="")
    interrupted: Mapped[bool] = mapped_column(Boolean, default=False)
    kind: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(Text, default="")
    score: Mapped[float | None] = mapped_column(Float)
    reason: Mapped[str] = mapped_column(Text, default="")
    unanswered: Mapped[bool] = mapped_column(Boolean, default=False)


class StageRow(Base):
    """How long a stage of a turn took; the stage "total" is the whole."""

    __tablename__ = "stages"
    __table_args__ = (
        ForeignKeyConstraint(
            ["conversation", "number"], ["turns.conversation", "turns.number"], ondelete="CASCADE"
        ),
    )

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    stage: Mapped[str] = mapped_column(String(40), primary_key=True)
    ms: Mapped[float] = mapped_column(Float)


class MomentRow(Base):
    """What happens beside the words: "felt", "gesture", "shown", "suggested", "fault"."""

    __tablename__ = "moments"
    __table_args__ = (ForeignKeyConstraint(["conversation"], ["conversations.id"], ondelete="CASCADE"),)

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, default=0)
    at: Mapped[datetime] = mapped_column(Utc)
    kind: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, default="")


class SoundRow(Base):
    """What one side said in a turn, as FLAC of one channel with 16 bits."""

    __tablename__ = "sounds"
    __table_args__ = (
        ForeignKeyConstraint(
            ["conversation", "number"], ["turns.conversation", "turns.number"], ondelete="CASCADE"
        ),
    )

    conversation: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(12), primary_key=True)
    sample_rate: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
    flac: Mapped[bytes] = mapped_column(LargeBinary)
