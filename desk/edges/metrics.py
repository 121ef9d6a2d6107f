"""Prometheus metrics, shown at /metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("kefu_messages_total", "Messages stored", ["author"])
HANDOVERS = Counter("kefu_handovers_total", "Conversations put into the queue", ["reason"])
CALLBACKS = Counter("kefu_callbacks_total", "Carrier callbacks received", ["source", "outcome"])
CALLBACKS_APPLIED = Counter("kefu_callbacks_applied_total", "Callbacks worked off", ["result"])
TICKETS = Counter("kefu_tickets_total", "Changes of tickets, by the state after it", ["state"])
TURN_SECONDS = Histogram(
    "kefu_bot_turn_seconds",
    "From picking up a customer's message to the bot's answer being stored",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
WAITING = Gauge("kefu_waiting_customers", "Customers waiting for a person")
STREAMS = Gauge("kefu_open_streams", "Open event streams", ["kind"])


def count(stored: Sequence[Mapping[str, Any]]) -> None:
    """Count new events of conversations: the one place where messages and the like are counted."""
    for event in stored:
        if event["kind"] == "message":
            MESSAGES.labels(author=event["author"]).inc()
        elif event["kind"] == "owner" and event["owner"] == "queue":
            HANDOVERS.labels(reason=event["reason"]).inc()
        elif event["kind"] == "ticket":
            TICKETS.labels(state=event["ticket"]["state"]).inc()
