"""When a carrier was last asked about a number, and when it may be asked again.

A row is a claim too: of many processes that want to ask about one number, one gets it. Kinds are
`query`, `detail`, `subscribe` (a queue, too: what is due is worked off), `company` (what the
platform calls a carrier, when it corrected us) and `service:...` with the subject `*`: a whole
service that is being left alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

WHOLE_SERVICE = "*"
#: "Not again": later than any other time.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_CLAIM = text(
    """
    insert into carrier_calls (carrier, kind, subject, called_at, next_at)
    values (:carrier, :kind, :subject, :now, :until)
    on conflict (carrier, kind, subject) do update
        set called_at = excluded.called_at, next_at = excluded.next_at
        where carrier_calls.next_at <= excluded.called_at
    returning failures, answer
    """
)
_NOTE = text(
    """
    insert into carrier_calls (carrier, kind, subject, called_at, next_at, failures, answer)
    values (:carrier, :kind, :subject, :now, :next_at, :failures, :answer)
    on conflict (carrier, kind, subject) do update set
        next_at = excluded.next_at, failures = excluded.failures, answer = excluded.answer
    """
)
#: Only the first of the calls that were under way together counts.
_FAILED = text(
    """
    insert into carrier_calls (carrier, kind, subject, called_at, next_at, failures)
    values (:carrier, :kind, '*', :now, :now, 1)
    on conflict (carrier, kind, subject) do update
        set failures = carrier_calls.failures + 1, called_at = excluded.called_at
        where carrier_calls.failures = :seen
    returning failures
    """
)
_PAUSE = text(
    """
    update carrier_calls set next_at = greatest(next_at, :until), answer = :why
    where carrier = :carrier and kind = :kind and subject = '*'
    """
)
_FORGET = text(
    "delete from carrier_calls where carrier = :carrier and kind = :kind and subject = :subject"
)
_GET = text(
    "select called_at, next_at, failures, answer from carrier_calls "
    "where carrier = :carrier and kind = :kind and subject = :subject"
)


async def get(tx: AsyncConnection, carrier: str, kind: str, subject: str) -> Any | None:
    """The row: called_at, next_at, failures, answer."""
    values = {"carrier": carrier, "kind": kind, "subject": subject}
    return (await tx.execute(_GET, values)).one_or_none()


async def claim(
    tx: AsyncConnection, carrier: str, kind: str, subject: str, now: datetime, pause: timedelta
) -> Any | None:
    """Take the right to ask now; nobody else gets it until `pause` is over.

    Returns:
        The row's failures and last answer, or None: somebody else asks, or it is too early.
    """
    values = {"carrier": carrier, "kind": kind, "subject": subject, "now": now}
    return (await tx.execute(_CLAIM, {**values, "until": now + pause})).one_or_none()


async def note(
    tx: AsyncConnection,
    carrier: str,
    kind: str,
    subject: str,
    now: datetime,
    next_at: datetime,
    failures: int,
    answer: str | None,
) -> None:
    """Write down how a claimed call went, and when the number may be asked about again."""
    values = {"carrier": carrier, "kind": kind, "subject": subject, "now": now}
    await tx.execute(_NOTE, {**values, "next_at": next_at, "failures": failures, "answer": answer})


async def service_failed(
    tx: AsyncConnection, carrier: str, kind: str, now: datetime, seen: int
) -> int | None:
    """Count a failure of a whole service.

    Args:
        seen: failures in a row when the call began.

    Returns:
        How many there are in a row; None: one that began together with this one was counted.
    """
    values = {"carrier": carrier, "kind": kind, "now": now, "seen": seen}
    failures: int | None = (await tx.execute(_FAILED, values)).scalar_one_or_none()
    return failures


async def pause_service(
    tx: AsyncConnection, carrier: str, kind: str, until: datetime, why: str
) -> None:
    """Leave a service alone, in all processes."""
    await tx.execute(_PAUSE, {"carrier": carrier, "kind": kind, "until": until, "why": why})


async def forget(tx: AsyncConnection, carrier: str, kind: str, subject: str) -> None:
    """Remove a row: a service that works again, for one."""
    await tx.execute(_FORGET, {"carrier": carrier, "kind": kind, "subject": subject})


# --- subscriptions --------------------------------------------------------------------------------

_WANT = text(
    """
    insert into carrier_calls (carrier, kind, subject, called_at, next_at)
    select :carrier, 'subscribe', waybill, :now, :next_at
    from unnest(cast(:waybills as text[])) as waybill
    on conflict (carrier, kind, subject) do nothing
    """
)
_DUE = text(
    """
    select subject from carrier_calls
    where carrier = :carrier and kind = :kind and next_at <= :now
    order by next_at limit :limit
    """
)
_OLDEST_DUE = text(
    """
    select next_at from carrier_calls
    where carrier = :carrier and kind = :kind and next_at <= :now
    order by next_at limit 1
    """
)


async def want_subscription(tx: AsyncConnection, carrier: str, waybill: str, now: datetime) -> None:
    """Have a waybill subscribed to soon; nothing happens when it was wanted before."""
    values = {"carrier": carrier, "waybills": [waybill], "now": now, "next_at": now}
    await tx.execute(_WANT, values)


async def due(tx: AsyncConnection, carrier: str, kind: str, now: datetime, limit: int) -> list[str]:
    """Subjects whose time has come, the longest waiting first."""
    values = {"carrier": carrier, "kind": kind, "now": now, "limit": limit}
    return list((await tx.execute(_DUE, values)).scalars())


async def oldest_due(
    tx: AsyncConnection, carrier: str, kind: str, now: datetime
) -> datetime | None:
    """Since when the subject has been due that has waited the longest; None: none is due."""
    values = {"carrier": carrier, "kind": kind, "now": now}
    found: datetime | None = (await tx.execute(_OLDEST_DUE, values)).scalar_one_or_none()
    return found
