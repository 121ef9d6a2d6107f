"""A ticket's timeline, the past: what happened to it and to its parcel, each at its own time.

What comes next is in `timeline_next.py`. Steps are data, put in words by `edges/timeline_shown.py`.
The customer's version is a white list: a kind of history line that is not named here, a note, an
agent's name, or what the other side calls us never gets into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from desk.rules.categories import Category
from desk.rules.dispatch import Dispatch
from desk.rules.dispatch_request import QUOTE_LIMIT, plain
from desk.rules.facts import Fact, FactKind
from desk.rules.promises import Promises
from desk.rules.service import Service
from desk.rules.ticket import Ticket

#: A carrier that tells us later than this is shown with both times.
LATE_AFTER = timedelta(minutes=10)
#: Lines of the history that are nobody's business but ours are not among these.
TOLD = (
    *("opened", "added", "dispatched", "answered", "corrected", "called", "overdue"),
    *("informed", "escalated", "asked", "waits", "waits_no_more", "not_settled"),
    *("completed", "joined", "reopened", "closed"),
)
#: Kinds of lines whose text is the fact that moved the ticket.
_MOVED_BY = ("completed", "asked", "informed", "escalated", "waits")


@dataclass(frozen=True)
class Step:
    """One step.

    `sure` of a past step: its time is told by who did it, not only when we heard of it.
    `sure` of a coming step: we do it whatever happens; else it depends on news of others.
    """

    kind: str
    #: None: no time can be named.
    at: datetime | None
    values: Mapping[str, Any] = field(default_factory=dict)
    sure: bool = True


@dataclass(frozen=True)
class Line:
    """One line of a ticket's history."""

    at: datetime
    kind: str
    author: str
    text: str


@dataclass(frozen=True)
class Delivery:
    """A notification of the merchant's own channels about this ticket."""

    at: datetime
    kind: str
    state: str
    tries: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Seen:
    """All that a timeline is made from."""

    ticket: Ticket
    #: None: it was taken out of the file.
    category: Category | None
    history: Sequence[Line]
    facts: Sequence[Fact]
    kinds: Mapping[str, FactKind]
    #: What the rules make of a fact, in words, for agents.
    rulings: Mapping[Fact, str] = field(default_factory=dict)
    dispatches: Sequence[Dispatch] = ()
    deliveries: Sequence[Delivery] = ()
    service: Service = field(default_factory=Service)
    promises: Promises = field(default_factory=Promises)
    #: Who has the conversation: bot, queue, agent; and by when a person was promised, if so.
    owner: str = "bot"
    answer_by: datetime | None = None
    #: When the merchant told of the order, if the carrier can be asked about it; and from when on.
    told_at: datetime | None = None
    ask_from: datetime | None = None


def told_history(history: Iterable[Line]) -> list[Line]:
    """The lines that a customer may read, without agents' names and their words for a ticket."""
    return [replace(line, text=_told_text(line)) for line in history if line.kind in TOLD]


def _told_text(line: Line) -> str:
    change, name = _change(line), line.author.removeprefix("agent:")
    if change:
        return " -> ".join(change)
    written = name != line.author and line.kind in ("opened", "added")
    named = line.kind == "completed" and line.text == name
    return "" if written or named or line.kind == "dispatched" else line.text


def past(seen: Seen, *, for_agent: bool = False) -> tuple[Step, ...]:
    """What happened so far, oldest first: by the carrier's time where it gave one.

    Args:
        for_agent: with every line of the history, dispatches and notifications.
    """
    steps = [*_of_facts(seen, for_agent), *_of_history(seen, for_agent)]
    checked = seen.ticket.checked_at
    if checked is not None and checked >= seen.ticket.opened_at:
        steps.append((checked, 1, Step("checked", checked)))
    if for_agent:
        steps += [(d.created_at, 2, _dispatch(d)) for d in seen.dispatches]
        steps += [(d.at, 3, _delivery(d)) for d in seen.deliveries]
    # of one moment: the news first, then what it did
    return _fold(step for _, _, step in sorted(steps, key=lambda one: one[:2]))


def happened_at(fact: Fact) -> tuple[datetime, bool]:
    """When it happened, and whether the carrier's own time says so.

    What is told for a later time than we heard of it has a wrong clock behind it.
    """
    if fact.occurred_at is None or fact.occurred_at > fact.received_at:
        return fact.received_at, False
    return fact.occurred_at, True


def _of_facts(seen: Seen, for_agent: bool) -> Iterable[tuple[datetime, int, Step]]:
    """The carrier's news since the ticket was opened, and older ones that moved it."""
    named = {line.text for line in seen.history if line.kind in _MOVED_BY}
    for fact in seen.facts:
        at, sure = happened_at(fact)
        if fact.fact not in seen.kinds:
            continue
        late = fact.received_at - at >= LATE_AFTER
        moved = fact.fact in named and fact.received_at >= seen.ticket.opened_at
        if at >= seen.ticket.opened_at or moved:
            values: dict[str, Any] = {"fact": fact.fact}
            values |= {"told_at": fact.received_at} if late else {}
            if for_agent and fact in seen.rulings:
                values["rule"] = seen.rulings[fact]
            yield at, 0, Step("fact", at, values, sure)


