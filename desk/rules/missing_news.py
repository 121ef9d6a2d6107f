"""News that does not come: whom to ask about an order, what of the answer is kept, when again.

Source: Kuaidi100's API pages; its callbacks are repeated twice, half an hour apart, then given up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from desk.rules.carrier_api import CarrierFailed, CarrierLimit, CarrierUnreachable, Shipment

CARRIER = "kuaidi100"
Kind = Literal["query", "detail"]

#: An order in one of these states has arrived where it stays.
ENDED = ("delivered", "cancelled", "returned")
#: From here on the tracking record says more than the order's status.
ON_ITS_WAY = ("collected", "in_transit", "out_for_delivery", "delivered", "returned")
#: Waybills are no longer than this for Kuaidi100.
LONGEST_WAYBILL = 32
#: After failures: from a minute up to half an hour when nobody was reached, and from the pause
#: for one number up to a day when the number was (or may have been) asked about.
UNREACHED, LONGEST_UNREACHED = timedelta(minutes=1), timedelta(minutes=30)
LONGEST = timedelta(days=1)

_COMPANY = re.compile(r"[a-z0-9_]{1,40}")
_KEPT_OF_ORDER = ("status", "feeDetails", "updateTime", "weight")


class Order(Protocol):
    """What is looked at in an order's row."""

    id: str
    carrier: str
    waybill: str | None
    carrier_order_id: str | None
    state: str
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One question to the platform; `subject` is the number whose limit it counts against."""

    kind: Kind
    subject: str
    shipment: Shipment | None = None


def question_about(order: Order, company: str | None = None) -> Question | None:
    """What to ask about an order, or None: there is nothing it could be asked by.

    An order placed through Kuaidi100 is asked about by its task until the parcel is on its way;
    every other by its waybill.

    Args:
        company: what Kuaidi100 itself calls the carrier, when it has corrected us.
    """
    task = task_of(order)
    shipment = shipment_of(order, company)
    if task and (shipment is None or order.state not in ON_ITS_WAY):
        return Question("detail", task)
    return Question("query", shipment.waybill, shipment) if shipment else None


def task_of(order: Order) -> str | None:
    """The task id that Kuaidi100 gave when the order was placed: `details.task_id`."""
    return str(order.details.get("task_id") or "") or None


def shipment_of(order: Order, company: str | None = None) -> Shipment | None:
    """The order's parcel as Kuaidi100 knows it; None when it cannot know it.

    Of the phone (`details.phone`) the last four digits go out: they are enough for the carriers
    that want one, and which do changes.
    """
    company = company or order.carrier
    if not order.waybill or len(order.waybill) > LONGEST_WAYBILL or not _COMPANY.fullmatch(company):
        return None
    digits = re.sub(r"\D", "", str(order.details.get("phone") or ""))
    return Shipment(company, order.waybill, digits[-4:] if len(digits) >= 4 else None)


def wants_subscription(order: Order) -> bool:
    """Whether tracking pushes are worth asking for.

    Not for an order placed through Kuaidi100, whose callbacks come without asking, nor for one
    that has ended.
    """
    placed_there = bool(order.carrier_order_id or task_of(order))
    return shipment_of(order) is not None and not placed_there and order.state not in ENDED


def news_of_query(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A query's answer without what facts are not made of: places, texts, couriers' phones.

    Where no line has a code of its own, the parcel's state is that of the newest line; a state
    without any line is no evidence.
    """
    lines = [
        {key: line[key] for key in ("ftime", "time", "statusCode") if line.get(key)}
        for line in answer["data"]
        if isinstance(line, dict)
    ]
    state = str(answer.get("state") or "")
    if lines and state and not any(line.get("statusCode") for line in lines):
        newest = max(lines, key=lambda line: str(line.get("ftime") or line.get("time") or ""))
        newest["statusCode"] = state
    return {"nu": answer["nu"], "data": lines}


def news_of_detail(answer: Mapping[str, Any], order_id: str) -> dict[str, Any]:
    """A detail answer in the form of an order callback, without names, phones and addresses.

    Args:
        order_id: ours; Kuaidi100's answer need not name the order by anything we know.
    """
    data = answer["data"]
    kept = {key: data[key] for key in _KEPT_OF_ORDER if data.get(key) is not None}
    waybill = data.get("kuaidinum") or data.get("kuaidiNum") or None
    kept |= {"thirdOrderId": order_id}
    if data.get("orderId"):
        kept["orderId"] = data["orderId"]
    return {"kuaidinum": waybill, "data": kept}


def when_again(
    failure: CarrierFailed | None, failures: int, now: datetime, pause: timedelta
) -> datetime:
    """When a number may be asked about again.

    Args:
        failure: None: it was answered.
        failures: in a row with this number, this one included where it was sent.
        pause: the least between two questions about one number.
    """
    if failure is None:
        return now + pause
    if isinstance(failure, CarrierLimit) and not failure.sent:
        return failure.retry_at
    doubled = float(2 ** min(failures - 1, 20))
    if isinstance(failure, CarrierUnreachable):
        return now + min(UNREACHED * doubled, LONGEST_UNREACHED)
    return now + max(pause, min(pause * doubled, LONGEST))
