"""Runs migrations inside the transaction that `rhapsode.dialogue.log.database` has open."""

from __future__ import annotations

from alembic import context

from rhapsode.dialogue.log.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
