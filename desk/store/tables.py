"""The tables, for queries. Their DDL, with constraints and comments, is in `migrations/`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


def _when(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True))


orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("waybill", Text),
    Column("carrier_order_id", Text),
    Column("state", Text, nullable=False),
    Column("told_state", Text, nullable=False),
    _when("told_at"),
    Column("fees", JSONB, nullable=False),
    Column("details", JSONB, nullable=False),
    _when("created_at"),
    _when("updated_at"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("lang", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("agent_id", Text),
    Column("agent_name", Text),
    Column("stated", Text),
    _when("waiting_since"),
    Column("handover_reason", Text),
    Column("handover_summary", Text),
    _when("unanswered_since"),
    Column("answered_seq", BigInteger, nullable=False),
    Column("asked_seq", BigInteger),
    _when("agent_owes_since"),
    Column("urgent", Boolean, nullable=False),
    Column("offered", ARRAY(Text), nullable=False),
    Column("visit", Integer, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    _when("created_at"),
    _when("updated_at"),
)

events = Table(
    "events",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    _when("at"),
    Column("kind", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("client_id", Text),
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("conversation_id", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    _when("opened_at"),
    _when("due_at"),
    _when("active_since"),
    _when("completed_at"),
    Column("completed_by", Text),
    Column("completed_because", Text),
    Column("reopened", Integer, nullable=False),
    Column("review", JSONB, nullable=False),
    _when("spoke_at"),
    Column("waits_for", Text),
    _when("waits_until"),
    Column("asked_fact", Text),
    _when("called_at"),
    _when("checked_at"),
    _when("quiet_since"),
    _when("promised_at"),
    _when("complained_at"),
    _when("broken_at"),
    _when("warned_at"),
)

ticket_entries = Table(
    "ticket_entries",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("ticket_id", Text, nullable=False),
    _when("at"),
    Column("kind", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("idempotency_key", Text),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
    Column("identifiers", ARRAY(Text), nullable=False),
    _when("received_at"),
    _when("applied_at"),
    Column("result", Text),
    Column("order_id", Text),
    Column("tries", Integer, nullable=False),
    _when("next_try_at"),
)

unknown_codes = Table(
    "unknown_codes",
    metadata,
    Column("source", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("times", BigInteger, nullable=False),
    _when("first_seen"),
    _when("last_seen"),
    Column("callback_id", BigInteger),
)

facts = Table(
    "facts",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("order_id", Text, nullable=False),
    Column("fact", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("code", Text, nullable=False),
    _when("occurred_at"),
    _when("received_at"),
    Column("callback_id", BigInteger),
)

agents = Table(
    "agents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("login", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    _when("seen_at"),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket_id", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("via", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("request", JSONB, nullable=False),
    Column("remote_id", Text),
    Column("answer", JSONB),
    Column("tries", Integer, nullable=False),
    _when("created_at"),
    _when("sent_at"),
    _when("updated_at"),
    _when("next_at"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("conversation_id", Text),
    Column("ticket_id", Text),
    _when("not_before"),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_error", Text),
    _when("created_at"),
    _when("updated_at"),
    Column("number", BigInteger, nullable=False),
    Column("held", Boolean, nullable=False),
    _when("sending_until"),
)

readers = Table(
    "readers",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    _when("seen_at"),
)

carrier_calls = Table(
    "carrier_calls",
    metadata,
    Column("carrier", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    _when("called_at"),
    _when("next_at"),
    Column("failures", Integer, nullable=False),
    Column("answer", Text),
)

allowances = Table(
    "allowances",
    metadata,
    Column("name", Text, primary_key=True),
    Column("tokens", Float, nullable=False),
    _when("at"),
)
