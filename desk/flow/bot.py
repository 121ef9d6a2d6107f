"""Asking the bot, and what the bot may do: reply, open or correct a ticket, hand over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from desk.flow.applying import bring_up_to_date, settle_order_of
from desk.flow.desk import Desk
from desk.flow.handover import hand_over
from desk.flow.tickets import Opening, correct, open_ticket, ticket_json
from desk.rules.conversation import HANDOVER_REASONS, BotReply
from desk.rules.refused import Refused
from desk.store import conversations, events, orders, tickets


@dataclass(frozen=True)
class Turn:
    """One question to the bot: what the customer said, and what the bot may know."""

    conversation_id: str
    epoch: int
    #: Last customer event this turn answers.
    answered_seq: int
    request: dict[str, Any]


class BotFailed(Exception):
    """The bot answered with an error, with nothing usable, or not in time."""


#: Calls the bot with a request; returns its messages; raises BotFailed.
AskBot = Callable[[dict[str, Any]], Awaitable[list[dict[str, Any]]]]


async def begin_turn(desk: Desk, conversation_id: str) -> Turn | None:
    """What to ask the bot now, or None when there is nothing to ask or a person has it.

    Messages typed one after the other while the bot was busy become one turn; a tapped choice is
    a turn of its own. How far a turn reaches is stored before the bot is asked: after a crash the
    same question is asked again, and the bot recognises it.
    """
    async with desk.db.begin() as tx:
        await bring_up_to_date(desk, tx, conversation_id)  # the review sees the order as it is
        conversation = await conversations.lock(tx, conversation_id)
        if conversation is None or conversation.owner != "bot":
            return None
        rows = await events.customer_messages_after(tx, conversation_id, conversation.answered_seq)
        if not rows:
            return None
        taken = _one_turn(rows, conversation.asked_seq)
        last = taken[-1]
        asked = replace(conversation, asked_seq=last.seq)
        await conversations.save(tx, conversation, asked)
        order = await orders.get(tx, conversation.order_id)
        active = await tickets.active_of_order(tx, conversation.order_id)
    request: dict[str, Any] = {
        "sender": f"{conversation.id}:{conversation.visit}",
        "message_id": f"{conversation.id}:{last.seq}",
        "context": {
            "conversation_id": conversation.id,
            "epoch": conversation.epoch,
            "lang": conversation.lang,
            "stated": conversation.stated,
            "order": {
                "id": order.id,
                "carrier": order.carrier,
                "state": order.state,
                "fees": order.fees,
            }
            if order
            else None,
            "tickets": [{"id": t.id, "category": t.category, "state": t.state} for t in active],
        },
    }
    if last.body.get("choice"):
        request["choice"] = last.body["choice"]
    else:
        request["text"] = "\n".join(str(row.body["text"]) for row in taken)
    return Turn(conversation.id, conversation.epoch, last.seq, request)


def _one_turn(rows: Sequence[Any], asked_seq: int | None) -> list[Any]:
    """The rows of the next turn; of the one begun before, if it has not been answered."""
    begun = [row for row in rows if row.seq <= (asked_seq or 0)]
    if begun:
        return begun
    taken: list[Any] = []
    for row in rows:
        if row.body.get("choice"):
            return taken or [row]
        taken.append(row)
    return taken


async def finish_turn(desk: Desk, turn: Turn, messages: Sequence[dict[str, Any]]) -> bool:
    """Write the bot's messages, if the conversation is still the bot's in the same epoch.

    A message with `hand_over` hands over after the words before it; no message at all hands over
    because the bot was silent.

    Returns:
        True if further customer messages wait for the bot.
    """
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, turn.conversation_id)
        if conversation.owner != "bot" or conversation.epoch != turn.epoch:
            return False  # a person has it: not one word more from the bot
        spoken = [m for m in messages if m.get("text")]
        asked = next((m["hand_over"] for m in messages if m.get("hand_over")), None)
        if not spoken and not asked:
            await hand_over(desk, tx, conversation, "bot_silent")
            return False
        human = desk.human_choice(conversation.lang)
        replies = [
            {
                "text": m["text"],
                "choices": [c for c in m.get("choices", ()) if c["id"] != "human"] + [human],
            }
            for m in spoken
        ]
        newer = await events.customer_messages_after(tx, conversation.id, turn.answered_seq)
        reply = BotReply(
            tuple(replies),
            turn.answered_seq,
            turn.epoch,
            still_unanswered_since=newer[0].at if newer else None,
        )
        conversation, _ = await desk.carry_out(tx, conversation, reply)
        if asked:
            wish = asked if isinstance(asked, dict) else {}
            reason = str(wish.get("reason"))
            if reason not in HANDOVER_REASONS:  # a person is wanted, whatever the word for it
                reason = "bot_uncertain"
            await hand_over(desk, tx, conversation, reason, wish.get("summary"))
            return False
        return bool(newer)


async def run_turns(desk: Desk, ask: AskBot, conversation_id: str) -> None:
    """The job `ask_bot`: answer whatever the customer has said, or hand over when the bot cannot.

    Safe to run again after a crash at any line: the bot recognises a message it has answered, and
    the reply is written only once.
    """
    while True:
        turn = await begin_turn(desk, conversation_id)
        if turn is None:
            return
        try:
            messages = await ask(turn.request)
        except BotFailed:
            await give_up(desk, turn)
            return
        if not await finish_turn(desk, turn, messages):
            return


async def give_up(desk: Desk, turn: Turn) -> None:
    """The bot failed: a person gets the conversation, unless one has it already."""
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, turn.conversation_id)
        if conversation.epoch == turn.epoch:
            await hand_over(desk, tx, conversation, "bot_failed")


async def bot_opens_ticket(desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
    """A custom action wants a ticket, or another category for the one it opened.

    Returns:
        `{"ticket": {...}, "outcome": "created" | "added" | "corrected" | "same"}`

    Raises:
        Refused: `stale_epoch`, `not_found`, `unknown_category`, `ticket_state`.
    """
    async with desk.db.begin() as tx:
        await settle_order_of(desk, tx, request["conversation_id"])
        conversation = await desk.must_lock(tx, request["conversation_id"])
        if conversation.owner != "bot":
            raise Refused("stale_epoch", expected=conversation.epoch, got=request["epoch"])
        if request.get("correct_ticket_id"):
            ticket, outcome = await correct(
                desk,
                tx,
                conversation,
                request["correct_ticket_id"],
                request["category"],
                "bot",
                epoch=request["epoch"],
                idempotency_key=request["idempotency_key"],
                text=request["text"],
                review=request.get("review"),
            )
        else:
            opening = Opening(
                category=request["category"],
                text=request["text"],
                author="bot",
                idempotency_key=request["idempotency_key"],
                epoch=request["epoch"],
                review=request.get("review") or {},
            )
            ticket, outcome = await open_ticket(desk, tx, conversation, opening)
        return {"ticket": ticket_json(desk, ticket, conversation.lang), "outcome": outcome}


async def bot_hands_over(
    desk: Desk, conversation_id: str, epoch: int, reason: str, summary: str
) -> dict[str, Any]:
    """A custom action hands over.

    Raises:
        Refused: `not_found`, `stale_epoch`.
    """
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, conversation_id)
        if conversation.owner != "bot":
            raise Refused("stale_epoch", expected=conversation.epoch, got=epoch)
        after = await hand_over(desk, tx, conversation, reason, summary or None, epoch)
        return {"owner": after.owner, "queue": await desk.queue_info(tx, after)}
