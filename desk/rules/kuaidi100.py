"""Reading what Kuaidi100 sends: order callbacks and tracking pushes.

Source: Kuaidi100's API pages for order callbacks and tracking pushes. Its two code spaces reuse the
same numbers with other meanings, so a code never stands without its source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from desk.rules.told import Names, Told, text_or_none

CARRIER = "kuaidi100"
#: Carriers give local times without a zone.
CARRIER_ZONE = ZoneInfo("Asia/Shanghai")


def read_order(data: Mapping[str, Any]) -> Told:
    """The order callback: its status is in `data` (merchant orders) or at the top (consumers').

    Raises:
        ValueError: there is no status.
    """
    detail = _detail(data)
    status = detail.get("status")
    if status in (None, ""):
        raise ValueError(f"expected a status, got the keys {sorted(data)}")
    waybill, numbers = order_names(data)
    when = carrier_time(detail.get("updateTime") or data.get("updateTime"))
    refunds = _refunds(detail.get("feeDetails") or [])
    return Told(CARRIER, waybill, numbers, [("order", str(status), when)], refunds)


def order_names(data: Mapping[str, Any]) -> Names:
    """What an order callback calls its order: waybill, and the merchant's and its own number."""
    detail = _detail(data)

    def named(key: str) -> str | None:
        return text_or_none(detail.get(key)) or text_or_none(data.get(key))

    return named("kuaidinum"), tuple(n for n in (named("thirdOrderId"), named("orderId")) if n)


def _detail(data: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = data.get("data")
    return inner if isinstance(inner, dict) and "status" in inner else data


def read_track(data: Mapping[str, Any]) -> Told:
    """The tracking push: the full list, newest first, in `lastResult`."""
    last = data.get("lastResult") or {}
    lines = [
        ("track", code, carrier_time(item.get("ftime") or item.get("time")))
        for item in reversed(last.get("data") or [])
        for code in [str(item.get("statusCode") or "")]
        if code
    ]
    if not lines and last.get("state") not in (None, ""):
        lines = [("track", str(last["state"]), None)]
    return Told(CARRIER, track_names(data)[0], (), lines)


def track_names(data: Mapping[str, Any]) -> Names:
    """What a tracking push calls its order: the waybill."""
    return text_or_none((data.get("lastResult") or {}).get("nu")), ()


def read_query(data: Mapping[str, Any]) -> Told:
    """What is kept of a query's answer (`missing_news.news_of_query`): a tracking record."""
    return read_track({"lastResult": data})


def read_detail(data: Mapping[str, Any]) -> Told:
    """What is kept of an order's detail (`missing_news.news_of_detail`): an order callback."""
    return read_order(data)


def _refunds(fees: Sequence[Any]) -> tuple[str, ...]:
    """A name for each refunded fee: type and amount, numbered where two are alike.

    payStatus 3 = refunded, per the order callback's fee details. Every later callback lists it
    again, so the name must be the same each time.
    """
    seen: Counter[str] = Counter()
    names = []
    for fee in fees:
        if isinstance(fee, dict) and str(fee.get("payStatus")) == "3":
            kind = text_or_none(fee.get("feeType")) or "fee"
            name = f"{kind} {text_or_none(fee.get('amount')) or '?'}"
            seen[name] += 1
            names.append(name if seen[name] == 1 else f"{name} no. {seen[name]}")
    return tuple(names)


def carrier_time(value: object) -> datetime | None:
    """A carrier's local time in UTC; None for what is no date, or one such as 0001-01-01."""
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(str(value).strip())
        return parsed.replace(tzinfo=parsed.tzinfo or CARRIER_ZONE).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
