"""What news about an order does to a ticket.

    complete  the need is met, or gone: the ticket completes and the customer is told why
    wait      a completing fact is known and has to stand for some hours uncontradicted
    ask       the customer is told and asked whether that settles it
    inform    the customer is told, the ticket stays open
    escalate  the customer is told and a person is called
    reopen    a completion by a fact is undone, and a person is called
    nothing   no rule speaks of it, or it is no evidence

What a ticket becomes depends on *which* facts are known, not on the order in which they came:
every decision looks at all of them. Only whether something is *said* depends on what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, get_args

from desk.rules.categories import Category
from desk.rules.facts import (
    LATE,
    RANK,
    REVIVAL,
    WITH_CARRIER,
    Fact,
    FactKind,
    earlier,
    earliest,
    gone_back,
    holds,
    taken_back,
)
from desk.rules.facts_figures import PARTLY, is_fee, same_figures
from desk.rules.ticket import ACTIVE, Ticket, reopen_until

Effect = Literal["complete", "wait", "ask", "inform", "escalate", "reopen", "nothing"]
EFFECTS: tuple[Effect, ...] = get_args(Effect)

#: Signatures that are not the customer's own; "signed for" may mean them.
_NOT_THE_OWN = ("parcel.delivered_to_locker", "parcel.signed_by_other")
#: The general word for all that is on the road; without a time it may mean any of them.
_ON_THE_ROAD = "parcel.underway"


@dataclass(frozen=True)
class Ruling:
    """The effect and, in words, why: shown to agents, in the log and by `make rules`."""

    effect: Effect
    why: str
    #: The fact it is about.
    fact: Fact | None = None
    #: Until when a completing fact has to stand (effect "wait").
    until: datetime | None = None


@dataclass(frozen=True)
class Case:
    """A ticket before its order's facts."""

    ticket: Ticket
    category: Category
    kinds: Mapping[str, FactKind]
    #: Everything known of the order, in the order of arrival.
    facts: tuple[Fact, ...]
    #: The order's state that follows from it (`facts.order_state`).
    state: str
    #: Facts the customer was told of while this ticket was open; asked about since they spoke.
    told: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    #: The order's state as the merchant's system told it, and when.
    merchant_said: tuple[str, datetime] | None = None

    @cached_property
    def evidence(self) -> tuple[Fact, ...]:
        """The facts without those that only echo, without a time, what another source timed."""
        return tuple(fact for fact in self.facts if not _echoes(fact, self.facts, self.kinds))

    @property
    def since(self) -> datetime:
        """From when on news counts: what was known when the customer complained settles nothing."""
        return self.ticket.active_since or self.ticket.opened_at

    @property
    def spoke_at(self) -> datetime:
        """The customer's last word on it. Carriers' times have no fractions of a second."""
        return (self.ticket.spoke_at or self.since).replace(microsecond=0)

    @property
    def settling(self) -> frozenset[str]:
        """The facts that complete this kind of ticket."""
        return self.category.completes_on | self.category.ends_on

    def counts(self, fact: Fact) -> bool:
        """Whether it was learned after the ticket became active."""
        return fact.received_at > self.since

    def old(self, fact: Fact) -> bool:
        """Whether it happened before the customer's last word: they spoke against it, or knew."""
        return fact.when < self.spoke_at

    def spoken_of(self, fact: Fact) -> list[Fact]:
        """The same, as it was known when the customer spoke. Other figures are not the same.

        A cancellation is the same whoever is said to have made it: carriers confirm the sender's.
        The merchant's system tells no facts but a state, which the customer sees; a carrier who
        gives no time may say just that.
        """
        spoke_at, state = self.ticket.spoke_at or self.since, _state(self, fact)
        known = [
            other
            for other in self.facts
            if (other.fact == fact.fact or state == _state(self, other) == "cancelled")
            and other.received_at <= spoke_at
            and same_figures(fact, other)
        ]
        if self.merchant_said and fact.occurred_at is None:
            said, told_at = self.merchant_said
            if said == state and told_at <= spoke_at:
                known.append(Fact(fact.fact, "merchant", said, told_at))
        return known

    def denied(self, fact: Fact) -> bool:
        """Whether the customer knew of this very event when they spoke: it was told before.

        Another source tells it again: at the same time or an earlier one; or without a time, and
        nothing is known that can have come between.
        """
        known = self.spoken_of(fact)
        if fact.occurred_at is None:
            return bool(known) and not _anew(fact, known, self.facts, self.kinds, fact.when)
        return any(fact.occurred_at <= other.when for other in known)

    def repeated(self, fact: Fact) -> bool:
        """Whether it says again what the customer spoke against, and nothing came between."""
        known = self.spoken_of(fact)
        return bool(known) and not _anew(fact, known, self.facts, self.kinds, earliest(fact))

    def known_before(self, fact: Fact) -> bool:
        """Whether it happened before the ticket became active."""
        return fact.when < self.since.replace(microsecond=0)

    def against(self, fact: Fact) -> Fact | None:
        """The fact that speaks against a completing one, if there is one.

        A signature that was not the customer's own does, when the bare "signed for" may mean it.
        Of the others only facts of the category's `reopens_on` do: by taking the order's state
        back, or by what they say of it (`_denies`).
        """
        for other in reversed(self.evidence):
            if other.fact in self.category.asks_on and self._may_be(fact, other):
                return other
        undone = not holds(self.kinds[fact.fact].state, self.state)
        for other in reversed(self.evidence):
            if other.fact not in self.category.reopens_on:
                continue
            if taken_back(other, self.evidence, self.kinds):
                continue
            if undone or self._denies(fact, other) or self._moves(fact, other):
                return other
        return None

    def _denies(self, fact: Fact, other: Fact) -> bool:
        """Whether `other` leaves a question, or says trouble, after `fact`.

        Damage is not mended by what may have come later; a failed attempt is.
        """
        kind = self.kinds[other.fact]
        if kind.state is not None and other.fact not in self.category.asks_on:
            return False
        return earlier(fact, other) if kind.passes else not earlier(other, fact)

    def _may_be(self, fact: Fact, other: Fact) -> bool:
        """Whether "signed for" may only mean `other`, the signature of somebody else.

        The order's status has no finer word. It comes later than the tracking, and without a time.
        """
        if fact.fact != "parcel.delivered" or other.fact not in _NOT_THE_OWN:
            return False
        if fact.occurred_at is None:
            return not (earlier(fact, other) or gone_back(fact, [other], self.facts, self.kinds))
        return fact.source != other.source and abs(fact.when - other.when) <= LATE

    def _moves(self, fact: Fact, other: Fact) -> bool:
        """Whether `other` has the parcel on its way though `fact` says its order is cancelled.

        Orders are cancelled before they are collected only. What was known when the ticket was
        opened is what the customer wants to be ended.
        """
        states = [self.kinds[one.fact].state for one in (fact, other)]
        on_the_way = (*WITH_CARRIER[1:], "delivered")
        return states[0] == "cancelled" and states[1] in on_the_way and self.counts(other)

    @property
    def moot(self) -> bool:
        """Whether what the customer was asked about has been undone since."""
        asked = [fact for fact in self.evidence if fact.fact == self.ticket.asked_fact]
        return bool(asked) and all(
            taken_back(fact, self.evidence, self.kinds)
            or not holds(self.kinds[fact.fact].state, self.state)
            for fact in asked
        )

    def stands_at(self, fact: Fact) -> datetime:
        """From when on a completing fact is enough."""
        return fact.received_at + timedelta(hours=self.category.waits_hours.get(fact.fact, 0))


