"""What news from a carrier does to an open ticket: complete, inform, escalate, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from desk.rules.categories import Category
from desk.rules.facts import Fact, FactKind
from desk.rules.ticket import ACTIVE, Ticket

Effect = Literal["complete", "inform", "escalate", "nothing"]

#: The way of a parcel; a state outside it (cancelled, returned, ...) sets every other one back.
STAGES = (
    "created",
    "accepted",
    "collecting",
    "collected",
    "in_transit",
    "out_for_delivery",
    "delivered",
)
#: Facts that can be undone, and the order's state as long as they last.
UNDOABLE = {"order.cancelled": "cancelled"}


@dataclass(frozen=True)
class Ruling:
    """The effect and, in words, why: shown to agents and in the log."""

    effect: Effect
    why: str


def rule_on(ticket: Ticket, category: Category, fact: Fact) -> Ruling:
    """Decide what `fact`, alone, means for `ticket` under its category's rules.

    Only a fact learned after the ticket became active counts: what was known when the customer
    complained cannot settle the complaint. What *happened* before settles it all the same, unless
    the customer has said since then that it did not (a reopened ticket), or it can be undone.
    """
    if ticket.state not in ACTIVE:
        return Ruling("nothing", f"the ticket is {ticket.state}")
    since = ticket.active_since or ticket.opened_at
    if fact.received_at <= since:
        return Ruling("nothing", f"{fact.fact} was known before the ticket became active")
    if fact.fact in category.completes_on:
        if happened_before(ticket, fact) and (ticket.reopened or fact.fact in UNDOABLE):
            return Ruling("nothing", f"{fact.fact} happened before the ticket became active")
        return Ruling("complete", f"{category.id} completes on {fact.fact}")
    if fact.fact in category.escalates_on:
        return Ruling("escalate", f"{category.id} escalates on {fact.fact}")
    if fact.fact in category.informs_on:
        if happened_before(ticket, fact):
            return Ruling("nothing", f"{fact.fact} happened before the ticket became active")
        return Ruling("inform", f"{category.id} informs on {fact.fact}")
    return Ruling("nothing", f"{category.id} has no rule for {fact.fact}")


def happened_before(ticket: Ticket, fact: Fact) -> bool:
    """Whether the carrier says that it happened before the ticket became active.

    Carriers' times have no fractions of a second.
    """
    since = (ticket.active_since or ticket.opened_at).replace(microsecond=0)
    return fact.occurred_at is not None and fact.occurred_at < since


def rule_on_all(
    ticket: Ticket, category: Category, news: Iterable[Fact], state: str
) -> tuple[Fact, Ruling] | None:
    """The one thing that all the new facts of a callback do to `ticket`, or None for nothing.

    A tracking push may bring many lines at once. The later line wins where they contradict each
    other; a customer reads at most one of them, the newest.

    Args:
        state: the order's state with all these facts.
    """
    in_time = sorted(news, key=lambda fact: fact.occurred_at or fact.received_at)
    decisive: tuple[Fact, Ruling] | None = None
    inform: tuple[Fact, Ruling] | None = None
    for fact in in_time:
        ruling = rule_on(ticket, category, fact)
        if ruling.effect == "complete" and UNDOABLE.get(fact.fact, state) != state:
            continue  # undone since, by this callback or by what we knew already
        if ruling.effect == "inform":
            inform = fact, ruling
        elif ruling.effect == "escalate" and happened_before(ticket, fact):
            # old bad news that other news followed is over
            decisive = (fact, ruling) if fact is in_time[-1] else None
        elif ruling.effect != "nothing" and (
            decisive is None or decisive[1].effect != ruling.effect
        ):
            decisive = fact, ruling
    return decisive or inform


def repeats(fact: Fact, known: Iterable[Fact], kinds: Mapping[str, FactKind]) -> bool:
    """Whether a fact without a time only says again what was known of the order.

    Carriers send a status again with other details in it (a fee, a courier's name). Without a time
    it is news only if the order has gone back behind that status since it was told last: collected
    again after a new courier was sent. A fact that is no state of an order is a repetition if it
    is the last thing that its source said.
    """
    if fact.occurred_at is not None:
        return False
    state = kinds[fact.fact].state
    if state is None:
        own = [f.code for f in known if f.source == fact.source]
        return bool(own) and own[-1] == fact.code
    told = False
    for earlier in sorted(known, key=lambda f: (f.occurred_at or f.received_at, f.received_at)):
        if earlier.fact == fact.fact:
            told = True
        elif told and _sets_back(state, kinds[earlier.fact].state):
            told = False
    return told


def _sets_back(state: str, later: str | None) -> bool:
    """Whether an order that reaches `later` after `state` may reach `state` anew."""
    if later is None or later == state:
        return False
    if state in STAGES and later in STAGES:
        return STAGES.index(later) < STAGES.index(state)
    return True
