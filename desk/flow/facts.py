"""From what a callback tells to facts, and from facts to an order's state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.completion import repeats
from desk.rules.facts import Fact, order_state
from desk.rules.facts_figures import is_fee, money_of, weighed
from desk.rules.told import Told, clean
from desk.store import orders

#: Characters kept of a code, and of which money: a row of an index holds 2.7 kB.
CODE, MONEY = 64, 500
#: A callback is stored within seconds and tried for about four minutes. What is older, and applied
#: only now, was put aside as nobody's; it is no news to a ticket opened since.
UNSEEN_FOR = timedelta(minutes=5)
_NEXT = timedelta(microseconds=1)


class Learned(NamedTuple):
    """What a callback adds to an order."""

    facts: list[Fact]
    #: (source, code, callback id) of codes that the carrier's map does not list.
    unknown: list[tuple[str, str, int]]


def learn(
    desk: Desk,
    order: Any,
    known: Sequence[Fact],
    callback: Any,
    told: Told,
    since: datetime | None = None,
) -> Learned:
    """What is new in a callback; what was known before is passed over.

    Args:
        order: its row, with the fees that the merchant's system told.
        known: the order's facts, in the order they arrived.
        callback: its row; facts carry the time it came.
        since: when a ticket of the order became active last.
    """
    codes = desk.content.codes.get(told.carrier, {})
    came = _learned_at(callback.received_at, known, since)
    lines, unknown = [], set()
    for source, code, when in told.lines:
        name = code if source == "facts" else codes.get((source, code))
        if name in desk.content.facts:
            fact = Fact(str(name), f"{told.carrier}.{source}", code, came, when)
            weight = weighed(fact, told.weight, known)
            lines += [weight] if weight else []
        elif name is None and (source, code) not in codes:
            shown = clean(code)[:CODE] or "?"  # whatever it is, it can be stored and read
            unknown.add((f"{told.carrier}.{source}", shown, int(callback.id)))
    lines += money_of(
        [
            Fact(name, f"{told.carrier}.fee", money[:MONEY], came, when)
            for name, money, when in told.money
        ],
        known,
        order.fees,
    )
    told_before = {_line(fact) for fact in known}
    fresh = []
    for fact in lines:
        line = _line(fact)
        if line in told_before and (fact.occurred_at or is_fee(fact)):
            continue  # a tracking push repeats its whole list, an order callback all its fees
        if not repeats(fact, known, desk.content.facts):
            fresh.append(fact)
            told_before.add(line)
    return Learned(fresh, sorted(unknown))


def _learned_at(came: datetime, known: Sequence[Fact], since: datetime | None) -> datetime:
    """When the news of a callback that came at `came` was learned.

    Whoever opens a ticket applies first what waits. What came before that and is applied only now
    was still on its way into the database, or failed: nobody knew it then. It counts as learned
    after the ticket, and after everything known.
    """
    if since is None or came > since or since - came > UNSEEN_FOR:
        return came
    return max([since, *(fact.received_at for fact in known)]) + _NEXT


def _line(fact: Fact) -> tuple[Any, ...]:
    """What makes two facts of an order one and the same; the unique indexes say it too."""
    return fact.source, fact.code, None if is_fee(fact) else fact.occurred_at


def state_of(desk: Desk, order: Any, known: Sequence[Fact]) -> str:
    """An order's state: that told by the merchant's system, then its facts."""
    return order_state(order.told_state, known, desk.content.facts, order.told_at)


async def derived_state(desk: Desk, tx: AsyncConnection, order: Any) -> str:
    """The same, from the facts as they are stored."""
    return state_of(desk, order, await orders.facts_of(tx, order.id))
