"""Prometheus metrics, shown at /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("kefu_messages_total", "Messages stored", ["author"])
HANDOVERS = Counter("kefu_handovers_total", "Conversations handed to a person", ["cause"])
CALLBACKS = Counter("kefu_callbacks_total", "Carrier callbacks received", ["source", "outcome"])
CALLBACKS_APPLIED = Counter("kefu_callbacks_applied_total", "Callbacks worked off", ["result"])
TICKETS = Counter("kefu_tickets_total", "Tickets opened or added to by the bot", ["outcome"])
TURN_SECONDS = Histogram(
    "kefu_bot_turn_seconds",
    "From picking up a customer's message to the bot's answer being stored",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
WAITING = Gauge("kefu_waiting_customers", "Customers waiting for a person")
STREAMS = Gauge("kefu_open_streams", "Open event streams", ["kind"])
