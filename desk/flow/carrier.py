"""What carriers tell us: keep the callback, answer, then turn it into facts and their effects."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.handover import hand_over
from desk.flow.tickets import complete, ticket_json
from desk.rules.categories import Category
from desk.rules.completion import Ruling, repeats, rule_on_all
from desk.rules.conversation import News
from desk.rules.facts import Fact, order_state
from desk.rules.ticket import Complete, Ticket
from desk.store import jobs as job_names
from desk.store import orders, tickets

#: Carriers give local times without a zone.
CARRIER_ZONE = ZoneInfo("Asia/Shanghai")
#: A callback's JSON that cannot be read raises one of these.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Applied(NamedTuple):
    """What became of a callback: a word for counting, and the text stored in its row."""

    code: Literal[
        "done_before",
        "not_understood",
        "no_such_order",
        "nothing_new",
        "facts",
        "inform",
        "escalate",
        "complete",
        "failed",
    ]
    text: str


@dataclass(frozen=True)
class Told:
    """What a callback says: about which order, and the (source, code, time) lines in it."""

    carrier: str
    waybill: str | None
    #: Order numbers, the merchant's own or the carrier's.
    numbers: tuple[str, ...]
    lines: list[tuple[str, str, datetime | None]]
    #: What says which fee was refunded, one for each.
    refunds: tuple[str, ...] = ()

    @property
    def identifiers(self) -> list[str]:
        """Everything it calls its order, the waybill first."""
        return list(dict.fromkeys(name for name in (self.waybill, *self.numbers) if name))


async def keep(desk: Desk, source: str, body: str) -> bool:
    """Store a verified callback and defer its work, in one transaction.

    Args:
        source: `kuaidi100.order`, `kuaidi100.track` or `facts`.
        body: the JSON text exactly as it was signed.

    Returns:
        False when exactly this callback was stored before: nothing more will happen.
    """
    try:
        identifiers = parse(source, json.loads(body)).identifiers
    except UNREADABLE:  # kept all the same; its job says why
        identifiers = []
    async with desk.db.begin() as tx:
        callback_id = await orders.keep_callback(tx, source, body, desk.now(), identifiers)
        if callback_id is None:
            return False
        await _defer(desk, tx, callback_id, identifiers)
        return True


async def _defer(
    desk: Desk, tx: AsyncConnection, callback_id: int, identifiers: Sequence[str]
) -> None:
    """Defer a callback's work; those of one shipment are applied in the order they arrived."""
    name = identifiers[0] if identifiers else str(callback_id)
    await desk.jobs.defer(
        tx, job_names.APPLY_CALLBACK, lock=f"callback:{name}", callback_id=callback_id
    )


async def put_order(desk: Desk, order_id: str, values: Mapping[str, Any]) -> Any:
    """What the merchant's system says about an order; callbacks that came before it are applied.

    Returns:
        The order's row.
    """
    async with desk.db.begin() as tx:
        await orders.put(tx, order_id, values, desk.now())
        order = await orders.get(tx, order_id)
        assert order is not None
        state = await _derived_state(desk, tx, order)
        if state != order.state:
            await orders.set_state(tx, order_id, state)
        identifiers = [name for name in (order.waybill, order.carrier_order_id, order_id) if name]
        await _apply_unmatched(desk, tx, identifiers)
        return await orders.get(tx, order_id)


async def _apply_unmatched(desk: Desk, tx: AsyncConnection, identifiers: Sequence[str]) -> None:
    for row in sorted(await orders.take_unmatched(tx, identifiers), key=lambda row: int(row.id)):
        await _defer(desk, tx, row.id, row.identifiers)


async def _derived_state(desk: Desk, tx: AsyncConnection, order: Any) -> str:
    known = await orders.facts_of(tx, order.id)
    return order_state(order.told_state, known, desk.content.facts, order.told_at)


async def apply_callback(desk: Desk, callback_id: int) -> Applied:
    """The job `apply_callback`: facts, order state, tickets and messages, in one transaction.

    Returns:
        What became of it, as stored in `callbacks.result`.
    """
    async with desk.db.begin() as tx:
        row = await orders.lock_callback(tx, callback_id)
        if row is None or row.applied_at is not None:
            return Applied("done_before", "done before")
        try:
            told = parse(row.source, json.loads(row.body))
        except UNREADABLE as error:
            applied = Applied("not_understood", f"not understood: {error}")
        else:
            applied = await _apply(desk, tx, row, told)
        await orders.finish_callback(tx, callback_id, _clean(applied.text), desk.now())
        return applied


async def give_up(desk: Desk, callback_id: int, error: Exception) -> Applied:
    """Note that a callback could not be applied, however often it was tried."""
    applied = Applied("failed", f"failed: {type(error).__name__}")
    async with desk.db.begin() as tx:
        row = await orders.lock_callback(tx, callback_id)
        if row is not None and row.applied_at is None:
            await orders.finish_callback(tx, callback_id, applied.text, desk.now())
    return applied


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
        return Told("kuaidi100", _text(last.get("nu")), (), lines)
    if source == "kuaidi100.order":
        inner = data.get("data")
        detail = inner if isinstance(inner, dict) and "status" in inner else data
        status = detail.get("status")
        if status in (None, ""):
            raise ValueError(f"expected a status, got the keys {sorted(data)}")

        def named(key: str) -> str | None:
            return _text(detail.get(key)) or _text(data.get(key))

        numbers = tuple(n for n in (named("thirdOrderId"), named("orderId")) if n)
        when = _carrier_time(detail.get("updateTime") or data.get("updateTime"))
        lines = [("order", str(status), when)]
        refunds = _refunds(detail.get("feeDetails") or [])
        return Told("kuaidi100", named("kuaidinum"), numbers, lines, refunds)
    if source == "facts":
        lines = [
            ("facts", str(line["fact"]), _iso_time(line.get("occurred_at")))
            for line in data["facts"]
        ]
        number = _text(data.get("order_id"))
        return Told("facts", _text(data.get("waybill")), (number,) if number else (), lines)
    raise ValueError(f"expected a known source, got {source!r}")


