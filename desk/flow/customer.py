"""What a customer does: open, write, choose, ask for a person, reopen a ticket."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.applying import up_to_date
from desk.flow.desk import Desk, new_id
from desk.flow.handover import hand_over
from desk.flow.reopening import reopen, settled
from desk.rules.conversation import Choose, Conversation, Event, Say, Tick
from desk.rules.refused import Refused
from desk.store import conversations, events, orders, tickets
from desk.store.db import notify

TEXT_LIMIT = 2000


async def own_order(tx: AsyncConnection, customer_id: str, order_id: str) -> Any:
    """The customer's order.

    Raises:
        Refused: `not_found`, also when the order belongs (or went over) to somebody else.
    """
    order = await orders.get(tx, order_id)
    if order is None or order.customer_id != customer_id:
        raise Refused("not_found", what="order")
    return order


async def own_conversation(
    desk: Desk, tx: AsyncConnection, customer_id: str, conversation_id: str, *, lock: bool = False
) -> Conversation:
    """The customer's conversation, optionally under lock.

    Raises:
        Refused: `not_found`, also when it belongs to somebody else.
    """
    load = conversations.lock if lock else conversations.get
    conversation = await load(tx, conversation_id)
    if conversation is None or conversation.customer_id != customer_id:
        raise Refused("not_found", what="conversation")
    await own_order(tx, customer_id, conversation.order_id)
    return conversation


def check_text(text: str) -> str:
    """A message's text without surrounding blanks and control characters.

    Raises:
        Refused: `text_blank`, `text_too_long`.
    """
    # Half an emoji (a lone surrogate) is no text: no database stores it.
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    clean = "".join(kept).strip()
    if not clean:
        raise Refused("text_blank")
    if len(clean) > TEXT_LIMIT:
        raise Refused("text_too_long", limit=TEXT_LIMIT, got=len(clean))
    return clean


async def open_conversation(
    desk: Desk,
    customer_id: str,
    order_id: str,
    lang: str,
    category: str | None,
    text: str | None,
    client_id: str,
) -> tuple[Conversation, list[dict[str, Any]]]:
    """Open the conversation about an order, or return the one there is; then say `text`, if given.

    Returns:
        The conversation, and the events this call added (none if the same call came before).

    Raises:
        Refused: `not_found`, `unknown_category`, `text_blank`, `text_too_long`.
    """
    _check_category(desk, category)
    text = check_text(text) if text is not None else None
    added: list[dict[str, Any]] = []
    async with desk.db.begin() as tx:
        await own_order(tx, customer_id, order_id)
        await up_to_date(desk, tx, [order_id])
        conversation = await conversations.find(tx, order_id, customer_id)
        if conversation is None:
            fresh = Conversation(new_id("c"), order_id, customer_id, lang=lang)
            if await conversations.create(tx, fresh):
                conversation = await desk.must_lock(tx, fresh.id)
                conversation, added = await _greet(desk, tx, conversation, category, text)
            else:
                conversation = await conversations.find(tx, order_id, customer_id)
        assert conversation is not None
        conversation = await desk.must_lock(tx, conversation.id)
        if text is not None:
            conversation, said = await _say(desk, tx, conversation, text, client_id, category)
            added = added + said
        elif category:
            conversation, _ = await desk.carry_out(tx, conversation, Tick(category))
    return conversation, added


async def _greet(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    category: str | None,
    text: str | None,
) -> tuple[Conversation, list[dict[str, Any]]]:
    """The first message: the bot says that it is one, and how to reach a person."""
    words = [desk.say("utter_disclosure", conversation.lang)]
    if text is None and category:
        label = desk.content.categories.label(category, conversation.lang)
        words.append(desk.say("utter_ask_problem_stated", conversation.lang, label=label))
    greeting = Event(
        "message",
        "bot",
        {"text": "\n".join(words), "choices": [desk.human_choice(conversation.lang)]},
    )
    now = desk.now()
    stored = await events.append(tx, conversation.id, conversation.last_seq, [greeting], now)
    desk.on_events(stored)

    after = replace(conversation, last_seq=conversation.last_seq + len(stored))
    await conversations.save(tx, conversation, after)
    return after, stored


async def say(
    desk: Desk,
    customer_id: str,
    conversation_id: str,
    text: str,
    client_id: str,
    category: str | None = None,
) -> dict[str, Any]:
    """Store a customer's message; the bot is asked by a job, or a person is called at once.

    Returns:
        The stored event; the same one again for the same `client_id`.

    Raises:
        Refused: `not_found`, `unknown_category`, `text_blank`, `text_too_long`.
    """
    _check_category(desk, category)
    text = check_text(text)
    async with desk.db.begin() as tx:
        conversation = await own_conversation(desk, tx, customer_id, conversation_id, lock=True)
        known = await events.by_client_id(tx, conversation_id, "customer", client_id)
        if known:
            return known
        _, stored = await _say(desk, tx, conversation, text, client_id, category)
        return stored[0]


async def _say(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    text: str,
    client_id: str,
    category: str | None,
) -> tuple[Conversation, list[dict[str, Any]]]:
    known = await events.by_client_id(tx, conversation.id, "customer", client_id)
    if known:
        return conversation, []
    asks = desk.content.human_words.asks_for_person(text)
    command = Say(text, client_id, category, asks_person=asks)
    conversation, stored = await desk.carry_out(tx, conversation, command)
    if asks and conversation.owner == "bot":
        conversation = await hand_over(desk, tx, conversation, "asked")
    return conversation, stored


async def choose(
    desk: Desk, customer_id: str, conversation_id: str, choice: str, client_id: str
) -> dict[str, Any]:
    """Store a tapped choice. `human` hands over at once, from any state.

    Raises:
        Refused: `not_found`, `choice_not_offered`, `wrong_owner`.
    """
    async with desk.db.begin() as tx:
        conversation = await own_conversation(desk, tx, customer_id, conversation_id, lock=True)
        known = await events.by_client_id(tx, conversation_id, "customer", client_id)
        if known:
            return known
        if choice == "human":
            label = desk.say("utter_human_choice", conversation.lang)
            command: Say | Choose = Say(label, client_id, asks_person=True)
        else:
            label = await events.choice_label(tx, conversation_id, choice) or choice
            command = Choose(choice, label, client_id)
        conversation, stored = await desk.carry_out(tx, conversation, command)
        if choice == "human":
            await hand_over(desk, tx, conversation, "asked")
        return stored[0]


async def ask_for_person(desk: Desk, customer_id: str, conversation_id: str) -> Conversation:
    """Hand over now, from any state; asking again changes nothing.

    Raises:
        Refused: `not_found`.
    """
    async with desk.db.begin() as tx:
        conversation = await own_conversation(desk, tx, customer_id, conversation_id, lock=True)
        return await hand_over(desk, tx, conversation, "asked")


async def reopen_ticket(desk: Desk, customer_id: str, ticket_id: str) -> Any:
    """Reopen a completed ticket within 7 days; one that is open again already is returned as it is.

    Raises:
        Refused: `not_found`, `reopen_too_late`, `ticket_state`, `already_open`.
    """
    async with desk.db.begin() as tx:
        conversation = await _conversation_of(desk, tx, customer_id, ticket_id)
        return await reopen(desk, tx, conversation, ticket_id, author="customer")


async def _conversation_of(
    desk: Desk, tx: AsyncConnection, customer_id: str, ticket_id: str
) -> Conversation:
    """The conversation of the customer's ticket, under lock; Refused: `not_found`."""
    ticket = await tickets.get(tx, ticket_id)
    if ticket is None:
        raise Refused("not_found", what="ticket")
    return await own_conversation(desk, tx, customer_id, ticket.conversation_id, lock=True)


async def settle_ticket(desk: Desk, customer_id: str, ticket_id: str, yes: bool) -> Any:
    """The customer says whether a ticket is settled: with a yes it completes.

    Returns:
        The ticket that stands now.

    Raises:
        Refused: `not_found`, `reopen_too_late`, `ticket_state`, `already_open`.
    """
    async with desk.db.begin() as tx:
        conversation = await _conversation_of(desk, tx, customer_id, ticket_id)
        return await settled(desk, tx, conversation, ticket_id, yes)


async def typing(desk: Desk, customer_id: str, conversation_id: str) -> None:
    """Tell the agent's page that the customer is typing; not stored."""
    async with desk.db.begin() as tx:
        conversation = await own_conversation(desk, tx, customer_id, conversation_id)
        await notify(tx, what="typing", conversation=conversation.id, author="customer")


def _check_category(desk: Desk, category: str | None) -> None:
    if category is not None and category not in desk.content.categories:
        raise Refused(
            "unknown_category", got=category, expected=", ".join(desk.content.categories.by_id)
        )
