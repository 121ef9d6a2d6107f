"""What a new fact does to an open ticket: complete, inform, escalate, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desk.rules.categories import Category
from desk.rules.facts import Fact
from desk.rules.ticket import ACTIVE, Ticket

Effect = Literal["complete", "inform", "escalate", "nothing"]


@dataclass(frozen=True)
class Ruling:
    """The effect and, in words, why: shown to agents and in the log."""

    effect: Effect
    why: str


def rule_on(ticket: Ticket, category: Category, fact: Fact) -> Ruling:
    """Decide what `fact` means for `ticket` under its category's rules.

    Only a fact learned after the ticket became active counts: what was known when the customer
    complained cannot settle the complaint.
    """
    if ticket.state not in ACTIVE:
        return Ruling("nothing", f"the ticket is {ticket.state}")
    since = ticket.active_since or ticket.opened_at
    if fact.received_at <= since:
        return Ruling("nothing", f"{fact.fact} was known before the ticket became active")
    if fact.fact in category.completes_on:
        return Ruling("complete", f"{category.id} completes on {fact.fact}")
    if fact.fact in category.escalates_on:
        return Ruling("escalate", f"{category.id} escalates on {fact.fact}")
    if fact.fact in category.informs_on:
        return Ruling("inform", f"{category.id} informs on {fact.fact}")
    return Ruling("nothing", f"{category.id} has no rule for {fact.fact}")
