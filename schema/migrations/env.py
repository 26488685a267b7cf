"""Alembic's entry: one connection, handed over by schema.migrate, no URL and no environment of its own."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
