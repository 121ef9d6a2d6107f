"""Evidence counts once, callbacks wait for their order, a turn can be asked again."""

from desk.store.migrations.raw import run

revision = "0002"
down_revision = "0001"

SCHEMA = """
-- what a callback calls its order: waybill and order numbers
alter table callbacks add column identifiers text[] not null default '{}';
-- callbacks for orders nobody has told us about yet; found again when somebody does
create index callbacks_unmatched on callbacks using gin (identifiers)
    where result = 'no such order';

-- a refunded fee is repeated in every later callback: the same fee is refunded once
delete from facts again using facts first
    where again.source = 'kuaidi100.fee' and first.source = 'kuaidi100.fee'
    and again.occurred_at is null and first.occurred_at is null
    and again.order_id = first.order_id and again.code = first.code and again.id > first.id;
create unique index facts_fee_once on facts (order_id, source, code)
    where occurred_at is null and source = 'kuaidi100.fee';

-- last customer event of the question the bot is busy with; null between the turns
alter table conversations add column asked_seq bigint;

-- Rasa's tracker is in the schema `rasa`; this one was never used
do $$ begin
    drop schema if exists bot;
exception when dependent_objects_still_exist then null;
end $$;
"""


def upgrade() -> None:
    run(SCHEMA)
