"""Since when a ticket's order is silent, as far as was looked: the silent ones have an index."""

from desk.store.migrations.raw import run

revision = "0011"
down_revision = "0010"

SCHEMA = """
-- not later than the order's last news or question; brought up to date when it matters;
-- until then long ago (a real time: clients cannot read '-infinity')
alter table tickets add column quiet_since timestamptz not null
    default '2000-01-01 00:00:00+00';
create index tickets_quiet on tickets (category, quiet_since)
    where state in ('open', 'dispatched');
"""


def upgrade() -> None:
    run(SCHEMA)
