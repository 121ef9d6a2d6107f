"""Tickets: opened by bot or agent, corrected, completed, closed; `reopening.py` has the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow import dispatching
from desk.flow.desk import Desk, new_id
from desk.flow.handover import clock_words
from desk.flow.outbox import tell
from desk.rules.conversation import Conversation, News
from desk.rules.refused import Refused
from desk.rules.ticket import (
    REOPEN_FOR,
    Add,
    Close,
    Complete,
    Correct,
    Entry,
    Ticket,
    decide,
    reopen_until,
)
from desk.store import tickets

#: Hours to promise where a reopened ticket's category is no longer in the file.
RETIRED_DUE_HOURS = 24


def ticket_json(desk: Desk, ticket: Ticket, lang: str) -> dict[str, Any]:
    """A ticket as events and the API show it."""

    def iso(when: datetime | None) -> str | None:
        return when.astimezone(UTC).isoformat() if when else None

    return {
        "id": ticket.id,
        "category": ticket.category,
        "label": desk.content.categories.label(ticket.category, lang),
        "state": ticket.state,
        "conversation_id": ticket.conversation_id,
        "order_id": ticket.order_id,
        "opened_at": iso(ticket.opened_at),
        "due_at": iso(ticket.due_at),
        "asked": asked(desk, ticket, lang),
        "completed_at": iso(ticket.completed_at),
        "completed_by": ticket.completed_by,
        "completed_because": ticket.completed_because,
        "reopen_until": iso(reopen_until(ticket)),
    }


def asked(desk: Desk, ticket: Ticket, lang: str) -> dict[str, str] | None:
    """The question that is open: what the carrier says, and whether that settles it."""
    fact = ticket.asked_fact
    if fact is None:
        return None
    kind = desk.content.facts.get(fact)
    return {"fact": fact, "text": kind.label[lang] if kind else fact}


@dataclass(frozen=True)
class Opening:
    """A request for a ticket: by the bot (`author` "bot", with its epoch) or by an agent."""

    category: str
    text: str
    author: str
    idempotency_key: str
    epoch: int | None = None
    review: Mapping[str, Any] | None = None


async def open_ticket(
    desk: Desk, tx: AsyncConnection, conversation: Conversation, opening: Opening
) -> tuple[Ticket, str]:
    """Open a ticket, or add to the one that is open for this order and category.

    Returns:
        The ticket and "created", "added", or "same" when this very request came before.

    Raises:
        Refused: `stale_epoch`, `unknown_category`.
    """
    _check(desk, conversation, opening.category, opening.epoch)
    known = await tickets.by_key(tx, opening.idempotency_key)
    if known:
        return known, "same"
    now = desk.now()
    ticket = Ticket(
        id=new_id("t"),
        order_id=conversation.order_id,
        conversation_id=conversation.id,
        category=opening.category,
        text=opening.text,
        opened_at=now,
        due_at=due_time(desk, opening.category, now, now),
        opened_by=opening.author,
        active_since=now,
        promised_at=now,
        complained_at=now,
    )
    entry, outcome = Entry("opened", opening.text), "created"
    # The tick is used up by this ticket; it stays there, for learning how people mistick.
    review = {**(opening.review or {}), "stated": conversation.stated}
    if not await tickets.create(tx, ticket, review):
        existing = await tickets.active_for(tx, conversation.order_id, opening.category)
        if existing is None:  # completed in the meantime: the unique index is free again
            return await open_ticket(desk, tx, conversation, opening)
        ticket, entry = decide(existing, Add(opening.text), now)
        await tickets.save(tx, existing, ticket)
        outcome = "added"
    await tickets.add_entry(tx, ticket.id, entry, opening.author, now, opening.idempotency_key)
    news = News(
        ticket_json(desk, ticket, conversation.lang), epoch=opening.epoch, settles_request=True
    )
    conversation, _ = await desk.carry_out(tx, conversation, news)
    if outcome == "created":
        await tell(desk, tx, "ticket.opened", conversation, ticket)
        await dispatching.plan(desk, tx, ticket)
    else:
        await dispatching.add(desk, tx, ticket, opening.text)
    return ticket, outcome


def _check(desk: Desk, conversation: Conversation, category: str, epoch: int | None) -> None:
    """Refuse a write for an earlier owner, and a category that does not exist."""
    if epoch is not None and epoch != conversation.epoch:
        raise Refused("stale_epoch", expected=conversation.epoch, got=epoch)
    if category not in desk.content.categories:
        expected = ", ".join(desk.content.categories.by_id)
        raise Refused("unknown_category", got=category, expected=expected)


def due_time(desk: Desk, category: str, complained_at: datetime | None, now: datetime) -> datetime:
    """What to promise now for a complaint made at `complained_at`."""
    known = desk.content.categories.by_id.get(category)
    hours = known.due_hours if known else RETIRED_DUE_HOURS
    return desk.content.promises.due_at(hours, complained_at or now, now)


def promise_words(desk: Desk, due_at: datetime, lang: str) -> str:
    """The promise of a time in words, to follow the sentence that says what is done.

    Empty where that time has passed, in the ticket that another was joined to.
    """
    if due_at <= desk.now():
        return ""
    return desk.say("utter_promise_by", lang, due=clock_words(desk, due_at, lang))


async def locked(tx: AsyncConnection, ticket_id: str) -> Ticket:
    """Load a ticket under lock.

    Raises:
        Refused: `not_found`.
    """
    ticket = await tickets.lock(tx, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    return ticket


async def correct(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    ticket_id: str,
    category: str,
    author: str,
    *,
    epoch: int | None = None,
    idempotency_key: str | None = None,
    text: str = "",
    review: Mapping[str, Any] | None = None,
) -> tuple[Ticket, str]:
    """Give a ticket another category; where the order has an open ticket in it, join that one.

    `text`: the customer's words about it, kept in the ticket's history. `review`: what led to the
    correction, kept behind the review that led to the ticket.

    Returns:
        The ticket that stands now, and "corrected", "added" (joined) or "same" (nothing to do).

    Raises:
        Refused: `stale_epoch`, `unknown_category`, `not_found`, `ticket_state`.
    """
    _check(desk, conversation, category, epoch)
    if idempotency_key:
        known = await tickets.by_key(tx, idempotency_key)
        if known:
            return known, "same"
    before = await locked(tx, ticket_id)
    if before.conversation_id != conversation.id:
        raise Refused("not_found", what="ticket")
    if before.category == category:
        return before, "same"
    other = await tickets.active_for(tx, before.order_id, category)
    now, outcome = desk.now(), "corrected"
    if other is None:
        due_at = due_time(desk, category, before.complained_at, now)
        after, entry = decide(before, Correct(category, due_at, text), now)
        await tickets.save(tx, before, after)
    else:  # two tickets for one need would be worked on twice
        outcome = "added"
        withdrawn, entry = decide(before, Complete("merge", other.id), now)
        await tickets.save(tx, before, withdrawn)
        await tickets.add_entry(tx, withdrawn.id, entry, author, now)
        gone = News(ticket_json(desk, withdrawn, conversation.lang), epoch=epoch)
        conversation, _ = await desk.carry_out(tx, conversation, gone)
        after, entry = decide(other, Add("\n".join(filter(None, (before.text, text)))), now)
        await tickets.save(tx, other, after)
    await tickets.add_entry(tx, after.id, entry, author, now, idempotency_key)
    if review:
        await tickets.add_review(tx, after.id, review)
    words = None
    if author != "bot":  # the bot says it in its own reply
        label = desk.content.categories.label(category, conversation.lang)
        promise = promise_words(desk, after.due_at, conversation.lang)
        words = desk.say("utter_ticket_corrected", conversation.lang, label=label, promise=promise)
    shown = ticket_json(desk, after, conversation.lang)
    choices = (desk.human_choice(conversation.lang),)
    news = News(shown, words, choices, epoch, settles_request=True)
    conversation, _ = await desk.carry_out(tx, conversation, news)
    await tell(desk, tx, "ticket.corrected", conversation, after)
    if other is None:
        await dispatching.plan(desk, tx, after)
    else:
        await dispatching.add(desk, tx, after, before.text)
    return after, outcome


async def complete(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    ticket_id: str,
    command: Complete,
    words: str,
    author: str,
) -> Ticket:
    """Complete a ticket and tell the customer `words` in the conversation.

    Raises:
        Refused: `not_found`, `ticket_state`.
    """
    before = await locked(tx, ticket_id)
    now = desk.now()
    after, entry = decide(before, command, now)
    await tickets.save(tx, before, after)
    await tickets.add_entry(tx, after.id, entry, author, now)
    conversation = await tell_customer(desk, tx, conversation, after, words)
    if author != "customer":  # who has just said so need not be told
        # what an agent wrote stays in the house
        text = words if command.by == "fact" else None
        await tell(desk, tx, "ticket.completed", conversation, after, text)
    return after


async def tell_customer(
    desk: Desk, tx: AsyncConnection, conversation: Conversation, ticket: Ticket, words: str | None
) -> Conversation:
    """Show the ticket as it is now in the conversation, with `words` where there are any."""
    lang = conversation.lang
    news = News(ticket_json(desk, ticket, lang), words, (desk.human_choice(lang),))
    conversation, _ = await desk.carry_out(tx, conversation, news)
    return conversation


async def close_old(desk: Desk) -> int:
    """Close tickets nobody objected to for 7 days after completion. Returns how many."""
    async with desk.db.begin() as tx:
        due = await tickets.to_close(tx, desk.now() - REOPEN_FOR)
    closed = 0
    for ticket_id in due:
        async with desk.db.begin() as tx:
            before = await tickets.lock(tx, ticket_id)
            if before is None:
                continue
            try:
                after, entry = decide(before, Close(), desk.now())
            except Refused:  # reopened between the list and the lock
                continue
            await tickets.save(tx, before, after)
            await tickets.add_entry(tx, ticket_id, entry, "system", desk.now())
            closed += 1
    return closed
