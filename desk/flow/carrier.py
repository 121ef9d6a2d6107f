"""What carriers tell us: keep the callback, answer, then turn it into facts and their effects."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.handover import hand_over
from desk.flow.tickets import complete, ticket_json
from desk.rules.completion import rule_on
from desk.rules.conversation import News
from desk.rules.facts import Fact, order_state
from desk.rules.ticket import Complete, Ticket
from desk.store import jobs as job_names
from desk.store import orders, tickets

#: Carriers give local times without a zone.
CARRIER_ZONE = ZoneInfo("Asia/Shanghai")


async def keep(desk: Desk, source: str, body: str) -> bool:
    """Store a verified callback and defer its work, in one transaction.

    Args:
        source: `kuaidi100.order`, `kuaidi100.track` or `facts`.
        body: the JSON text exactly as it was signed.

    Returns:
        False when exactly this callback was stored before: nothing more will happen.
    """
    async with desk.db.begin() as tx:
        callback_id = await orders.keep_callback(tx, source, body, desk.now())
        if callback_id is None:
            return False
        # one lock for all: callbacks are applied in the order they arrived
        await desk.jobs.defer(
            tx, job_names.APPLY_CALLBACK, lock="callbacks", callback_id=callback_id
        )
        return True


async def apply_callback(desk: Desk, callback_id: int) -> str:
    """The job `apply_callback`: facts, order state, tickets and messages, in one transaction.

    Returns:
        What became of it, as stored in `callbacks.result`.
    """
    async with desk.db.begin() as tx:
        row = await orders.lock_callback(tx, callback_id)
        if row is None or row.applied_at is not None:
            return "done before"
        try:
            told = parse(row.source, json.loads(row.body))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            result = f"not understood: {error}"
        else:
            result = await _apply(desk, tx, row, told)
        await orders.finish_callback(tx, callback_id, result, desk.now())
        return result


class Told:
    """What a callback says: about which order, and the (source, code, time) lines in it."""

    def __init__(
        self,
        carrier: str,
        waybill: str | None,
        carrier_order_id: str | None,
        lines: list[tuple[str, str, datetime | None]],
        refunded: bool = False,
    ) -> None:
        self.carrier = carrier
        self.waybill = waybill
        self.carrier_order_id = carrier_order_id
        self.lines = lines
        self.refunded = refunded


def parse(source: str, data: dict[str, Any]) -> Told:
    """Read a callback's JSON.

    Kuaidi100's order callback carries its status in `data` (merchant orders) or at the top
    (consumer orders); the tracking push carries the full list, newest first, in `lastResult`.
    Source: Kuaidi100's API pages for order callbacks and tracking pushes.

    Raises:
        ValueError: the parts that name an order or a status are missing.
    """
    if source == "kuaidi100.track":
        last = data.get("lastResult") or {}
        lines = [
            ("track", code, _carrier_time(item.get("ftime") or item.get("time")))
            for item in reversed(last.get("data") or [])
            for code in [str(item.get("statusCode") or "")]
            if code
        ]
        if not lines and last.get("state") not in (None, ""):
            lines = [("track", str(last["state"]), None)]
        return Told("kuaidi100", _text(last.get("nu")), None, lines)
    if source == "kuaidi100.order":
        inner = data.get("data")
        detail = inner if isinstance(inner, dict) and "status" in inner else data
        status = detail.get("status")
        if status in (None, ""):
            raise ValueError(f"expected a status, got the keys {sorted(data)}")
        waybill = _text(detail.get("kuaidinum")) or _text(data.get("kuaidinum"))
        number = _text(detail.get("orderId")) or _text(data.get("orderId"))
        third = _text(detail.get("thirdOrderId")) or _text(data.get("thirdOrderId"))
        fees = detail.get("feeDetails") or []
        # payStatus 3 = refunded, per the order callback's fee details
        refunded = any(str(fee.get("payStatus")) == "3" for fee in fees if isinstance(fee, dict))
        when = _carrier_time(detail.get("updateTime") or data.get("updateTime"))
        return Told("kuaidi100", waybill, third or number, [("order", str(status), when)], refunded)
    if source == "facts":
        lines = [
            ("facts", str(line["fact"]), _iso_time(line.get("occurred_at")))
            for line in data["facts"]
        ]
        return Told("facts", _text(data.get("waybill")), _text(data.get("order_id")), lines)
    raise ValueError(f"expected a known source, got {source!r}")


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


def _carrier_time(value: object) -> datetime | None:
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return parsed.replace(tzinfo=parsed.tzinfo or CARRIER_ZONE).astimezone(UTC)


def _iso_time(value: object) -> datetime | None:
    if not value:
        return None
    parsed = datetime.fromisoformat(str(value))
    if parsed.tzinfo is None:
        raise ValueError(f"occurred_at: expected a time with a zone, got {value!r}")
    return parsed.astimezone(UTC)


async def _apply(desk: Desk, tx: AsyncConnection, row: Any, told: Told) -> str:
    found = await orders.find_for_carrier(tx, told.waybill, told.carrier_order_id)
    if not found:
        return "no such order"
    results = []
    for order in found:
        new = await _new_facts(desk, tx, order.id, row, told)
        known = await orders.facts_of(tx, order.id)
        state = order_state(order.told_state, known, desk.content.facts, order.told_at)
        if state != order.state:
            await orders.set_state(tx, order.id, state)
        for ticket in await tickets.active_of_order(tx, order.id):
            for fact in new:
                done = await _effect(desk, tx, ticket, fact)
                results.append(done)
                if done.startswith("complete"):
                    break
        results.extend(f"fact {fact.fact}" for fact in new)
    return "; ".join(result for result in results if result) or "no fact"


async def _new_facts(
    desk: Desk, tx: AsyncConnection, order_id: str, row: Any, told: Told
) -> list[Fact]:
    """The facts this callback adds; the known ones in it are passed over."""
    codes = desk.content.codes.get(told.carrier, {})
    lines = []
    for source, code, when in told.lines:
        name = code if source == "facts" else codes.get((source, code))
        if name in desk.content.facts:
            lines.append(Fact(str(name), f"{told.carrier}.{source}", code, row.received_at, when))
    if told.refunded:
        lines.append(Fact("refund.confirmed", f"{told.carrier}.fee", "3", row.received_at, None))
    return [fact for fact in lines if await orders.add_fact(tx, order_id, fact, row.id)]


async def _effect(desk: Desk, tx: AsyncConnection, ticket: Ticket, fact: Fact) -> str:
    """Carry out the ruling of one fact on one ticket; returns what was done, for the record."""
    category = desk.content.categories[ticket.category]
    ruling = rule_on(ticket, category, fact)
    if ruling.effect == "nothing":
        return ""
    conversation = await desk.must_lock(tx, ticket.conversation_id)
    lang = conversation.lang
    because = desk.content.facts[fact.fact].label[lang]
    label = category.label[lang]
    if ruling.effect == "complete":
        words = desk.say("utter_ticket_completed", lang, label=label, because=because)
        await complete(
            desk, tx, conversation, ticket.id, Complete("fact", fact.fact), words, "system"
        )
    else:
        words = desk.say("utter_ticket_informed", lang, label=label, because=because)
        news = News(ticket_json(desk, ticket, lang), words, (desk.human_choice(lang),))
        conversation, _ = await desk.carry_out(tx, conversation, news)
        if ruling.effect == "escalate":
            summary = f"工单 {category.label['zh']}：{desk.content.facts[fact.fact].label['zh']}"
            await hand_over(desk, tx, conversation, "escalated", summary)
    return f"{ruling.effect} {ticket.id}: {ruling.why}"
