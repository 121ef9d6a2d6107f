"""Slot events, and the review's record that travels on one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SlotEvent = dict[str, Any]

#: What is forgotten when a request is over. Never None: rules compare `asking` with false.
REQUEST_OVER: dict[str, Any] = {
    "asking": False,
    "offered": None,
    "questions_asked": 0.0,
    "misses": 0.0,
    "request_text": None,
    "refused": None,
    "needs": None,
    "correcting": None,
}

#: The turn is over, whatever the slots are now. A rule whose condition names a slot that its last
#: action changes (`asking`) does not fit any more after it, and Rasa would then apologise and undo
#: the customer's message (action_default_fallback).
LISTEN: SlotEvent = {"event": "followup", "timestamp": None, "name": "action_listen"}


def slots(**values: Any) -> list[SlotEvent]:
    """Events that set the given slots."""
    return [
        {"event": "slot", "timestamp": None, "name": name, "value": value}
        for name, value in values.items()
    ]


def verdict_event(kind: str, record: Mapping[str, Any]) -> SlotEvent:
    """Sets `verdict` and carries the review's record as metadata.

    The record rides on the event, not in a slot of its own: it belongs to the log, and nothing in
    the dialogue may depend on it.
    """
    return {**slots(verdict=kind)[0], "metadata": {"review": dict(record)}}


def latest_record(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of the last review, or {}."""
    for event in reversed(events):
        if event.get("event") == "slot" and event.get("name") == "verdict":
            record = (event.get("metadata") or {}).get("review")
            if record:
                return dict(record)
    return {}
