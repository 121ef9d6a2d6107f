"""Alembic's entry: `python -m desk migrate` passes the connection it opened."""

from alembic import context

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("migrations are run by `python -m desk migrate`, which opens the database")
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
