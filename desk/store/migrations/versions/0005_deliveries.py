"""Deliveries: their order, the quiet hours, what is under way; who has a conversation open."""

from desk.store.migrations.raw import run

revision = "0005"
down_revision = "0004"

SCHEMA = """
alter table deliveries
    -- the order in which they were told: rows of one transaction have the same time
    add column number bigint generated always as identity,
    -- waits for the end of the quiet hours; newer news of the same ticket takes its place
    add column held boolean not null default false,
    -- under way until then; after that its process has died, and it is tried again
    add column sending_until timestamptz,
    drop constraint deliveries_state_check,
    add constraint deliveries_state_check
        check (state in ('waiting', 'delivered', 'dead', 'superseded'));
create index deliveries_queue on deliveries (conversation_id, number) where state = 'waiting';
create index deliveries_held on deliveries (conversation_id) where state = 'waiting' and held;
create index deliveries_old on deliveries (updated_at) where state in ('delivered', 'superseded');
create index deliveries_of_ticket on deliveries (ticket_id, number);

-- who has a conversation's page open: worth nothing after a crash, so not logged
create unlogged table readers (
    conversation_id text primary key,
    seen_at timestamptz not null
);
"""


def upgrade() -> None:
    run(SCHEMA)
