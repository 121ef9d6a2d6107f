"""News for the merchant's own channels (SMS, app push): told in a transaction, sent afterwards.

`tell` writes a row of `deliveries` in the transaction of what happened: the row is the durable job.
It is not a job of the queue, because a receiver that hangs would then hold the places where the
bot's turns are run; `edges/courier.py` sends the rows with places of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk, new_id
from desk.rules.conversation import Conversation
from desk.rules.notifications import (
    AGENT_AGAIN_AFTER,
    GIVES_WAY_AFTER,
    KINDS,
    Answer,
    Verdict,
    judge,
)
from desk.rules.refused import Refused
from desk.rules.ticket import Ticket
from desk.store import deliveries

#: A try is over long before this: then its process has died, and another takes it up.
LEASE = timedelta(seconds=30)
#: A page that was heard of within this time is open: streams say so every 15 s, long polls 30 s.
READING_FOR = timedelta(seconds=35)
#: Settled deliveries are deleted after this time.
KEPT_FOR = timedelta(days=30)
#: The longest text of an error that is kept.
ERROR_CHARS = 300
#: Most rows in the list for supervisors.
LISTED = 200
#: Most dead ones that one press of a button sends again.
AGAIN_AT_ONCE = 1000


async def tell(
    desk: Desk,
    tx: AsyncConnection,
    kind: str,
    conversation: Conversation,
    ticket: Ticket | None = None,
    text: str | None = None,
    **more: Any,
) -> None:
    """Tell the merchant's system some news, once the caller's transaction is committed.

    Nothing happens where no webhook is configured.

    Args:
        kind: one of `rules.notifications.KINDS`.
        conversation: held under lock by the caller, as it is after what happened.
        text: one sentence for the customer in the conversation's language, from domain.yml: nothing
            that somebody wrote, it goes out of the house. None = the kind's own sentence.
        more: further members of `data`, JSON values.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {KINDS}, got {kind!r}")
    if not desk.notifies:
        return
    now = desk.now()
    not_before = desk.content.quiet_hours.earliest(kind, now)
    ticket_id = ticket.id if ticket else None
    for overtaken in await deliveries.supersede_held(tx, conversation.id, ticket_id, kind, now):
        desk.on_delivery(overtaken, "superseded")
    reading = await deliveries.is_read(tx, conversation.id, now - READING_FOR)
    data = {
        "conversation": conversation.id,
        "order": conversation.order_id,
        "customer": conversation.customer_id,
        "lang": conversation.lang,
        "text": text or _own_words(desk, kind, conversation.lang, ticket),
        "url": _url(desk, conversation),
        "seq": conversation.last_seq,
        "seen_live": reading,
        **({"ticket": _shown(desk, ticket, conversation.lang)} if ticket else {}),
        **more,
    }
    body = {"type": kind, "timestamp": now.astimezone(UTC).isoformat(), "data": data}
    await deliveries.add(
        tx,
        {
            "id": new_id("d"),
            "kind": kind,
            "body": json.dumps(body, ensure_ascii=False, separators=(",", ":")),
            "conversation_id": conversation.id,
            "ticket_id": ticket_id,
            "not_before": not_before,
            "held": not_before > now,
            "created_at": now,
            "updated_at": now,
        },
    )


async def tell_agent_wrote(
    desk: Desk, tx: AsyncConnection, before: Conversation, after: Conversation
) -> None:
    """Tell that an agent wrote: an answer to a waiting customer always, further words seldom.

    Args:
        before: the conversation before the agent's message, `after`: after it.
    """
    if not desk.notifies:
        return
    kind = "conversation.agent_message"
    if before.agent_owes_since is None:
        last = await deliveries.last_of_kind(tx, after.id, kind)
        if last is not None and last > desk.now() - AGENT_AGAIN_AFTER:
            return
    await tell(desk, tx, kind, after)


def _own_words(desk: Desk, kind: str, lang: str, ticket: Ticket | None) -> str:
    label = desk.content.categories.label(ticket.category, lang) if ticket else ""
    return desk.say(f"utter_notify_{kind.partition('.')[2]}", lang, label=label)


def _shown(desk: Desk, ticket: Ticket, lang: str) -> dict[str, str]:
    return {
        "id": ticket.id,
        "category": ticket.category,
        "label": desk.content.categories.label(ticket.category, lang),
        "state": ticket.state,
    }


def _url(desk: Desk, conversation: Conversation) -> str:
    query = urlencode({"order": conversation.order_id, "lang": conversation.lang})
    return f"{desk.base_url}/chat?{query}"


async def reading(desk: Desk, conversation_id: str, *, still: bool = True) -> None:
    """The customer's page has the conversation open (`still`), or has just closed it."""
    if not desk.notifies:
        return
    async with desk.db.begin() as tx:
        await deliveries.reading(tx, conversation_id, desk.now() if still else None)


@dataclass(frozen=True)
class Parcel:
    """One try of one delivery."""

    id: str
    kind: str
    body: str
    #: Which try this is, 1 = the first.
    tries: int


