"""Prometheus metrics, shown at /metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("kefu_messages_total", "Messages stored", ["author"])
HANDOVERS = Counter("kefu_handovers_total", "Conversations put into the queue", ["reason"])
CALLBACKS = Counter("kefu_callbacks_total", "Carrier callbacks received", ["source", "outcome"])
CALLBACKS_APPLIED = Counter("kefu_callbacks_applied_total", "Callbacks worked off", ["result"])
UNKNOWN_CODES = Counter(
    "kefu_unknown_codes_total", "Codes told that data/carriers/ does not list", ["source"]
)
CALLBACK_BATCH = Histogram(
    "kefu_callback_batch_size",
    "Callbacks stored in one transaction",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
CALLBACK_LAG = Histogram(
    "kefu_callback_apply_lag_seconds",
    "From keeping a callback to applying it",
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300, 1800, 7200),
)
CALLBACK_BACKLOG = Gauge("kefu_callback_backlog", "Callbacks that wait to be applied, up to 100000")
CALLBACK_OLDEST = Gauge("kefu_callback_oldest_seconds", "Age of the oldest callback that waits")
TICKETS = Counter("kefu_tickets_total", "Changes of tickets, by the state after it", ["state"])
DELIVERIES = Counter(
    "kefu_deliveries_total", "Tries of notifications and their ends", ["kind", "outcome"]
)
DELIVERIES_NOW = Gauge("kefu_deliveries_now", "Notifications not delivered (yet)", ["state"])
PROMISES = Counter(
    "kefu_promises_total", "Promised times: kept, a person called before, broken", ["outcome"]
)
DISPATCH_STEPS = Counter(
    "kefu_dispatch_steps_total", "Steps of tickets that go to the carrier, by outcome", ["state"]
)
TURN_SECONDS = Histogram(
    "kefu_bot_turn_seconds",
    "From picking up a customer's message to the bot's answer being stored",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
CARRIER_CALLS = Counter(
    "kefu_carrier_calls_total", "Calls to a carrier's platform", ["service", "outcome"]
)
CARRIER_SECONDS = Histogram(
    "kefu_carrier_call_seconds",
    "Duration of a call to a carrier's platform, a second try included",
    ["service"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
SUBSCRIPTION_OLDEST = Gauge(
    "kefu_subscription_oldest_seconds", "For how long the oldest subscription has been due"
)
WAITING = Gauge("kefu_waiting_customers", "Customers waiting for a person")
STREAMS = Gauge("kefu_open_streams", "Open event streams", ["kind"])


def unknown_code(source: str) -> None:
    """Count a code that nobody has said the meaning of."""
    UNKNOWN_CODES.labels(source=source).inc()


def applied(code: str, waited_s: float) -> None:
    """Count a callback that was applied, and how long it had waited."""
    CALLBACKS_APPLIED.labels(result=code).inc()
    CALLBACK_LAG.observe(waited_s)


def count(stored: Sequence[Mapping[str, Any]]) -> None:
    """Count new events of conversations: the one place where messages and the like are counted."""
    for event in stored:
        if event["kind"] == "message":
            MESSAGES.labels(author=event["author"]).inc()
        elif event["kind"] == "owner" and event["owner"] == "queue":
            HANDOVERS.labels(reason=event["reason"]).inc()
        elif event["kind"] == "ticket":
            TICKETS.labels(state=event["ticket"]["state"]).inc()
            if _kept(event["ticket"]):
                PROMISES.labels(outcome="kept").inc()


def _kept(ticket: Mapping[str, Any]) -> bool:
    """Whether this ticket was completed in its promised time; one joined to another was not."""
    if ticket["state"] != "completed" or ticket.get("completed_by") == "merge":
        return False
    done, due = ticket.get("completed_at"), ticket.get("due_at")
    return bool(done and due and datetime.fromisoformat(done) <= datetime.fromisoformat(due))


def count_delivery(kind: str, outcome: str) -> None:
    """Count what became of a try of a notification: delivered, failed, dead or superseded."""
    DELIVERIES.labels(kind=kind, outcome=outcome).inc()
