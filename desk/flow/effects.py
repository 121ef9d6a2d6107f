"""What facts about an order do to its tickets, and what the customer is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.facts import derived_state
from desk.flow.handover import hand_over
from desk.flow.outbox import tell
from desk.flow.reopening import reopen_by_news
from desk.flow.tickets import complete, tell_customer
from desk.rules.completion import Case, Ruling, decide_on, judge_all, waiting
from desk.rules.conversation import Conversation
from desk.rules.facts import Fact
from desk.rules.ticket import ACTIVE, REOPEN_FOR, Ask, Complete, Tell, Ticket, Wait, decide
from desk.store import orders, tickets

log = structlog.get_logger("desk.effects")

#: Kinds of entries that say what the customer was told of while a ticket was open.
_TOLD = ("informed", "escalated", "asked", "waits")


class Applied(NamedTuple):
    """What became of a callback: a word for counting, and the text stored in its row."""

    code: Literal[
        "not_understood",
        "no_such_order",
        "nothing_new",
        "facts",
        "inform",
        "ask",
        "wait",
        "escalate",
        "complete",
        "reopen",
        "failed",
    ]
    text: str


async def effects(
    desk: Desk, tx: AsyncConnection, order: Any, news: Sequence[Fact], state: str
) -> list[Applied]:
    """Rule on every ticket of the order that news can change, and carry the rulings out.

    Args:
        order: its row.
        news: the order's new facts, as they were told.
        state: the order's state with all these facts.
    """
    live = await tickets.live_of_order(tx, order.id, desk.now() - REOPEN_FOR)
    if not live:
        return []
    known = await orders.facts_of(tx, order.id)
    # all conversations first, in one order for everybody: then nobody waits in a circle
    for conversation_id in sorted({ticket.conversation_id for ticket in live}):
        await desk.must_lock(tx, conversation_id)
    done = []
    for listed in live:
        ticket = await tickets.lock(tx, listed.id)
        if ticket is not None:
            done += await _apply(desk, tx, ticket, order, known, news, state)
    return done


async def complete_waiting(desk: Desk) -> int:
    """Complete the tickets whose completing fact has stood long enough. Returns how many."""
    async with desk.db.begin() as tx:
        due = await tickets.done_waiting(tx, desk.now())
    completed = 0
    for ticket_id, order_id, conversation_id in due:
        try:
            async with desk.db.begin() as tx:
                await orders.lock_group(tx, order_id)  # the order first, as everybody does
                order = await orders.get(tx, order_id)
                await desk.must_lock(tx, conversation_id)
                ticket = await tickets.lock(tx, ticket_id)
                if order is None or ticket is None or ticket.waits_until is None:
                    continue
                known = await orders.facts_of(tx, order_id)
                state = await derived_state(desk, tx, order)
                applied = await _apply(desk, tx, ticket, order, known, (), state)
                completed += any(one.code == "complete" for one in applied)
        except Exception:  # one that fails holds up no other
            log.exception("a waiting ticket could not be completed", ticket=ticket_id)
    return completed


async def case_of(
    desk: Desk, tx: AsyncConnection, ticket: Ticket, order: Any, known: Sequence[Fact], state: str
) -> Case | None:
    """A ticket before its order's facts; None when its category was taken out of the file.

    Args:
        order: its row.
        state: the order's state with all these facts.
    """
    category = desk.content.categories.by_id.get(ticket.category)
    if category is None:
        return None
    since, spoke_at = ticket.active_since or ticket.opened_at, ticket.spoke_at or ticket.opened_at
    told, asked = set(), set()
    for entry in await tickets.entries(tx, ticket.id):
        at = datetime.fromisoformat(entry["at"])
        if entry["kind"] in _TOLD and at >= since:
            told.add(entry["text"])
        if entry["kind"] == "asked" and at >= spoke_at:
            asked.add(entry["text"])
    facts = tuple(fact for fact in known if fact.fact in desk.content.facts)
    kinds = desk.content.facts
    said = (order.told_state, order.told_at)
    return Case(ticket, category, kinds, facts, state, frozenset(told), frozenset(asked), said)


async def _apply(
    desk: Desk,
    tx: AsyncConnection,
    ticket: Ticket,
    order: Any,
    known: Sequence[Fact],
    news: Sequence[Fact],
    state: str,
) -> list[Applied]:
    """Rule on one ticket, held by the caller with its conversation."""
    case = await case_of(desk, tx, ticket, order, known, state)
    if case is None:
        return []
    ruling = decide_on(case, news, desk.now())
    done = []
    if ruling.effect == "reopen" and ruling.fact is not None:
        cause, why = ruling.fact, ruling.why
        ruling = decide_on(replace(case, ticket=replace(ticket, state="open")), news, desk.now())
        asks = ruling.effect == "ask"
        after = await _reopen(desk, tx, case, cause, silent=asks)
        if after is None:
            return []
        done.append(Applied("reopen", f"reopen {ticket.id}: {why}"))
        case = replace(case, ticket=after)
        if not asks:  # what reopened it has been told; somebody has to look
            await _call_person(desk, tx, case, cause)
            return done
    applied = await _carry_out(desk, tx, case, ruling)
    if case.ticket.waits_for is not None and ruling.effect not in ("complete", "wait"):
        await _forget_wait(desk, tx, case)
    return [*done, applied] if applied else done


async def _carry_out(desk: Desk, tx: AsyncConnection, case: Case, ruling: Ruling) -> Applied | None:
    """Do to one ticket what the ruling says, and tell the customer."""
    ticket, fact = case.ticket, ruling.fact
    if ruling.effect == "nothing" or fact is None:
        return None
    conversation = await desk.must_lock(tx, ticket.conversation_id)
    done = f"{ruling.effect} {ticket.id}: {ruling.why}"
    if ruling.effect == "complete":
        ends = fact.fact in case.category.ends_on
        name = "utter_ticket_ended" if ends else "utter_ticket_completed"
        words = _words(desk, conversation, case, fact, name)
        by = Complete("fact", fact.fact)
        await complete(desk, tx, conversation, ticket.id, by, words, "system")
        return Applied("complete", done)
    if ruling.effect == "ask":
        words = _words(desk, conversation, case, fact, "utter_ticket_asked")
        after = await _note(desk, tx, ticket, Ask(fact.fact))
        conversation = await tell_customer(desk, tx, conversation, after, words)
        await tell(desk, tx, "ticket.asked", conversation, after, words)
        return Applied("ask", done)
    if ruling.effect == "wait":
        words = _words(desk, conversation, case, fact, "utter_ticket_waits")
        after = await _note(desk, tx, ticket, Wait(fact.fact, ruling.until))
        if fact.fact in case.told:
            return Applied("wait", done)
        conversation = await tell_customer(desk, tx, conversation, after, words)
        await tell(desk, tx, "ticket.progress", conversation, after, words)
        return Applied("wait", done)
    escalates = ruling.effect == "escalate"
    words = _words(desk, conversation, case, fact, "utter_ticket_informed")
    after = await _note(desk, tx, ticket, Tell(fact.fact, escalates, case.moot))
    conversation = await tell_customer(desk, tx, conversation, after, words)
    if not escalates or conversation.owner != "bot":  # else the handover is the news
        await tell(desk, tx, "ticket.progress", conversation, after, words)
    if escalates:
        await _call_person(desk, tx, case, fact)
        return Applied("escalate", done)
    return Applied("inform", done)


async def _reopen(
    desk: Desk, tx: AsyncConnection, case: Case, cause: Fact, *, silent: bool
) -> Ticket | None:
    """Undo a completion that the order's facts no longer support.

    Args:
        silent: a question follows, and says it all.

    Returns:
        None when the customer has an open ticket for the same need by now.
    """
    ticket = case.ticket
    if await tickets.active_for(tx, ticket.order_id, ticket.category) is not None:
        return None
    conversation = await desk.must_lock(tx, ticket.conversation_id)
    words = None
    if not silent:
        words = _words(desk, conversation, case, cause, "utter_ticket_reopened_by_news")
    return await reopen_by_news(desk, tx, conversation, ticket.id, cause.fact, words)


async def _forget_wait(desk: Desk, tx: AsyncConnection, case: Case) -> None:
    """Nothing is waited for any more when no fact is left that only has to stand."""
    ticket = await tickets.lock(tx, case.ticket.id)
    if ticket is not None and ticket.state in ACTIVE and waiting(judge_all(case)) is None:
        await _note(desk, tx, ticket, Wait())


async def _note(
    desk: Desk, tx: AsyncConnection, ticket: Ticket, command: Ask | Tell | Wait
) -> Ticket:
    """Change the ticket and write the line into its history."""
    now = desk.now()
    after, entry = decide(ticket, command, now)
    await tickets.save(tx, ticket, after)
    await tickets.add_entry(tx, ticket.id, entry, "system", now)
    return after


def _words(desk: Desk, conversation: Conversation, case: Case, fact: Fact, name: str) -> str:
    lang = conversation.lang
    because = desk.content.facts[fact.fact].label[lang]
    return desk.say(name, lang, label=case.category.label[lang], because=because)


async def _call_person(desk: Desk, tx: AsyncConnection, case: Case, fact: Fact) -> None:
    """Call a person, who reads in one line what happened to which ticket."""
    conversation = await desk.must_lock(tx, case.ticket.conversation_id)
    said = desk.content.facts[fact.fact].label["zh"]
    summary = f"工单 {case.category.label['zh']}：{said}"
    await hand_over(desk, tx, conversation, "escalated", summary)
