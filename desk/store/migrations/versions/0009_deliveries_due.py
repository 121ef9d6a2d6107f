"""Deliveries that end their quiet hours all at the same time are found one after the other."""

from alembic import op

revision = "0009"
down_revision = "0008"

SCHEMA = """
create index deliveries_due on deliveries (not_before, number) where state = 'waiting';
drop index deliveries_waiting;
"""


def upgrade() -> None:
    op.get_bind().connection.dbapi_connection.execute(SCHEMA)
