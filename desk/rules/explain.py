"""Why a ticket is as it is: every fact, which rule looked at it, and what would move it next.

For operators (`make rules ORDER=...`) and pages. Nothing is decided here: the rulings are those of
`completion.py`, made on the facts as they are known now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from desk.rules.categories import RULE_LISTS, Category
from desk.rules.completion import Case, Effect, decide_on, judge, judge_all
from desk.rules.facts import Fact, taken_back
from desk.rules.ticket import ACTIVE, Ticket, reopen_until

#: What a list of rules does, in words that a fact's name can follow.
_MEANS = {
    "completes_on": "completes on",
    "ends_on": "ends, the need being gone, on",
    "asks_on": "asks the customer on",
    "informs_on": "tells the customer of",
    "escalates_on": "calls a person on",
}


@dataclass(frozen=True)
class Looked:
    """One fact and what the rules make of it beside all the others."""

    fact: Fact
    effect: Effect
    why: str
    #: Only repeats without a time what another source told with its time: not evidence.
    echo: bool = False


@dataclass(frozen=True)
class Explanation:
    """A ticket explained."""

    ticket: Ticket
    #: Of the order, with all its facts.
    order_state: str
    #: In the order in which they happened, as far as it is known.
    facts: tuple[Looked, ...]
    #: What the rules would do if it were looked at now: usually nothing is left to do.
    verdict: str
    #: What it waits for, one thing a line.
    waits: tuple[str, ...]
    #: What would move it next, one rule a line.
    next: tuple[str, ...]


def explain(case: Case, now: datetime) -> Explanation:
    """Explain one ticket before its order's facts."""
    # what a fact means, not whether the customer has been told of it by now
    plain = replace(case, told=frozenset(), asked=frozenset())
    evidence = set(plain.evidence)
    looked = []
    for fact in sorted(case.facts, key=lambda fact: (fact.when, fact.received_at)):
        ruling = judge(plain, fact)
        echo = fact not in evidence
        why = f"{fact.fact} is told with its time by another source" if echo else ruling.why
        looked.append(Looked(fact, "nothing" if echo else ruling.effect, why, echo))
    return Explanation(
        ticket=case.ticket,
        order_state=case.state,
        facts=tuple(looked),
        verdict=decide_on(case, (), now).why,
        waits=tuple(_waits(case)),
        next=tuple(_next(case, now)),
    )


def _waits(case: Case) -> Iterable[str]:
    ticket = case.ticket
    if ticket.state not in ACTIVE:
        return
    if ticket.asked_fact:
        yield f"the customer's answer: does {ticket.asked_fact} settle it?"
    for ruling in judge_all(case):
        if ruling.effect == "wait" and ruling.fact and ruling.until:
            yield f"{ruling.fact.fact} has to stand until {{{ruling.until.isoformat()}}}"
    yield f"the promised time {{{ticket.due_at.isoformat()}}}; a person is called before it"


def _next(case: Case, now: datetime) -> Iterable[str]:
    ticket, category = case.ticket, case.category
    until = reopen_until(ticket)
    if ticket.state in ACTIVE:
        yield from _rules_of(category)
        if category.check_after_hours is not None:
            yield f"asks the carrier after {category.check_after_hours:g} h without news"
        yield "a yes of the customer completes it, at any time"
    elif until is not None and now <= until:
        yield f"closed for good at {{{until.isoformat()}}}"
        if ticket.completed_by == "fact":
            if category.reopens_on:
                yield f"opened again by news: {_named(case, category.reopens_on)}"
            other = category.reopened_as.get(ticket.completed_because or "")
            yield "opened again by the customer" + (f", then as {other}" if other else "")
        else:
            yield "opened again by the customer or an agent, by no news"
    else:
        yield "nothing: it is closed for good"


def _rules_of(category: Category) -> Iterable[str]:
    for key in RULE_LISTS:
        facts = []
        for name in sorted(getattr(category, key)):
            hours = category.waits_hours.get(name)
            facts.append(f"{name} (after {hours:g} h)" if hours else name)
        if facts:
            yield f"{_MEANS[key]} {', '.join(facts)}"
    if not category.completes_on | category.ends_on:
        yield "no fact completes it: a person does"


def _named(case: Case, facts: Iterable[str]) -> str:
    """Facts in one line, with a mark on those that are known already."""
    known = {fact.fact for fact in case.facts if not taken_back(fact, case.facts, case.kinds)}
    return ", ".join(f"{name} (known)" if name in known else name for name in sorted(facts))


# --- as text --------------------------------------------------------------------------------------


def text_of(found: Explanation, history: Sequence[Mapping[str, Any]], zone: tzinfo) -> str:
    """An explanation for a terminal, in the desk's time zone.

    Args:
        history: the ticket's entries, oldest first: `[{"at", "kind", "author", "text"}]`.
    """

    def clock(when: datetime | str | None) -> str:
        if when is None:
            return "no time    "
        parsed = datetime.fromisoformat(when) if isinstance(when, str) else when
        return f"{parsed.astimezone(zone):%m-%d %H:%M}"

    def timed(line: str) -> str:
        """A line whose times stand in braces."""
        head, brace, rest = line.partition("{")
        return f"{head}{clock(rest.partition('}')[0])}{rest.partition('}')[2]}" if brace else line

    ticket = found.ticket
    lines = [f"ticket {ticket.id}  {ticket.category}  {ticket.state}"]
    if ticket.completed_by:
        lines[0] += f"  by {ticket.completed_by}: {ticket.completed_because}"
    lines.append(f"  counts from {clock(ticket.active_since)}, the customer spoke last at "
                 f"{clock(ticket.spoke_at)}")  # fmt: skip
    lines.append("  facts, in the order in which they happened (happened, learned):")
    for one in found.facts:
        fact = one.fact
        late = fact.occurred_at and fact.received_at - fact.occurred_at > timedelta(hours=2)
        lines.append(
            f"    {clock(fact.occurred_at):11} {clock(fact.received_at):11} {fact.fact:26} "
            f"{fact.source} {fact.code}{' (late)' if late else ''}"
        )
        lines.append(f"        -> {one.effect}: {one.why}")
    lines += ["    none"] * (not found.facts)
    lines.append("  what was done:")
    lines += [
        f"    {clock(row['at'])} {row['kind']} by {row['author']}: {row['text']}".rstrip(": ")
        for row in history
    ]
    if found.ticket.state in ACTIVE:
        lines.append(f"  now: {found.verdict}")
    lines += ["  waits for:", *(f"    {timed(line)}" for line in found.waits)] * bool(found.waits)
    lines += ["  next:", *(f"    {timed(line)}" for line in found.next)]
    return "\n".join(lines)