def decide_on(case: Case, news: Iterable[Fact], now: datetime) -> Ruling:
    """The one thing that happens to a ticket, now that `news` has come.

    Args:
        case: with the news among its facts.
        news: the facts of one callback; empty when only time has passed.
    """
    fresh = sorted(news, key=lambda fact: (fact.when, RANK.get(_state(case, fact) or "", -1)))
    if case.ticket.state not in ACTIVE:
        return _on_completed(case, fresh, now)
    judged = judge_all(case)
    done = [ruling for ruling in judged if ruling.effect in ("complete", "wait")]
    ready = [r for r in done if r.fact and case.stands_at(r.fact) <= now]
    if ready:
        first = next((r for r in ready if r.fact in fresh), ready[0])
        return Ruling("complete", first.why, first.fact)
    said = [ruling for ruling in judged if ruling.fact in fresh]
    latest = {ruling.effect: ruling for ruling in said}
    if "escalate" in latest:
        return latest["escalate"]
    if "ask" in latest:
        return latest["ask"]
    waited = waiting(judged)
    if waited and (case.ticket.waits_for, case.ticket.waits_until) != _waits(waited):
        return waited
    if "inform" in latest:
        return latest["inform"]
    return Ruling("nothing", "; ".join(ruling.why for ruling in said) or "nothing new")


