"""Asking Kuaidi100 what became of a ticket, or of an addition, that nobody told us about."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog

from desk.flow.desk import Desk
from desk.flow.dispatch_answers import take, take_in
from desk.flow.dispatch_outcome import hold, settle
from desk.flow.dispatching import schedule
from desk.rules.carrier_api import CarrierFailed, CarrierLimit, CarrierRefused, TicketApi
from desk.rules.dispatch import LOOK_UP_AFTER, Absent, Accept, Answer, Command, Dispatch
from desk.rules.dispatch_todo import asked
from desk.rules.kuaidi100_tickets import Said, read_replies, read_said
from desk.store import dispatches

log = structlog.get_logger("desk.dispatch")


async def look_up(desk: Desk, api: TicketApi | None, dispatch: Dispatch) -> None:
    """An addition of unknown fate: it is in the ticket's list of messages, or it never arrived."""
    outcome: Command | None = None
    if api is not None:
        async with desk.db.begin() as tx:
            parent = await dispatches.parent_of(tx, dispatch)
        try:
            listed = read_replies(await api.replies(parent.remote_id or ""))
            outcome = Accept() if dispatch.request["content"] in listed else Absent()
        except CarrierFailed as failure:
            log.info("a lost addition could not be looked up", why=str(failure))
    async with desk.db.begin() as tx:
        held = await hold(desk, tx, dispatch.id)
        if held is None or held.dispatch.state != "unknown":
            return
        if outcome is not None:
            await settle(desk, tx, held, outcome)
        else:
            later = replace(held.dispatch, next_at=desk.now() + LOOK_UP_AFTER)
            await dispatches.save(tx, held.dispatch, later)
            await schedule(desk, tx, later)


async def ask(desk: Desk, api: TicketApi | None, dispatch: Dispatch) -> None:
    """An accepted ticket without news: its callbacks may have been lost.

    A failed question changes nothing but the time of the next one.
    """
    said, retry_at = Said(), None
    if api is not None and dispatch.remote_id:
        said, retry_at = await _news(api, dispatch.remote_id)
    async with desk.db.begin() as tx:
        held = await hold(desk, tx, dispatch.id)
        if held is None or held.dispatch.state != "accepted":
            return
        after = asked(held.dispatch, said.status, desk.now())
        if retry_at is not None:  # our limit: this was no question
            after = replace(held.dispatch, next_at=retry_at)
        await dispatches.save(tx, held.dispatch, after)
        await schedule(desk, tx, after)
        held = replace(held, dispatch=after)
        if said.result:  # its callback was lost
            await take(desk, tx, held, said, Answer(said.remote_id))
        else:
            await take_in(desk, tx, held, said)


async def _news(api: TicketApi, remote_id: str) -> tuple[Said, datetime | None]:
    """The ticket's state and messages; and when to come back, if the limit was reached."""
    try:
        standing = read_said(await api.status(remote_id))
        texts = read_replies(await api.replies(remote_id))
        return Said(remote_id, standing.status, (*standing.texts, *texts), standing.result), None
    except CarrierLimit as failure:
        return Said(), failure.retry_at
    except CarrierRefused as failure:
        log.warning("the platform does not know a ticket of ours", why=str(failure))
    except CarrierFailed as failure:
        log.info("a ticket could not be asked about", why=str(failure))
    return Said(), None
