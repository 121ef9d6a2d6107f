"""Promises: since when one counts, that it broke, and the legal clock of the complaint."""

from desk.store.migrations.raw import run

revision = "0007"
down_revision = "0006"

SCHEMA = """
alter table tickets
    -- when due_at was promised: at opening, reopening, or with another category
    add column promised_at timestamptz,
    -- when the complaint was made that is open now: the legal clock runs from it
    add column complained_at timestamptz,
    -- the promised time passed with the ticket open
    add column broken_at timestamptz,
    -- the legal time is near: supervisors see it
    add column warned_at timestamptz;
-- What is overdue before promises were watched is called for, but not apologised for in one burst.
update tickets set promised_at = active_since, complained_at = opened_at,
    broken_at = case when due_at < now() then due_at end;
alter table tickets
    alter column promised_at set not null,
    alter column complained_at set not null;
create index tickets_overdue on tickets (due_at)
    where state in ('open', 'dispatched') and broken_at is null;
create index tickets_complained on tickets (complained_at) where state in ('open', 'dispatched');
"""


def upgrade() -> None:
    run(SCHEMA)
