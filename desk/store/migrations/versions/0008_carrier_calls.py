"""Subscriptions wait in carrier_calls: what is due is found by an index."""

from alembic import op

revision = "0008"
down_revision = "0007"

SCHEMA = """
create index carrier_calls_due on carrier_calls (carrier, kind, next_at);
"""


def upgrade() -> None:
    op.get_bind().connection.dbapi_connection.execute(SCHEMA)
