"""Carriers' callbacks: keep them, answer, then turn them into facts and their effects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.effects import Applied, effects
from desk.flow.facts import derived_state, new_facts
from desk.rules.sources import parse
from desk.rules.told import UNREADABLE, Told, clean
from desk.store import callbacks, orders
from desk.store import jobs as job_names


async def keep(desk: Desk, source: str, body: str) -> bool:
    """Store a verified callback and defer its work, in one transaction.

    Args:
        source: one of `rules.sources.READERS`.
        body: the JSON text exactly as it was signed.

    Returns:
        False when exactly this callback was stored before: nothing more will happen.
    """
    try:
        identifiers = parse(source, json.loads(body)).identifiers
    except UNREADABLE:  # kept all the same; its job says why
        identifiers = []
    async with desk.db.begin() as tx:
        callback_id = await callbacks.keep(tx, source, body, desk.now(), identifiers)
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


async def apply_unmatched(desk: Desk, tx: AsyncConnection, identifiers: Sequence[str]) -> None:
    """Defer the callbacks that were kept for an order nobody knew under these names."""
    for row in sorted(await callbacks.take_unmatched(tx, identifiers), key=lambda row: int(row.id)):
        await _defer(desk, tx, row.id, row.identifiers)


async def apply_callback(desk: Desk, callback_id: int) -> Applied:
    """The job `apply_callback`: facts, order state, tickets and messages, in one transaction.

    Returns:
        What became of it, as stored in `callbacks.result`.
    """
    async with desk.db.begin() as tx:
        row = await callbacks.lock(tx, callback_id)
        if row is None or row.applied_at is not None:
            return Applied("done_before", "done before")
        try:
            told = parse(row.source, json.loads(row.body))
        except UNREADABLE as error:
            applied = Applied("not_understood", f"not understood: {error}")
        else:
            applied = await _apply(desk, tx, row, told)
        await callbacks.finish(tx, callback_id, clean(applied.text), desk.now())
        return applied


async def give_up(desk: Desk, callback_id: int, error: Exception) -> Applied:
    """Note that a callback could not be applied, however often it was tried."""
    applied = Applied("failed", f"failed: {type(error).__name__}")
    async with desk.db.begin() as tx:
        row = await callbacks.lock(tx, callback_id)
        if row is not None and row.applied_at is None:
            await callbacks.finish(tx, callback_id, applied.text, desk.now())
    return applied


async def _apply(desk: Desk, tx: AsyncConnection, row: Any, told: Told) -> Applied:
    found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found and told.identifiers:
        # the order may be coming in right now: whoever is second sees what the first one did
        await callbacks.lock_identifiers(tx, told.identifiers)
        found = await orders.find_for_carrier(tx, told.waybill, told.numbers)
    if not found:
        return Applied("no_such_order", callbacks.UNMATCHED)
    done: list[Applied] = []
    for order in found:
        if told.waybill and order.waybill is None:
            await orders.set_waybill(tx, order.id, told.waybill)
            await apply_unmatched(desk, tx, [told.waybill])
        new = await new_facts(desk, tx, order.id, row, told)
        state = await derived_state(desk, tx, order)
        if state != order.state:
            await orders.set_state(tx, order.id, state)
        if new:
            done.extend(await effects(desk, tx, order.id, new, state))
            done.extend(Applied("facts", f"fact {fact.fact}") for fact in new)
    if not done:
        return Applied("nothing_new", "no new fact")
    return Applied(done[0].code, "; ".join(one.text for one in done))