def waiting(judged: Iterable[Ruling]) -> Ruling | None:
    """Of all rulings on a ticket, the completing fact that will have stood long enough first."""
    held = [(ruling.until, number, ruling) for number, ruling in enumerate(judged) if ruling.until]
    return min(held)[2] if held else None


def _waits(ruling: Ruling) -> tuple[str | None, datetime | None]:
    return (ruling.fact.fact if ruling.fact else None), ruling.until


def judge_all(case: Case) -> list[Ruling]:
    """What each known fact means for an active ticket, in the order in which they happened."""
    return [judge(case, fact) for fact in sorted(case.evidence, key=lambda fact: fact.when)]


def judge(case: Case, fact: Fact) -> Ruling:
    """What one fact means for an active ticket, beside all the others that are known."""
    category, name = case.category, fact.fact

    def ruling(effect: Effect, why: str, until: datetime | None = None) -> Ruling:
        return Ruling(effect, why, fact, until)

    if not case.counts(fact):
        return ruling("nothing", f"{name} was known before the ticket became active")
    if name in case.settling:
        return _judge_settling(case, fact)
    if name in category.escalates_on:
        if taken_back(fact, case.evidence, case.kinds):
            return ruling("nothing", f"{name} was taken back")
        after = _better_news(case, fact)
        if after is not None:
            return ruling("nothing", f"{name} is over: {after.fact} followed")
        return ruling("escalate", f"{category.id} escalates on {name}")
    if name in category.asks_on:
        # old news is none to somebody who has spoken since, but for an order that is off
        if case.old(fact) and _state(case, fact) != "cancelled":
            return ruling("nothing", f"{name} happened before the customer spoke")
        if taken_back(fact, case.evidence, case.kinds) or not holds(_state(case, fact), case.state):
            return ruling("nothing", f"{name} was undone; the order is {case.state}")
        return _asked(case, fact, f"{category.id} asks on {name}")
    if name in category.informs_on:
        return _judge_informing(case, fact)
    return ruling("nothing", f"{category.id} has no rule for {name}")


def _judge_settling(case: Case, fact: Fact) -> Ruling:
    other = case.against(fact)
    if other is not None:
        why = f"{other.fact} speaks against {fact.fact}"
        if holds(_state(case, fact), case.state):
            if other.fact in case.asked:  # the question that is open covers it
                return Ruling("nothing", f"{why}; asked about that already", fact)
            return _asked(case, fact, why)
        return Ruling("nothing", f"{why}; the order is {case.state}", fact)
    verb = "completes" if fact.fact in case.category.completes_on else "ends"
    if case.old(fact):
        return _asked(case, fact, f"{fact.fact} happened before the customer's last word")
    if case.repeated(fact):
        why = f"{fact.fact} was known when the customer spoke, and nothing has moved since"
        return _asked(case, fact, why)
    why = f"{case.category.id} {verb} on {fact.fact}"
    hours = case.category.waits_hours.get(fact.fact)
    if hours:
        return Ruling("wait", f"{why} after {hours:g} h", fact, case.stands_at(fact))
    return Ruling("complete", why, fact)


def _asked(case: Case, fact: Fact, why: str) -> Ruling:
    if fact.fact in case.asked:
        return Ruling("nothing", f"{why}; asked already", fact)
    if case.denied(fact):
        return Ruling("nothing", f"{why}; they spoke knowing of it", fact)
    return Ruling("ask", why, fact)


def _judge_informing(case: Case, fact: Fact) -> Ruling:
    state = _state(case, fact)
    if case.known_before(fact):
        why = f"{fact.fact} happened before the ticket became active"
    elif fact.fact in case.told:
        why = f"{fact.fact} was told already"
    elif state and RANK[state] < RANK[case.state]:
        why = f"{fact.fact} is behind: the order is {case.state}"
    else:
        return Ruling("inform", f"{case.category.id} informs on {fact.fact}", fact)
    return Ruling("nothing", why, fact)


