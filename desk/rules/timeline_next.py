"""A ticket's timeline, what comes next: nothing but what the data says.

Promises are times that a clock keeps (`promises.py`, `ticket.py`); everything that hangs on others'
news is a condition without a time, and says so (`Step.sure`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from desk.rules.categories import Category
from desk.rules.dispatch import Dispatch
from desk.rules.facts import ORDER_STATES, FactKind
from desk.rules.promises import call_at
from desk.rules.ticket import ACTIVE, reopen_until
from desk.rules.timeline import Seen, Step

#: The states on a parcel's way, in its order.
_WAY = tuple(s for s in ORDER_STATES if s not in ("cancelled", "pickup_failed", "returned"))
#: Of one moment: what can be done until then, before what happens then.
_ORDER = ("wait", "check", "person", "due", "reopen")


def coming(seen: Seen, now: datetime, *, for_agent: bool = False) -> tuple[Step, ...]:
    """What happens next: first what has no time, then by time. Never empty.

    Args:
        for_agent: with the law's clock, the next step of a dispatch, and all facts of the rules.
    """
    ticket = seen.ticket
    if ticket.state == "closed":
        return (Step("ended", None),)
    if ticket.state in ACTIVE:
        steps = [*_of_people(seen), *_of_carrier(seen, now), *_ways_to_complete(seen, for_agent)]
        steps += _clocks(seen, now, for_agent)
    else:
        steps = list(_after_completion(seen, now, for_agent))
    untimed = [step for step in steps if step.at is None]
    timed = sorted(
        (
            (step.at, _ORDER.index(step.kind) if step.kind in _ORDER else len(_ORDER), step)
            for step in steps
            if step.at is not None
        ),
        key=lambda one: one[:2],
    )
    return (*untimed, *(step for _, _, step in timed))


def _of_people(seen: Seen) -> Iterable[Step]:
    """What we wait for the customer to say; and a person who has it in hand."""
    ticket = seen.ticket
    if ticket.asked_fact:
        yield Step("your_answer", None, {"fact": ticket.asked_fact})
    if seen.owner == "agent":
        yield Step("with_agent", None)
    elif seen.owner == "queue":
        yield Step("in_queue", seen.answer_by)


def _of_carrier(seen: Seen, now: datetime) -> Iterable[Step]:
    """Being brought to the carrier, or waiting for its answer; when it is asked for news."""
    rounds = [d for d in seen.dispatches if not d.part]
    last = max(rounds, key=lambda d: d.round) if rounds else None
    if last is not None and _under_way(last):
        yield Step("dispatching", None, sure=False)
    elif last is not None and last.state == "accepted":
        yield Step("answer", None, sure=False)
    at = next_check(seen, now)
    if at is not None:
        yield Step("check", at, sure=False) if at > now else Step("asking", None, sure=False)


def _under_way(dispatch: Dispatch) -> bool:
    """Whether the desk is still bringing it there by itself."""
    unsure = dispatch.state == "unknown" and dispatch.repeatable
    return dispatch.state in ("waiting", "sending") or unsure


def next_check(seen: Seen, now: datetime) -> datetime | None:
    """When the carrier is asked about the order if it says nothing until then."""
    hours = seen.category.check_after_hours if seen.category else None
    if hours is None or seen.told_at is None:
        return None
    news = [fact.received_at for fact in seen.facts]
    asked = [seen.ticket.checked_at] if seen.ticket.checked_at else []
    quiet_since = max([*news, *asked, seen.told_at])
    return max(quiet_since + timedelta(hours=hours), seen.ask_from or now, now)


def _ways_to_complete(seen: Seen, for_agent: bool) -> Iterable[Step]:
    ticket, category = seen.ticket, seen.category
    if ticket.waits_for and ticket.waits_until:
        yield Step("wait", ticket.waits_until, {"fact": ticket.waits_for}, sure=False)
    if category is None or not (category.completes_on or category.asks_on):
        yield Step("person_completes", None)
        return
    if not category.completes_on:
        yield Step("person_completes", None)
    yield from _by_wait(category, category.completes_on, seen.kinds, "completes")
    if for_agent:
        yield from _by_wait(category, category.ends_on, seen.kinds, "ends")
    # beside what completes it, a customer need not think of what would only be asked
    if category.asks_on and not ticket.asked_fact and (for_agent or not category.completes_on):
        yield Step("asks", None, _named(category.asks_on, seen.kinds), sure=False)


def _by_wait(
    category: Category, facts: frozenset[str], kinds: Mapping[str, FactKind], kind: str
) -> Iterable[Step]:
    """One step for the facts that complete at once, and one for each waiting time."""
    for hours in sorted({category.waits_hours.get(fact, 0) for fact in facts}):
        same = frozenset(f for f in facts if category.waits_hours.get(f, 0) == hours)
        values = _named(same, kinds) | ({"hours": hours} if hours else {})
        yield Step(f"{kind}_after" if hours else kind, None, values, sure=False)


def _named(facts: frozenset[str], kinds: Mapping[str, FactKind]) -> dict[str, object]:
    """All of the facts, in the order of their file; and those to name: of some that say the same,
    the first.

    A parcel that is further on has passed it: "collected" needs no "or delivered" beside it, and
    "cancelled" no "cancelled by the carrier".
    """
    known = [name for name in kinds if name in facts]
    first: dict[str, str] = {}
    for name in sorted(known, key=lambda n: _WAY.index(s) if (s := kinds[n].state) in _WAY else 0):
        state = kinds[name].state
        first.setdefault("way" if state in _WAY else state or name, name)
    named = tuple(name for name in known if name in first.values())
    return {"facts": named, "all_facts": tuple(known)}


def _clocks(seen: Seen, now: datetime, for_agent: bool) -> Iterable[Step]:
    ticket, category = seen.ticket, seen.category
    if seen.owner == "bot" and ticket.called_at is None:
        lead = seen.promises.lead(category.call_before_minutes if category else None)
        promised_at = ticket.promised_at or ticket.opened_at
        called = call_at(seen.service, lead, promised_at, ticket.due_at)
        yield Step("person", called) if called > now else Step("calling", None)
    if ticket.due_at > now:
        yield Step("due", ticket.due_at)
    if for_agent:
        legal_at = seen.promises.legal_at(ticket.complained_at or ticket.opened_at)
        yield Step("legal", legal_at)
        for dispatch in seen.dispatches:
            if dispatch.next_at is not None and not dispatch.part:
                yield Step("dispatch_next", dispatch.next_at, {"state": dispatch.state})


def _after_completion(seen: Seen, now: datetime, for_agent: bool) -> Iterable[Step]:
    ticket = seen.ticket
    until = reopen_until(ticket)
    if until is not None and now <= until:
        yield Step("reopen", until)
        reopens = seen.category.reopens_on if seen.category else frozenset()
        if for_agent and reopens:
            yield Step("reopens", None, _named(reopens, seen.kinds), sure=False)
    yield Step("closes", until)
