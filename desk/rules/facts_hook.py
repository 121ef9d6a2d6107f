"""The body of `POST /hooks/facts`: facts under their own names, from any other system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from desk.rules.told import Names, Told, text_or_none

SOURCE = "facts"


def read(data: Mapping[str, Any]) -> Told:
    """Read `{"order_id" or "waybill", "facts": [{"fact", "occurred_at"?}]}`.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is something else.
    """
    lines = [
        (SOURCE, str(line["fact"]), _iso_time(line.get("occurred_at"))) for line in data["facts"]
    ]
    waybill, numbers = names(data)
    return Told(SOURCE, waybill, numbers, lines)


def names(data: Mapping[str, Any]) -> Names:
    """What the body calls its order."""
    number = text_or_none(data.get("order_id"))
    return text_or_none(data.get("waybill")), (number, "") if number else ()  # no carrier's number


def _iso_time(value: object) -> datetime | None:
    if not value:
        return None
    parsed = datetime.fromisoformat(str(value))
    if parsed.tzinfo is None:
        raise ValueError(f"occurred_at: expected a time with a zone, got {value!r}")
    try:
        return parsed.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"occurred_at: expected a time of our days, got {value!r}") from None
