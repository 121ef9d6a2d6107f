"""Subscriptions wait in carrier_calls: what is due is found by an index."""

from desk.store.migrations.raw import run

revision = "0008"
down_revision = "0007"

SCHEMA = """
create index carrier_calls_due on carrier_calls (carrier, kind, next_at);
"""


def upgrade() -> None:
    run(SCHEMA)
