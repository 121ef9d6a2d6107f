"""The first schema: orders, conversations and their log, tickets, facts, agents, jobs."""

from procrastinate.schema import SchemaManager

from desk.store.migrations.raw import run

revision = "0001"
down_revision = None

SCHEMA = """
create table orders (
    id text primary key,
    customer_id text not null,
    carrier text not null,
    waybill text,
    carrier_order_id text,
    state text not null,            -- derived: told_state, then the facts
    told_state text not null,       -- what the merchant's system said last
    told_at timestamptz not null,
    fees jsonb not null default '[]',
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index orders_customer on orders (customer_id);
create index orders_waybill on orders (waybill) where waybill is not null;
create index orders_carrier_order on orders (carrier_order_id) where carrier_order_id is not null;

create table conversations (
    id text primary key,
    order_id text not null references orders (id),
    customer_id text not null,
    lang text not null check (lang in ('zh', 'en')),
    owner text not null check (owner in ('bot', 'queue', 'agent')),
    epoch integer not null,
    agent_id text,
    agent_name text,
    stated text,
    waiting_since timestamptz,
    handover_reason text,
    handover_summary text,
    unanswered_since timestamptz,
    answered_seq bigint not null default 0,
    agent_owes_since timestamptz,
    offered text[] not null default '{}',
    visit integer not null default 1,
    last_seq bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (order_id, customer_id),
    -- exactly one owner: an agent is named if and only if an agent owns it
    check ((owner = 'agent') = (agent_id is not null)),
    -- who waits has a clock; who talks to the bot has none
    check ((owner = 'bot') = (waiting_since is null)),
    -- only the bot can owe an answer in the bot's sense
    check (owner = 'bot' or unanswered_since is null)
);
create index conversations_queue on conversations (waiting_since, id) where owner = 'queue';
create index conversations_agent on conversations (agent_id) where owner = 'agent';
create index conversations_unanswered on conversations (unanswered_since)
    where unanswered_since is not null;
create index conversations_customer on conversations (customer_id);

create table events (
    conversation_id text not null references conversations (id),
    seq bigint not null,
    at timestamptz not null default now(),
    kind text not null check (kind in ('message', 'owner', 'ticket', 'note')),
    author text not null check (author in ('customer', 'bot', 'agent', 'system')),
    body jsonb not null default '{}',
    client_id text,
    primary key (conversation_id, seq)
);
-- the same client id again is the same event
create unique index events_client on events (conversation_id, client_id, author)
    where client_id is not null;

create table tickets (
    id text primary key,
    order_id text not null references orders (id),
    conversation_id text not null references conversations (id),
    category text not null,
    text text not null,
    state text not null check (state in ('open', 'dispatched', 'completed', 'closed')),
    opened_by text not null,
    opened_at timestamptz not null,
    due_at timestamptz not null,
    active_since timestamptz not null,
    completed_at timestamptz,
    completed_by text,
    completed_because text,
    reopened integer not null default 0,
    review jsonb not null default '{}',
    check ((state in ('completed', 'closed')) = (completed_at is not null)),
    check ((completed_at is null) = (completed_by is null))
);
create unique index tickets_one_active on tickets (order_id, category)
    where state in ('open', 'dispatched');
create index tickets_active_order on tickets (order_id) where state in ('open', 'dispatched');
create index tickets_conversation on tickets (conversation_id);
create index tickets_completed on tickets (completed_at) where state = 'completed';

create table ticket_entries (
    id bigint generated always as identity primary key,
    ticket_id text not null references tickets (id),
    at timestamptz not null,
    kind text not null,
    author text not null,
    text text not null,
    idempotency_key text unique
);
create index ticket_entries_ticket on ticket_entries (ticket_id, id);

create table callbacks (
    id bigint generated always as identity primary key,
    source text not null,
    digest bytea not null,
    body text not null,
    received_at timestamptz not null,
    applied_at timestamptz,
    result text,
    unique (source, digest)
);

create table facts (
    id bigint generated always as identity primary key,
    order_id text not null references orders (id),
    fact text not null,
    source text not null,
    code text not null,
    occurred_at timestamptz,
    received_at timestamptz not null,
    callback_id bigint references callbacks (id)
);
-- a tracking push repeats the full list: the same line is one fact
create unique index facts_once on facts (order_id, source, code, occurred_at)
    where occurred_at is not null;
create index facts_order on facts (order_id);

create table agents (
    id text primary key,
    login text not null unique,
    name text not null,
    role text not null check (role in ('agent', 'supervisor')),
    password_hash text not null,
    seen_at timestamptz
);

-- Rasa's own tracker lives apart, so that its table names cannot meet ours.
create schema if not exists bot;
"""


def upgrade() -> None:
    run(SCHEMA)
    # procrastinate brings its own DDL; it is pinned, so this is its schema at this revision
    run(SchemaManager.get_schema())
