"""The queue's order is stored: whom a clock calls for comes first; places are counted fast."""

from desk.store.migrations.raw import run

revision = "0010"
down_revision = "0009"

SCHEMA = """
alter table conversations
    -- a person was called for one of its open tickets, because a promise or the law has a time
    add column urgent boolean not null default false;
update conversations set urgent = true where exists (
    select from tickets where tickets.conversation_id = conversations.id
        and state in ('open', 'dispatched') and (called_at is not null or warned_at is not null));
drop index conversations_queue;
create index conversations_queue on conversations (urgent desc, waiting_since, id)
    where owner = 'queue';
"""


def upgrade() -> None:
    run(SCHEMA)