def _refunds(fees: Sequence[Any]) -> tuple[str, ...]:
    """A name for each refunded fee: type and amount, numbered where two are alike.

    payStatus 3 = refunded, per the order callback's fee details. Every later callback lists it
    again, so the name must be the same each time.
    """
    seen: Counter[str] = Counter()
    names = []
    for fee in fees:
        if isinstance(fee, dict) and str(fee.get("payStatus")) == "3":
            name = f"{_text(fee.get('feeType')) or 'fee'} {_text(fee.get('amount')) or '?'}"
            seen[name] += 1
            names.append(name if seen[name] == 1 else f"{name} no. {seen[name]}")
    return tuple(names)


def _clean(text: str) -> str:
    """`text` without what PostgreSQL cannot store: NUL, and halves of a character."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _text(value: object) -> str | None:
    return _clean(str(value)).strip() or None if value is not None else None


def _carrier_time(value: object) -> datetime | None:
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(str(value).strip())
        return parsed.replace(tzinfo=parsed.tzinfo or CARRIER_ZONE).astimezone(UTC)
    except (ValueError, OverflowError):  # no date, or one such as 0001-01-01 for "none"
        return None


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


async def _apply(desk: Desk, tx: AsyncConnection, row: Any, told: Told) -> Applied:
    found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found and told.identifiers:
        # the order may be coming in right now: whoever is second sees what the first one did
        await orders.lock_identifiers(tx, told.identifiers)
        found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found:
        return Applied("no_such_order", orders.UNMATCHED)
    done: list[Applied] = []
    for order in found:
        if told.waybill and order.waybill is None:
            await orders.set_waybill(tx, order.id, told.waybill)
            await _apply_unmatched(desk, tx, [told.waybill])
        new = await _new_facts(desk, tx, order.id, row, told)
        state = await _derived_state(desk, tx, order)
        if state != order.state:
            await orders.set_state(tx, order.id, state)
        if new:
            done.extend(await _effects(desk, tx, order.id, new, state))
            done.extend(Applied("facts", f"fact {fact.fact}") for fact in new)
    if not done:
        return Applied("nothing_new", "no new fact")
    return Applied(done[0].code, "; ".join(one.text for one in done))


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
    for refund in told.refunds:
        lines.append(Fact("refund.confirmed", f"{told.carrier}.fee", refund, row.received_at, None))
    if not lines:
        return []
    known = await orders.facts_of(tx, order_id)
    fresh = [fact for fact in lines if not repeats(fact, known, desk.content.facts)]
    return [fact for fact in fresh if await orders.add_fact(tx, order_id, fact, row.id)]


async def _effects(
    desk: Desk, tx: AsyncConnection, order_id: str, news: Sequence[Fact], state: str
) -> list[Applied]:
    """Rule on every active ticket of the order, each under its lock, and carry the rulings out."""
    active = await tickets.active_of_order(tx, order_id)
    # all conversations first, in one order for everybody: then nobody waits in a circle
    for conversation_id in sorted({ticket.conversation_id for ticket in active}):
        await desk.must_lock(tx, conversation_id)
    done = []
    for listed in active:
        ticket = await tickets.lock(tx, listed.id)
        category = desk.content.categories.by_id.get(ticket.category) if ticket else None
        if ticket is None or category is None:  # the category was taken out of the file: no rule
            continue
        found = rule_on_all(ticket, category, news, state)
        if found:
            done.append(await _carry_out(desk, tx, ticket, category, *found))
    return done


async def _carry_out(
    desk: Desk,
    tx: AsyncConnection,
    ticket: Ticket,
    category: Category,
    fact: Fact,
    ruling: Ruling,
) -> Applied:
    """Do to one ticket what the ruling says, and tell the customer."""
    conversation = await desk.must_lock(tx, ticket.conversation_id)
    lang = conversation.lang
    because = desk.content.facts[fact.fact].label[lang]
    label = category.label[lang]
    done = f"{ruling.effect} {ticket.id}: {ruling.why}"
    if ruling.effect == "complete":
        words = desk.say("utter_ticket_completed", lang, label=label, because=because)
        await complete(
            desk, tx, conversation, ticket.id, Complete("fact", fact.fact), words, "system"
        )
        return Applied("complete", done)
    words = desk.say("utter_ticket_informed", lang, label=label, because=because)
    news = News(ticket_json(desk, ticket, lang), words, (desk.human_choice(lang),))
    conversation, _ = await desk.carry_out(tx, conversation, news)
    if ruling.effect == "inform":
        return Applied("inform", done)
    summary = f"工单 {category.label['zh']}：{desk.content.facts[fact.fact].label['zh']}"
    await hand_over(desk, tx, conversation, "escalated", summary)
    return Applied("escalate", done)
