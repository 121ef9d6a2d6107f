"""Counting what happens in conversations."""

from __future__ import annotations

import pytest
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


DONE = {"state": "completed", "completed_by": "fact", "due_at": "2025-03-03T06:00:00+00:00"}


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"completed_at": "2025-03-03T05:59:59.5+00:00"}, 1),
        ({"completed_at": "2025-03-03T06:00:01+00:00"}, 0),  # too late
        ({"completed_at": "2025-03-03T05:00:00+00:00", "completed_by": "merge"}, 0),
        ({"state": "open", "completed_at": None}, 0),
    ],
)
def test_a_promise_is_kept_by_a_ticket_completed_in_its_time(changes, kept):
    before = value("kefu_promises_total", outcome="kept")
    metrics.count([{"kind": "ticket", "author": "system", "ticket": DONE | changes}])
    assert value("kefu_promises_total", outcome="kept") - before == kept
