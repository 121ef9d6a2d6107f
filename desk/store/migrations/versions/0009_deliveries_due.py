"""Deliveries that end their quiet hours all at the same time are found one after the other."""

from desk.store.migrations.raw import run

revision = "0009"
down_revision = "0008"

SCHEMA = """
create index deliveries_due on deliveries (not_before, number) where state = 'waiting';
drop index deliveries_waiting;
"""


def upgrade() -> None:
    run(SCHEMA)