async def take(desk: Desk, limit: int) -> list[Parcel]:
    """Take up to `limit` due deliveries, at most one of each conversation, the oldest first.

    Each is the taker's for `LEASE`; then, if the taker has died, anybody's. So a delivery is sent
    at least once, and always with the same id.
    """
    now = desk.now()
    soonest = {kind: desk.content.quiet_hours.earliest(kind, now) for kind in KINDS}
    quiet = [kind for kind in KINDS if soonest[kind] > now]
    async with desk.db.begin() as tx:
        if quiet:  # told before the quiet hours, and not sent by then
            await deliveries.hold(tx, quiet, now, soonest[quiet[0]])
        rows = await deliveries.claim(tx, limit, now, now + LEASE, GIVES_WAY_AFTER)
    return [Parcel(row.id, row.kind, row.body, row.tries) for row in rows]


async def settle(desk: Desk, parcel: Parcel, answer: Answer) -> Verdict:
    """Write down what came of a try. What failed waits, past the quiet hours if these are near."""
    verdict, now = judge(parcel.tries, answer), desk.now()
    values: dict[str, Any] = {"last_error": _storable(answer.error) or None}
    if verdict.outcome == "failed":
        soonest = now + timedelta(seconds=verdict.wait_s)
        allowed = desk.content.quiet_hours.earliest(parcel.kind, soonest)
        values |= {"not_before": allowed, "held": allowed > soonest}
    else:
        values["state"] = verdict.outcome
    async with desk.db.begin() as tx:
        settled = await deliveries.settle(tx, parcel.id, parcel.tries, now, values)
    if settled:
        desk.on_delivery(parcel.kind, verdict.outcome)
    return verdict


def _storable(error: str) -> str:
    """The error without what PostgreSQL cannot store, and not longer than anybody reads."""
    return error.replace("\0", "").encode("utf-8", "ignore").decode()[:ERROR_CHARS].strip()


async def deliveries_view(
    desk: Desk, states: Iterable[str] = ("dead", "waiting")
) -> dict[str, Any]:
    """What supervisors see: dead and waiting deliveries, without what was in them.

    Returns:
        `{"configured", "counts": {"waiting", "failing", "dead"}, "again_at_once", "deliveries"}`;
        at most `LISTED` rows of each state, and so many that one press of "all" sends again.
    """
    now = desk.now()
    async with desk.db.begin() as tx:
        counts = await deliveries.counts(tx)
        rows = [row for state in states for row in await deliveries.unsettled(tx, state, LISTED)]
    shown = [_row_json(row, now) for row in rows]
    return {
        "configured": desk.notifies,
        "counts": counts,
        "again_at_once": AGAIN_AT_ONCE,
        "deliveries": shown,
    }


def _row_json(row: Any, now: datetime) -> dict[str, Any]:
    def iso(when: datetime | None) -> str | None:
        return when.astimezone(UTC).isoformat() if when else None

    under_way = row.sending_until is not None and row.sending_until >= now
    failing = row.state == "waiting" and row.last_error is not None
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "conversation_id": row.conversation_id,
        "ticket_id": row.ticket_id,
        "tries": row.tries,
        "last_error": row.last_error,
        "quiet": row.held,
        "under_way": under_way,
        "may_send_again": row.state == "dead" or (failing and not under_way),
        "next_try_at": iso(row.not_before) if row.state == "waiting" else None,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


async def send_again(desk: Desk, delivery_id: str) -> dict[str, Any]:
    """Send a dead delivery again, or one that has failed now instead of later; with the same id.

    Returns:
        The delivery as `deliveries_view` shows it; as it is when there is nothing to send again.

    Raises:
        Refused: `not_found`.
    """
    now = desk.now()
    async with desk.db.begin() as tx:
        await _put_back(desk, tx, await deliveries.lock_again(tx, delivery_id, now), now)
        found = await deliveries.get(tx, delivery_id)
        if found is None:
            raise Refused("not_found", what="delivery")
        return _row_json(found, now)


async def send_all_again(desk: Desk) -> dict[str, int]:
    """Send the dead deliveries again; of several about one ticket only the newest news.

    Returns:
        How many were put back (`again`), how many newer news has overtaken (`superseded`), and how
        many are `left` for the next call: one takes `AGAIN_AT_ONCE` at most.
    """
    now = desk.now()
    async with desk.db.begin() as tx:
        rows = await deliveries.lock_again(tx, None, now, AGAIN_AT_ONCE)
        old = [row for row in rows if row.overtaken]
        await deliveries.put_back(tx, [row.id for row in old], now, {"state": "superseded"})
        await _put_back(desk, tx, [row for row in rows if not row.overtaken], now)
        left = (await deliveries.counts(tx))["dead"]
    for row in old:
        desk.on_delivery(row.kind, "superseded")
    return {"again": len(rows) - len(old), "superseded": len(old), "left": left}


async def _put_back(desk: Desk, tx: AsyncConnection, rows: Sequence[Any], now: datetime) -> None:
    """Let deliveries wait to be sent as if they were new: one statement for each kind."""
    for kind in sorted({row.kind for row in rows}):
        allowed = desk.content.quiet_hours.earliest(kind, now)
        values = {"state": "waiting", "tries": 0, "not_before": allowed, "held": allowed > now}
        ids = [row.id for row in rows if row.kind == kind]
        await deliveries.put_back(tx, ids, now, values)


async def counts(desk: Desk) -> dict[str, int]:
    """How many deliveries wait, how many of these have failed before, and how many are dead."""
    async with desk.db.begin() as tx:
        return await deliveries.counts(tx)


async def forget_old(desk: Desk) -> int:
    """Delete what was settled `KEPT_FOR` ago. Returns how many."""
    async with desk.db.begin() as tx:
        return await deliveries.forget(tx, desk.now() - KEPT_FOR)