def _of_history(seen: Seen, for_agent: bool) -> Iterable[tuple[datetime, int, Step]]:
    category = first_category(seen)
    for line in seen.history:
        changed = _change(line)
        category = changed[1] if changed else category
        step = _told(seen, line, category)
        if for_agent:
            step = _for_agent(line, step)
        if step is not None:
            yield line.at, 1, step


def _for_agent(line: Line, step: Step | None) -> Step:
    """A line with its author; one that a customer is not told of, as it is."""
    if step is None:
        step = Step("entry", line.at, {"entry": line.kind, "text": line.text})
    values = {**step.values, "author": line.author}
    if step.kind in ("opened_by_agent", "added_by_agent") and line.text:
        values["quote"] = line.text
    return Step(step.kind, step.at, values)


def first_category(seen: Seen) -> str:
    """The category the ticket was opened with, before anybody corrected it."""
    changes = (_change(line) for line in seen.history)
    return next((change[0] for change in changes if change), seen.ticket.category)


def _change(line: Line) -> tuple[str, str] | None:
    """The categories before and after a line that changed it: `<before> -> <after> <remark>`."""
    before, arrow, rest = line.text.partition(" -> ")
    if line.kind not in ("corrected", "reopened") or not arrow:
        return None
    return before, rest.partition(" ")[0]


def _told(seen: Seen, line: Line, category: str) -> Step | None:
    """What a customer is told of a line of the history; None: nothing."""
    by_agent = line.author.startswith("agent:")
    quote = {} if by_agent or not line.text else {"quote": line.text}
    by = "_by_agent" if by_agent else ""
    match line.kind:
        case "opened":
            return Step(f"opened{by}", line.at, {"category": category, **quote})
        case "added":
            return Step(f"added{by}", line.at, quote)
        case "dispatched" | "called" | "overdue" | "closed" | "not_settled":
            return Step(line.kind, line.at)
        case "escalated":
            return Step("called", line.at)
        case "answered":
            return Step("answered", line.at, {"quote": plain(line.text, QUOTE_LIMIT)})
        case "corrected":
            return Step("corrected", line.at, {"category": category})
        case "asked" if line.text in seen.kinds:
            return Step("asked", line.at, {"fact": line.text})
        case "completed":
            return _completed(seen, line)
        case "reopened":
            return _reopened(seen, line, category)
        case "joined":
            return Step("completed_merged", line.at, {"ticket": line.text})
    return None


def _reopened(seen: Seen, line: Line, category: str) -> Step:
    if _change(line):
        return Step("reopened_as", line.at, {"category": category})
    if line.text in seen.kinds:
        return Step("reopened_by_news", line.at, {"fact": line.text})
    return Step("reopened" if line.author == "customer" else "reopened_by_agent", line.at)


def _completed(seen: Seen, line: Line) -> Step:
    """Why it was completed: a fact, an agent, the customer, or another ticket for the same need."""
    if line.author == "customer":
        return Step("completed_by_customer", line.at)
    if line.text in seen.kinds:
        ended = seen.category is not None and line.text in seen.category.ends_on
        kind = "completed_ended" if ended else "completed_by_fact"
        return Step(kind, line.at, {"fact": line.text})
    if line.text.startswith("t_") and " " not in line.text:  # joined to that ticket
        return Step("completed_merged", line.at, {"ticket": line.text})
    if line.author.startswith("agent:"):
        said = line.text if line.text != line.author.removeprefix("agent:") else ""
        # the customer has read these words in the conversation
        return Step("completed_by_agent", line.at, {"quote": said} if said else {})
    return Step("completed", line.at)


def _dispatch(dispatch: Dispatch) -> Step:
    """Without its id: whoever knows that is believed to be the other side."""
    values = {"via": dispatch.via, "round": dispatch.round, "part": dispatch.part}
    values |= {"state": dispatch.state, "tries": dispatch.tries}
    values |= {"number": dispatch.remote_id or "", "why": dispatch.why}
    return Step("dispatch", dispatch.created_at, values)


def _delivery(delivery: Delivery) -> Step:
    values = {"delivery": delivery.kind, "state": delivery.state, "tries": delivery.tries}
    return Step("delivery", delivery.at, {**values, "why": delivery.error or ""})


def _fold(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The same news several times in a row is one step: the last, with how often it came."""
    folded: list[Step] = []
    for step in steps:
        last = folded[-1] if folded else None
        same = last is not None and last.kind == step.kind == "fact"
        if last is not None and same and last.values["fact"] == step.values["fact"]:
            times = int(last.values.get("times", 1)) + 1
            folded[-1] = Step("fact", step.at, {**step.values, "times": times}, step.sure)
        else:
            folded.append(step)
    return tuple(folded)
