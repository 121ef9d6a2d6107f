"""Reading what Kuaidi100 sends: order callbacks and tracking pushes.

Source: Kuaidi100's API pages for order callbacks and tracking pushes. Its two code spaces reuse the
same numbers with other meanings, so a code never stands without its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from desk.rules.facts_figures import PAID, PARTLY, figure, in_words, named
from desk.rules.told import Names, Told, text_or_none

#: (fact, which money, time) of money that was paid or came back.
Money = tuple[tuple[str, str, datetime | None], ...]
#: (source, code, time).
Line = tuple[str, str, datetime | None]

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
    fees = [
        (name, str(fee.get("payStatus")))
        for fee in detail.get("feeDetails") or []
        if isinstance(fee, dict) and (name := _fee_name(fee))
    ]
    return Told(
        CARRIER,
        waybill,
        numbers,
        [("order", str(status), when)],
        money=(*_refunds(fees, when), *_paid(fees, when)),
        weight=text_or_none(detail.get("weight")),
    )


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
    """The tracking push: the full list, newest first, in `lastResult`.

    Abroad another carrier has the parcel at last: its own list is in `destResult`.
    """
    lines = [
        line for key in ("lastResult", "destResult") for line in _track_lines(data.get(key) or {})
    ]
    if data.get("status") not in (None, ""):
        lines.append(("push", str(data["status"]), None))  # of the subscription, not the parcel
    return Told(CARRIER, track_names(data)[0], (), lines)


def _track_lines(record: Mapping[str, Any]) -> list[Line]:
    """Where no line has a code of its own, the state counts.

    Not 0 without any line: "no record for three days" is 0, too, as if the parcel were on its way.
    """
    told = record.get("data") or []
    lines: list[Line] = [
        ("track", code, carrier_time(item.get("ftime") or item.get("time")))
        for item in reversed(told)
        if (code := text_or_none(item.get("statusCode")))
    ]
    state = text_or_none(record.get("state"))
    return lines or ([("track", state, None)] if state and (told or state != "0") else [])


def track_names(data: Mapping[str, Any]) -> Names:
    """What a tracking push calls its order: the waybill."""
    return text_or_none((data.get("lastResult") or {}).get("nu")), ()


def read_query(data: Mapping[str, Any]) -> Told:
    """What is kept of a query's answer (`missing_news.news_of_query`): a tracking record."""
    return read_track({"lastResult": data})


def read_detail(data: Mapping[str, Any]) -> Told:
    """What is kept of an order's detail (`missing_news.news_of_detail`): an order callback."""
    return read_order(data)


def _refunds(fees: Sequence[tuple[str, str]], when: datetime | None) -> Money:
    """What a callback's fees say of money that came back, as one fact, or none.

    `payStatus` 3 is refunded, 1 is paid. The money in dispute is back for certain when nothing paid
    is left, or when what came back is the double of a fee that stays paid once; a callback need not
    list all fees, so that is weighed again beside all others (`facts_figures`). Anything else (a
    part of a fee, another kind of fee, a double that is still paid) is back in part, and the
    customer has to say whether that was it. Every later callback lists it again, so its name, what
    came back, must be the same each time. Source: the order callback's `feeDetails`.
    """
    back = [name for name, status in fees if status == "3"]
    paid = [name for name, status in fees if status == "1"]
    if not back:
        return ()
    kinds = [name.rsplit(" ", 1)[0] for name in paid]
    doubles_back = all(name in paid for name in back) and len(kinds) == len(set(kinds))
    known = not any(name.endswith("?") for name in back)
    name = named(back)
    if known and (not paid or doubles_back):
        return (("refund.confirmed", name, when),)
    return (("refund.partial", f"{PARTLY}{name}", when),)


def _paid(fees: Sequence[tuple[str, str]], when: datetime | None) -> Money:
    """What it lists as paid: later callbacks may list only what came back."""
    paid = [name for name, status in fees if status == "1"]
    return (("fee.settled", f"{PAID}{named(paid)}", when),) if paid else ()


def _fee_name(fee: Mapping[str, Any]) -> str | None:
    """Kind and amount, as in `FREIGHT 12.5`; `?` for an amount that is none; None for zero."""
    kind = text_or_none(fee.get("feeType")) or "fee"
    amount = figure(fee.get("amount"))
    if amount is None:
        return f"{kind} ?"
    return f"{kind} {in_words(amount)}" if amount else None


def carrier_time(value: object) -> datetime | None:
    """A carrier's local time in UTC; None for what is no date, or one such as 0001-01-01."""
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(str(value).strip())
        return parsed.replace(tzinfo=parsed.tzinfo or CARRIER_ZONE).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
