"""What a change of a dispatch does to its ticket, its history, and the people concerned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.dispatching import schedule
from desk.flow.tickets import tell_customer
from desk.rules.conversation import Conversation
from desk.rules.dispatch import THERE, Command, Dispatch, decide
from desk.rules.ticket import ACTIVE, Entry, Ticket
from desk.rules.ticket import Dispatch as TicketDispatch
from desk.rules.ticket import decide as decide_ticket
from desk.store import dispatches, tickets
from desk.store import jobs as job_names

#: A customer is told that the carrier has the ticket if it took so long that they may wonder:
#: at once they have just read what will be done.
WORTH_TELLING_AFTER = timedelta(minutes=10)
#: Of lines in a ticket's history that come from the other side.
AUTHOR = "carrier"


@dataclass(frozen=True)
class Held:
    """A dispatch with its ticket and conversation, all under lock until the transaction ends."""

    dispatch: Dispatch
    ticket: Ticket
    conversation: Conversation
    #: No later round has taken its place.
    current: bool


async def hold(desk: Desk, tx: AsyncConnection, dispatch_id: str) -> Held | None:
    """Load and lock in the order that everybody keeps: conversation, ticket, dispatch."""
    found = await dispatches.get(tx, dispatch_id)
    listed = await tickets.get(tx, found.ticket_id) if found else None
    if listed is None:
        return None
    conversation = await desk.must_lock(tx, listed.conversation_id)
    ticket = await tickets.lock(tx, listed.id)
    latest = await dispatches.last(tx, listed.id)
    dispatch = await dispatches.lock(tx, dispatch_id)
    assert ticket is not None and latest is not None and dispatch is not None
    return Held(dispatch, ticket, conversation, latest.round == dispatch.round)


async def settle(
    desk: Desk, tx: AsyncConnection, held: Held, command: Command, author: str = AUTHOR
) -> Held:
    """Carry out a command on a dispatch, with everything that follows from it.

    Args:
        author: of the lines in the ticket's history.

    Raises:
        Refused: `dispatch_state`.
    """
    before, after = held.dispatch, decide(held.dispatch, command, desk.now())
    await dispatches.save(tx, before, after)
    if after.next_at != before.next_at:
        await schedule(desk, tx, after)
    held = replace(held, dispatch=after)
    if after.state in THERE and before.state not in THERE and not after.part:
        held = await _taken(desk, tx, held, author)
    if after.state in THERE and not after.part:
        await _wake_additions(desk, tx, after)
    if after.state in ("unknown", "refused", "given_up") and after.state != before.state:
        await _in_trouble(desk, tx, held)
    return held


async def _taken(desk: Desk, tx: AsyncConnection, held: Held, author: str) -> Held:
    """The other side has the ticket: it is dispatched, and its history says so."""
    now, ticket, lang = desk.now(), held.ticket, held.conversation.lang
    said = f"{held.dispatch.via} {held.dispatch.remote_id or ''}".strip()
    if ticket.state != "open" or not held.current:
        await tickets.add_entry(tx, ticket.id, Entry("dispatched", said), author, now)
        return held
    after, entry = decide_ticket(ticket, TicketDispatch(said), now)
    await tickets.save(tx, ticket, after)
    await tickets.add_entry(tx, ticket.id, entry, author, now)
    words = None
    if now - (ticket.active_since or ticket.opened_at) >= WORTH_TELLING_AFTER:
        label = desk.content.categories.label(ticket.category, lang)
        words = desk.say("utter_ticket_dispatched", lang, label=label)
    conversation = await tell_customer(desk, tx, held.conversation, after, words)
    return replace(held, ticket=after, conversation=conversation)


async def _wake_additions(desk: Desk, tx: AsyncConnection, parent: Dispatch) -> None:
    """What the customer added while the ticket itself was on its way can go out now."""
    for part in await dispatches.of_ticket(tx, parent.ticket_id):
        if part.round == parent.round and part.part and part.state == "waiting" and not part.tries:
            due = replace(part, next_at=desk.now())
            await dispatches.save(tx, part, due)
            await schedule(desk, tx, due)


async def _in_trouble(desk: Desk, tx: AsyncConnection, held: Held) -> None:
    """Write it down for agents; a person is called where the desk does nothing more by itself."""
    dispatch = held.dispatch
    if held.ticket.state not in ACTIVE or not held.current:
        return
    if dispatch.state == "unknown" and (dispatch.repeatable or dispatch.part):
        return  # it is repeated or looked up within a minute or two
    entry = Entry(f"dispatch_{dispatch.state}", dispatch.why)
    await tickets.add_entry(tx, held.ticket.id, entry, AUTHOR, desk.now())
    if dispatch.state != "unknown":
        await desk.jobs.defer(tx, job_names.CALL_FOR_DISPATCH, lock=None, dispatch_id=dispatch.id)
