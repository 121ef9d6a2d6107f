"""Tickets that move by themselves: clocks, questions, dispatches, deliveries, limits."""

from desk.store.migrations.raw import run

revision = "0003"
down_revision = "0002"

SCHEMA = """
-- the order a callback speaks of, as far as it was known when it came
alter table callbacks add column order_id text;
create index callbacks_pending on callbacks (order_id, id) where applied_at is null;
create index callbacks_waiting on callbacks (id) where applied_at is null;

-- codes that data/carriers/ does not list: never guessed, but counted and shown
create table unknown_codes (
    source text not null,
    code text not null,
    times bigint not null default 1,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    callback_id bigint references callbacks (id),   -- the last one that had it
    primary key (source, code)
);

alter table tickets
    -- the customer's last word on it: opened, added, reopened, "not settled"
    add column spoke_at timestamptz,
    -- a completing fact that has to stand until then, uncontradicted
    add column waits_for text,
    add column waits_until timestamptz,
    -- the customer was asked whether this fact settles it
    add column asked_fact text,
    -- a person was called because the promised time is near
    add column called_at timestamptz,
    -- the carrier was last asked about its order
    add column checked_at timestamptz,
    add check ((waits_for is null) = (waits_until is null));
update tickets set spoke_at = active_since;
alter table tickets alter column spoke_at set not null;
create index tickets_due on tickets (due_at)
    where state in ('open', 'dispatched') and called_at is null;
create index tickets_waiting on tickets (waits_until) where waits_until is not null;

-- what went out to a carrier's platform or a merchant's system, once for each round of a ticket
create table dispatches (
    id text primary key,
    ticket_id text not null references tickets (id),
    round integer not null,
    via text not null,              -- kuaidi100, webhook
    state text not null check (state in
        ('waiting', 'sending', 'unknown', 'accepted', 'refused', 'answered', 'given_up')),
    request jsonb not null,
    remote_id text,                 -- what the other side calls it
    answer jsonb,
    tries integer not null default 0,
    created_at timestamptz not null,
    sent_at timestamptz,
    updated_at timestamptz not null,
    unique (ticket_id, round)
);
create index dispatches_remote on dispatches (via, remote_id) where remote_id is not null;
create index dispatches_unsettled on dispatches (updated_at)
    where state in ('waiting', 'sending', 'unknown', 'accepted');

-- news for the merchant's own channels (SMS, app push), signed and repeated until taken
create table deliveries (
    id text primary key,
    kind text not null,
    body text not null,             -- exactly as it is signed
    conversation_id text references conversations (id),
    ticket_id text references tickets (id),
    not_before timestamptz not null,
    state text not null check (state in ('waiting', 'delivered', 'dead')),
    tries integer not null default 0,
    last_error text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index deliveries_dead on deliveries (updated_at) where state = 'dead';
create index deliveries_waiting on deliveries (not_before) where state = 'waiting';

-- when a carrier was last asked about a number, and when it may be asked again
create table carrier_calls (
    carrier text not null,
    kind text not null,             -- query, detail, subscribe
    subject text not null,          -- waybill or order number
    called_at timestamptz not null,
    next_at timestamptz not null,
    failures integer not null default 0,
    answer text,
    primary key (carrier, kind, subject)
);

-- token buckets shared by all processes
create table allowances (
    name text primary key,
    tokens double precision not null,
    at timestamptz not null
);
"""


def upgrade() -> None:
    run(SCHEMA)