def _better_news(case: Case, bad: Fact) -> Fact | None:
    """What followed bad news that passes, and ended it."""
    if not case.kinds[bad.fact].passes:
        return None
    better = case.settling | case.category.informs_on | case.category.asks_on
    collected = _state(case, bad) == "pickup_failed" and holds("collected", case.state)
    for fact in case.evidence:
        timed = fact.occurred_at is not None and bad.occurred_at is not None
        followed = fact.when > bad.when if timed else collected
        if fact.fact in better and followed:
            return fact
    return None


def _on_completed(case: Case, news: list[Fact], now: datetime) -> Ruling:
    """A completion by a fact is undone when nothing supports it any more."""
    ticket = case.ticket
    until = reopen_until(ticket)
    if until is None or ticket.completed_by != "fact" or now > until:
        return Ruling("nothing", f"the ticket is {ticket.state}")
    settling = case.settling | {ticket.completed_because}
    left = [fact for fact in case.evidence if fact.fact in settling and case.counts(fact)]
    stands = [
        fact
        for fact in left
        if case.against(fact) is None and not (case.old(fact) or case.repeated(fact))
    ]
    known = any(fact.fact == ticket.completed_because for fact in left)
    if stands or not known or not news:
        return Ruling("nothing", f"the ticket is {ticket.state}")
    against = [other for other in map(case.against, left) if other is not None]
    listed = [fact for fact in reversed(news) if fact.fact in case.category.reopens_on]
    for cause in (*listed, *against):
        return Ruling("reopen", f"{case.category.id} reopens on {cause.fact}", cause)
    why = f"{left[0].fact} is no news since the customer's last word, as is known now"
    return Ruling("reopen", why, left[0])


def _state(case: Case, fact: Fact) -> str | None:
    return case.kinds[fact.fact].state


def repeats(fact: Fact, known: Iterable[Fact], kinds: Mapping[str, FactKind]) -> bool:
    """Whether a fact without a time only says again what its source has said.

    Carriers send a status again with other details in it (a fee, a courier's name). Without a time
    it is news only if the order has certainly gone back behind that status since it was told last:
    collected again, long after a new courier was sent. Money is told apart by what came back; what
    came back as a whole does not come back in part because something else was charged since.
    """
    known = list(known)
    if is_fee(fact):
        whole = fact.code.removeprefix(PARTLY)
        return whole != fact.code and any(is_fee(o) and o.code == whole for o in known)
    if fact.occurred_at is not None:
        return False
    before = [
        o for o in known if (o.source, o.code, o.occurred_at) == (fact.source, fact.code, None)
    ]
    return bool(before) and not gone_back(fact, before, known, kinds)


def _echoes(fact: Fact, facts: Iterable[Fact], kinds: Mapping[str, FactKind]) -> bool:
    """Whether a fact without a time is what another source tells with its time."""
    if fact.occurred_at is not None or is_fee(fact):
        return False
    state = kinds[fact.fact].state if fact.fact == _ON_THE_ROAD else None
    timed = [
        other
        for other in facts
        if other.occurred_at is not None
        and (other.fact == fact.fact or (state and kinds[other.fact].state == state))
    ]
    return bool(timed) and not gone_back(fact, timed, facts, kinds)


#: What comes between two times that an order gets into a state. A record that is sent once more
#: with a new time (ordered, accepted, collected) moves no parcel, so it shows no second delivery.
_BETWEEN: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(WITH_CARRIER, ("collecting", "pickup_failed", "cancelled")),
    "delivered": ("in_transit", "out_for_delivery"),
    "cancelled": ("collecting", *WITH_CARRIER),
}


def _anew(
    fact: Fact,
    before: list[Fact],
    facts: Iterable[Fact],
    kinds: Mapping[str, FactKind],
    by: datetime,
) -> bool:
    """Whether something happened after all of `before`, by `by`, that lets `fact` be so anew.

    A correction or a refund needs nothing between: it is made again when its own source says so,
    with a time. Another source may mean the first one.
    """
    state = kinds[fact.fact].state
    if state is None:
        return fact.occurred_at is not None and all(o.source == fact.source for o in before)
    last = max(other.when for other in before)
    return any(
        last < earliest(other) and other.when <= by
        for other in facts
        if kinds[other.fact].state in _BETWEEN.get(state, ())
        or (state == "cancelled" and other.fact == REVIVAL)
    )
