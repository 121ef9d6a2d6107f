"""Tickets that need the carrier: planned with the ticket, in the same transaction.

What is planned here goes out in `dispatch_steps.py` and is answered in `dispatch_answers.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.dispatch import THERE, Dispatch, GiveUp, decide
from desk.rules.dispatch_request import Parcel, addition, make_plan
from desk.rules.ticket import Ticket
from desk.store import dispatches, orders, tickets
from desk.store import jobs as job_names

#: Bytes of a dispatch's id. It is in the address of the platform's callbacks, which are not
#: signed: whoever knows it is believed, so it is longer than other ids and shown to nobody.
ID_BYTES = 24
#: How many of the customer's additions a later round repeats.
ADDED_LIMIT = 5


async def plan(desk: Desk, tx: AsyncConnection, ticket: Ticket) -> Dispatch | None:
    """Plan a new round for a ticket that was opened, corrected or reopened.

    Nothing happens where its category does not need the carrier, or nobody is there to take it.

    Args:
        ticket: as it is now, held by the caller with its conversation.
    """
    category = desk.content.categories.by_id.get(ticket.category)
    before = await dispatches.last(tx, ticket.id, hold=True)
    if before is not None and before.state == "waiting":  # not sent yet: this one replaces it
        stopped = decide(before, GiveUp("no longer needed"), desk.now())
        await dispatches.save(tx, before, stopped)
    anybody = desk.ways.kuaidi100 or desk.ways.webhook
    if category is None or category.dispatch != "carrier" or not anybody:
        return None
    parcel = await _parcel(tx, ticket.order_id)
    if parcel is None:
        return None
    number = before.round + 1 if before else 1
    planned = make_plan(
        ticket,
        category.label["zh"],
        parcel,
        desk.ways,
        desk.content.ticket_types,
        round_=number,
        earlier=_earlier(await dispatches.of_ticket(tx, ticket.id)),
        added=(await _added(tx, ticket.id))[-ADDED_LIMIT:],
    )
    if planned is None:
        return None
    return await _create(desk, tx, ticket.id, number, 0, planned.via, planned.request)


async def add(desk: Desk, tx: AsyncConnection, ticket: Ticket, text: str) -> Dispatch | None:
    """Plan what the customer added to a ticket that has gone out, or is about to."""
    parent = await dispatches.last(tx, ticket.id, hold=True)
    if parent is None or parent.state in ("refused", "given_up"):
        return None  # a person has it in hand, and sees what was added
    part = await dispatches.next_part(tx, ticket.id, parent.round)
    request = addition(parent.via, text, part, parent.id, ticket.id)
    return await _create(desk, tx, ticket.id, parent.round, part, parent.via, request)


async def _create(
    desk: Desk,
    tx: AsyncConnection,
    ticket_id: str,
    round_: int,
    part: int,
    via: str,
    request: dict[str, Any],
) -> Dispatch:
    now = desk.now()
    dispatch = Dispatch(
        id=f"d{secrets.token_hex(ID_BYTES)}",
        ticket_id=ticket_id,
        round=round_,
        part=part,
        via=via,
        request=request,
        created_at=now,
        next_at=now,
    )
    await dispatches.create(tx, dispatch)
    await schedule(desk, tx, dispatch)
    return dispatch


async def schedule(desk: Desk, tx: AsyncConnection, dispatch: Dispatch) -> None:
    """Defer the next step, if there is one; a job whose time is not the row's does nothing."""
    if dispatch.next_at is not None:
        await desk.jobs.defer(
            tx,
            job_names.STEP_DISPATCH,
            lock=None,
            # a time that has come need not be compared with the database's clock
            at=dispatch.next_at if dispatch.next_at > desk.now() else None,
            dispatch_id=dispatch.id,
            due=dispatch.next_at.isoformat(),
        )


async def _parcel(tx: AsyncConnection, order_id: str) -> Parcel | None:
    order = await orders.get(tx, order_id)
    if order is None:
        return None
    known = await orders.facts_of(tx, order_id)
    return Parcel(
        order_id=order.id,
        carrier=order.carrier,
        waybill=order.waybill,
        carrier_order_id=order.carrier_order_id,
        state=order.state,
        details=order.details or {},
        told_by_kuaidi100=any(fact.source == "kuaidi100.order" for fact in known),
    )


def _earlier(sent: Sequence[Dispatch]) -> dict[str, Any] | None:
    """The last round that is, or may be, with the other side: a later one refers to it."""
    there = [d for d in sent if not d.part and d.state in (*THERE, "unknown", "sending")]
    if not there:
        return None
    request = there[-1].request
    category = request.get("category") or request["data"]["ticket"]["category"]
    return {
        "dispatch": there[-1].id,
        "remote_id": there[-1].remote_id,
        "category": category,
    }


async def _added(tx: AsyncConnection, ticket_id: str) -> list[str]:
    history = await tickets.entries(tx, ticket_id)
    return [entry["text"] for entry in history if entry["kind"] == "added" and entry["text"]]
