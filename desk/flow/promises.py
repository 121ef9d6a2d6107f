"""The clocks of tickets: a person is called before a promise breaks, or the law's time is over.

A pass looks for tickets whose time has come and takes each in a transaction of its own: what is
marked on the ticket and what people read are one. A pass may run in many processes at once; one
that dies in the middle is continued by the next, for the marks say what has been done.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.handover import clock_words, hand_over, make_summary, notice
from desk.flow.outbox import tell
from desk.flow.tickets import ticket_json
from desk.rules.conversation import Conversation, DeskNote, News
from desk.rules.promises import Reach, Step, reach, steps_due
from desk.rules.ticket import Ticket, Watch, decide
from desk.store import conversations, events, promises, tickets
from desk.store.db import notify
from desk.store.promises import Found

log = structlog.get_logger("desk.promises")

#: Tickets on a page of the search.
PAGE = 200

Search = Callable[[AsyncConnection, Found | None], Awaitable[list[Found]]]


async def watch(desk: Desk) -> Counter[Step]:
    """Take every step that a clock asks for now. Returns how many of each were taken.

    A conversation that somebody else is writing to at this moment is left for the next pass.
    """
    now = desk.now()
    warn_before = now - timedelta(days=desk.content.promises.legal_warn_days)
    reaches = _reaches(desk, now)
    searches: tuple[Search, ...] = (
        lambda tx, after: promises.to_call(tx, reaches, after, PAGE),
        lambda tx, after: promises.to_apologise(tx, now, after, PAGE),
        lambda tx, after: promises.to_warn(tx, warn_before, after, PAGE),
    )
    taken: Counter[Step] = Counter()
    for search in searches:
        async for found in _all(desk, search):
            try:
                async with desk.db.begin() as tx:
                    steps = await _take_steps(desk, tx, found)
                taken.update(steps)
            except Exception:  # one that fails holds up no other
                log.exception("a ticket's clock could not be heard", ticket=found.id)
    return taken


def _reaches(desk: Desk, now: datetime) -> list[tuple[Reach, list[str]]]:
    """The bounds of the search for each lead; the usual lead is for all that name no own one."""
    rules, service = desk.content.promises, desk.content.service
    own: defaultdict[int, list[str]] = defaultdict(list)
    for category in desk.content.categories.by_id.values():
        if category.call_before_minutes is not None:
            own[category.call_before_minutes].append(category.id)
    found = [(reach(service, rules.lead(minutes), now), ids) for minutes, ids in own.items()]
    return [*found, (reach(service, rules.lead(None), now), [])]


async def _all(desk: Desk, search: Search) -> AsyncIterator[Found]:
    """Page after page, each in a transaction that is over before its tickets are worked on."""
    after: Found | None = None
    while True:
        async with desk.db.begin() as tx:
            page = await search(tx, after)
        for found in page:
            yield found
        if len(page) < PAGE:
            return
        after = page[-1]


async def _take_steps(desk: Desk, tx: AsyncConnection, found: Found) -> tuple[Step, ...]:
    """Mark one ticket, and tell whoever has the conversation. Returns the steps taken."""
    conversation = await conversations.lock(tx, found.conversation_id, if_free=True)
    if conversation is None:
        return ()
    if conversation.owner == "bot" and conversation.unanswered_since is not None:
        return ()  # let the bot end its turn: a change of owner now would throw its words away
    before = await tickets.lock(tx, found.id)
    if before is None:
        return ()
    now = desk.now()
    category = desk.content.categories.by_id.get(before.category)
    own_minutes = category.call_before_minutes if category else None
    steps = steps_due(desk.content.service, desk.content.promises, own_minutes, before, now)
    if not steps:
        return ()
    after = before
    for step in steps:
        after, entry = decide(after, Watch(step), now)
        await tickets.add_entry(tx, after.id, entry, "system", now)
    await tickets.save(tx, before, after)
    await _tell(desk, tx, conversation, before, after, steps)
    return steps


async def _tell(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    before: Ticket,
    ticket: Ticket,
    steps: tuple[Step, ...],
) -> None:
    """Tell the customer and the agents: whoever has the conversation decides how."""
    broken = "broken" in steps
    if conversation.owner == "bot":
        summary = await _summary(desk, tx, conversation, ticket)
        await hand_over(
            desk,
            tx,
            conversation,
            "promise_due",
            summary,
            words=lambda queue: _words(desk, conversation.lang, ticket, steps, queue),
        )
        return
    # A person has it or is on the way: no second notice, but the apology that is owed.
    if broken and not await _agent_has_written(tx, conversation, before):
        queue = {} if conversation.owner == "agent" else await desk.queue_info(tx, conversation)
        words = _words(desk, conversation.lang, ticket, steps, queue)
        news = News(ticket_json(desk, ticket, conversation.lang), words)
        conversation, _ = await desk.carry_out(tx, conversation, news)
        await tell(desk, tx, "ticket.progress", conversation, ticket, words)
    if conversation.owner == "agent":
        step = "broken" if broken else steps[-1]
        await desk.carry_out(tx, conversation, DeskNote(_note(desk, ticket, step)))
    await notify(tx, what="queue", conversation=conversation.id)  # its row has a new mark and place


def _words(
    desk: Desk, lang: str, ticket: Ticket, steps: tuple[Step, ...], queue: dict[str, Any]
) -> str:
    """What the customer reads: what we said, that it is late or near, and who looks at it."""
    if steps == ("warned",):
        return notice(desk, lang, "promise_due", queue)
    name = "utter_promise_broken" if "broken" in steps else "utter_promise_due"
    values = {
        "label": desk.content.categories.label(ticket.category, lang),
        "due": clock_words(desk, ticket.due_at, lang),
    }
    if "promised_at" in queue:
        answer_by = datetime.fromisoformat(queue["promised_at"])
        promise = clock_words(desk, answer_by, lang)
        return desk.say(f"{name}_closed", lang, **values, promise=promise)
    return desk.say(name, lang, **values)


async def _agent_has_written(
    tx: AsyncConnection, conversation: Conversation, ticket: Ticket
) -> bool:
    """Whether an agent has written since a person was called: then the customer was told."""
    if conversation.owner != "agent" or ticket.called_at is None:
        return False
    last = (await events.last_messages(tx, [conversation.id], author="agent")).get(conversation.id)
    return last is not None and datetime.fromisoformat(last["at"]) >= ticket.called_at


async def _summary(
    desk: Desk, tx: AsyncConnection, conversation: Conversation, ticket: Ticket
) -> str:
    """The usual summary under a line that says what was promised."""
    label = desk.content.categories.label(ticket.category, "zh")
    due = clock_words(desk, ticket.due_at, "zh")
    return f"工单“{label}”：答应客户{due}给进展\n{await make_summary(desk, tx, conversation)}"


def _note(desk: Desk, ticket: Ticket, step: Step) -> dict[str, Any]:
    """A note for agents, as data: the console says it in the agent's language."""
    complained_at = ticket.complained_at or ticket.opened_at
    legal_at = desk.content.promises.legal_at(complained_at)
    at = legal_at if step == "warned" else ticket.due_at
    return {
        "about": f"promise_{step}",
        "ticket_id": ticket.id,
        "category": ticket.category,
        "due_at": at.isoformat(),
    }
