"""Counting what happens in conversations."""

from __future__ import annotations

from prometheus_client import REGISTRY

from desk.edges import metrics


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_messages_handovers_and_tickets_are_counted_from_the_events():
    counted = (
        ("kefu_messages_total", {"author": "bot"}),
        ("kefu_handovers_total", {"reason": "escalated"}),
        ("kefu_tickets_total", {"state": "completed"}),
    )
    before = [value(name, **labels) for name, labels in counted]
    metrics.count(
        [
            {"kind": "message", "author": "bot"},
            {"kind": "owner", "author": "system", "owner": "queue", "reason": "escalated"},
            {"kind": "owner", "author": "system", "owner": "agent"},
            {"kind": "ticket", "author": "system", "ticket": {"state": "completed"}},
            {"kind": "note", "author": "agent"},
        ]
    )
    assert [value(name, **labels) for name, labels in counted] == [n + 1 for n in before]
