"""What the other side says about a ticket: into its history, and to the customer in quotes.

An answer alone closes nothing: tickets complete on facts, or by a person.
"""

from __future__ import annotations

import hashlib

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.dispatch_outcome import AUTHOR, Held, hold, settle
from desk.flow.handover import hand_over
from desk.flow.outbox import tell
from desk.flow.tickets import tell_customer
from desk.rules.dispatch import Accept, Answer, Command, Hear, Refuse
from desk.rules.dispatch_request import QUOTE_LIMIT, plain
from desk.rules.kuaidi100_tickets import Said
from desk.rules.refused import Refused
from desk.rules.ticket import ACTIVE, Entry
from desk.store import dispatches, tickets


async def answered(
    desk: Desk,
    dispatch_id: str,
    via: str,
    said: Said,
    command: type[Accept | Hear | Answer] | Refuse,
    raw: str = "",
) -> bool:
    """Word from the other side; told again, it changes nothing.

    Args:
        via: the door it came through: it opens only for dispatches that went out the same way.
        command: what it amounts to: accepted, a message, a result, or a no.
        raw: the whole body, for agents, when nothing in it could be read.

    Returns:
        Whether there was anything new in it.

    Raises:
        Refused: `not_found`.
    """
    async with desk.db.begin() as tx:
        held = await hold(desk, tx, dispatch_id)
        if held is None or held.dispatch.via != via or held.dispatch.part:
            raise Refused("not_found", what="dispatch")
        carried = command if isinstance(command, Refuse) else command(said.remote_id)
        return await take(desk, tx, held, said, carried, raw)


async def take(
    desk: Desk, tx: AsyncConnection, held: Held, said: Said, command: Command, raw: str = ""
) -> bool:
    """The same for a dispatch that is held already; see `answered`."""
    first = held.dispatch.state != "answered"
    try:
        held = await settle(desk, tx, held, command)
    except Refused:  # a no to what was not sent, or has been answered, changes nothing: it is kept
        raw = command.why if isinstance(command, Refuse) else raw
    told = await take_in(desk, tx, held, said, raw if not said.texts else "")
    if isinstance(command, Answer) and first:
        await _call_for_result(desk, tx, held, readable=bool(said.texts))
    return told


async def take_in(desk: Desk, tx: AsyncConnection, held: Held, said: Said, raw: str = "") -> bool:
    """Put what is new into the ticket's history and, quoted, into the conversation."""
    ours = {part.request.get("content") for part in await dispatches.of_ticket(tx, held.ticket.id)}
    new = [text for text in said.texts if text not in ours]
    new = [text for text in new if await _note(desk, tx, held, "answered", text)]
    if new:  # several that were lost are one message
        await _quote(desk, tx, held, "\n".join(new))
    fresh = bool(new)
    if said.status and await _note(desk, tx, held, "dispatch_status", said.status):
        fresh = True
    if raw and await _note(desk, tx, held, "dispatch_raw", raw):
        fresh = True
    return fresh


async def _note(desk: Desk, tx: AsyncConnection, held: Held, kind: str, text: str) -> bool:
    """A line of history, once for each dispatch: a callback and a question bring the same words."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    key = f"{kind}:{held.dispatch.id}:{digest}"
    if await tickets.by_key(tx, key):
        return False
    await tickets.add_entry(tx, held.ticket.id, Entry(kind, text), AUTHOR, desk.now(), key)
    return True


async def _quote(desk: Desk, tx: AsyncConnection, held: Held, text: str) -> None:
    """The customer reads it as what it is: somebody else's words."""
    if held.ticket.state == "closed":
        return
    lang = held.conversation.lang
    label = desk.content.categories.label(held.ticket.category, lang)
    name = {"kuaidi100": "utter_depot_answered"}.get(held.dispatch.via, "utter_handler_answered")
    words = desk.say(name, lang, label=label, text=plain(text, QUOTE_LIMIT))
    # read anew: every message of one transaction has its own sequence number
    conversation = await desk.must_lock(tx, held.conversation.id)
    conversation = await tell_customer(desk, tx, conversation, held.ticket, words)
    await tell(desk, tx, "ticket.progress", conversation, held.ticket)


async def _call_for_result(desk: Desk, tx: AsyncConnection, held: Held, *, readable: bool) -> None:
    """A result that no later fact will confirm is a person's: they read it and close the ticket."""
    category = desk.content.categories.by_id.get(held.ticket.category)
    if held.ticket.state not in ACTIVE or not held.current:
        return
    if readable and category is not None and category.completes_on:
        return  # a fact completes it, or the promised time calls a person
    label = desk.content.categories.label(held.ticket.category, "zh")
    summary = f"工单 {label}：处理方已有结果，请核对后办结"
    if not readable:
        summary = f"工单 {label}：处理方报了结果，但内容无法识别，原文见工单记录"
    conversation = await desk.must_lock(tx, held.conversation.id)
    await hand_over(desk, tx, conversation, "escalated", summary)
