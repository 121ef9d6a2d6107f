"""The ticket: its states, and what each command does to it.

    open -> dispatched -> completed -> closed (7 days after completion, final)
    completed -> open (reopened within those 7 days: by the customer or an agent, or by news that
    undo a completion by a fact)

At most one open or dispatched ticket exists per order and category; a partial unique index says so
too (`store/migrations`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from desk.rules.refused import Refused

State = Literal["open", "dispatched", "completed", "closed"]
STATES: tuple[State, ...] = ("open", "dispatched", "completed", "closed")
ACTIVE: tuple[State, ...] = ("open", "dispatched")
REOPEN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Ticket:
    """Work to be done for one order and one confirmed category."""

    id: str
    order_id: str
    conversation_id: str
    category: str
    text: str
    opened_at: datetime
    due_at: datetime
    opened_by: str = "bot"
    state: State = "open"
    #: Last time it was opened or reopened: only news learned after it can complete the ticket.
    active_since: datetime | None = None
    completed_at: datetime | None = None
    #: Who completed it: "fact", "customer", "agent", or "merge" (joined to another); and the
    #: fact's id, what the customer was asked about, the agent's words, or the other ticket's id.
    completed_by: str | None = None
    completed_because: str | None = None
    reopened: int = 0
    #: The customer's last word on it: opened, added, reopened, "not settled".
    spoke_at: datetime | None = None
    #: A completing fact that has to stand until `waits_until`, uncontradicted.
    waits_for: str | None = None
    waits_until: datetime | None = None
    #: The customer was asked whether this fact settles it.
    asked_fact: str | None = None
    #: When `due_at` was promised: at opening, reopening, or with another category.
    promised_at: datetime | None = None
    #: When the complaint was made that is open now: the legal clock runs from it.
    complained_at: datetime | None = None
    #: A person was called because the promised time is near; it passed all the same; the legal
    #: time is near (`rules/promises.py`).
    called_at: datetime | None = None
    broken_at: datetime | None = None
    warned_at: datetime | None = None
    #: The carrier was last asked about the order.
    checked_at: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One line for the ticket's own history."""

    kind: str
    text: str


@dataclass(frozen=True)
class Dispatch:
    """The carrier has been told."""

    text: str


@dataclass(frozen=True)
class Complete:
    """The need is met: by a fact (`because` its id), in somebody's words, or in another ticket."""

    by: Literal["fact", "customer", "agent", "merge"]
    because: str


@dataclass(frozen=True)
class Reopen:
    """It is not settled after all: the customer says so, or the carrier's news do.

    `due_at` is the new promise. Only a customer who says it (`complains`) makes a new complaint:
    where the completion was wrong, the first one's legal clock goes on.
    """

    text: str
    due_at: datetime
    complains: bool = True
    #: What it is from now on (`reopened_as` of `data/categories.yml`); None = as it was.
    category: str | None = None


@dataclass(frozen=True)
class Join:
    """It was completed wrongly, and the other ticket `ticket` stands for the need already."""

    ticket: str


@dataclass(frozen=True)
class Close:
    """Nobody objected for 7 days."""


@dataclass(frozen=True)
class Correct:
    """The category was wrong; `due_at` belongs to the new one."""

    category: str
    due_at: datetime
    text: str


@dataclass(frozen=True)
class Add:
    """The customer asked for the same thing again."""

    text: str


@dataclass(frozen=True)
class Tell:
    """The customer is told of a fact, and perhaps a person is called."""

    fact: str
    escalates: bool = False
    #: It has made the open question pointless.
    moot: bool = False


@dataclass(frozen=True)
class Ask:
    """The customer is asked whether this fact settles it."""

    fact: str


@dataclass(frozen=True)
class Wait:
    """A completing fact has to stand until then; no fact: nothing is waited for any more."""

    fact: str | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Deny:
    """The customer says that it is not settled, asked or not."""


@dataclass(frozen=True)
class Watch:
    """The clocks call for a person: the promise is near, or broken, or the law's time is near."""

    step: Literal["called", "broken", "warned"]


Changes = Dispatch | Complete | Reopen | Join | Close | Correct | Add | Watch
Command = Changes | Tell | Ask | Wait | Deny

#: (state, command) -> state after it. What is not here is refused.
ARROWS: dict[tuple[State, str], State] = {
    ("open", "Dispatch"): "dispatched",
    ("open", "Complete"): "completed",
    ("dispatched", "Complete"): "completed",
    ("completed", "Reopen"): "open",
    ("completed", "Join"): "completed",
    ("completed", "Close"): "closed",
    ("open", "Correct"): "open",
    ("dispatched", "Correct"): "open",  # the carrier was told the wrong thing: tell it anew
    ("open", "Add"): "open",
    ("dispatched", "Add"): "dispatched",
    ("open", "Watch"): "open",
    ("dispatched", "Watch"): "dispatched",
    ("open", "Tell"): "open",
    ("dispatched", "Tell"): "dispatched",
    ("open", "Ask"): "open",
    ("dispatched", "Ask"): "dispatched",
    ("open", "Wait"): "open",
    ("dispatched", "Wait"): "dispatched",
    ("open", "Deny"): "open",
    ("dispatched", "Deny"): "dispatched",
}
COMMANDS = (
    *("Dispatch", "Complete", "Reopen", "Join", "Close", "Correct", "Add", "Watch"),
    *("Tell", "Ask", "Wait", "Deny"),
)


def is_urgent(ticket: Ticket) -> bool:
    """Whether its customer comes first in the queue: a person was called for it by a clock."""
    return ticket.state in ACTIVE and bool(ticket.called_at or ticket.warned_at)


def reopen_until(ticket: Ticket) -> datetime | None:
    """Until when a completed ticket can be reopened; None when it is not completed."""
    if ticket.state != "completed" or ticket.completed_at is None:
        return None
    return ticket.completed_at + REOPEN_FOR


def decide(ticket: Ticket, command: Command, now: datetime) -> tuple[Ticket, Entry]:
    """The ticket after `command` at `now` (aware UTC), and the line for its history.

    Raises:
        Refused: `ticket_state` (no such arrow), `reopen_too_late`, `close_too_early`,
            `same_category`.
    """
    name = type(command).__name__
    after = ARROWS.get((ticket.state, name))
    if after is None:
        raise Refused("ticket_state", state=ticket.state, command=name.lower())
    until = reopen_until(ticket)
    match command:
        case Dispatch(text):
            return replace(ticket, state=after), Entry("dispatched", text)
        case Complete(by, because):
            changed = replace(
                _quiet(ticket),
                state=after,
                completed_at=now,
                completed_by=by,
                completed_because=because,
            )
            return changed, Entry("completed", because)
        case Reopen(text, due_at, complains, category):
            if until is None or now > until:
                raise Refused("reopen_too_late", until=until)
            changed = replace(
                ticket,
                state=after,
                category=category or ticket.category,
                completed_at=None,
                completed_by=None,
                completed_because=None,
                reopened=ticket.reopened + 1,
            )
            if complains:  # what was known until now did not settle it
                changed = replace(
                    changed, active_since=now, spoke_at=now, complained_at=now, warned_at=None
                )
            if category:
                text = f"{ticket.category} -> {category} {text}".strip()
            return _promise(changed, due_at, now), Entry("reopened", text)
        case Join(other):
            if until is None or now > until:
                raise Refused("reopen_too_late", until=until)
            changed = replace(ticket, completed_by="merge", completed_because=other)
            return changed, Entry("joined", other)
        case Close():
            if until is None or now <= until:
                raise Refused("close_too_early", until=until)
            return replace(ticket, state=after), Entry("closed", "")
        case Correct(category, due_at, text):
            if category == ticket.category:
                raise Refused("same_category", category=category)
            # what is wanted now is wanted since now: older news cannot have settled it
            changed = replace(
                _quiet(ticket), state=after, category=category, active_since=now, spoke_at=now
            )
            changed = _promise(changed, due_at, now)
            return changed, Entry("corrected", f"{ticket.category} -> {category} {text}".strip())
        case Add(text):
            return replace(_quiet(ticket), state=after, spoke_at=now), Entry("added", text)
        case Tell(fact, escalates, moot):
            changed = replace(ticket, asked_fact=None) if moot else ticket
            return changed, Entry("escalated" if escalates else "informed", fact)
        case Ask(fact):
            return replace(ticket, asked_fact=fact), Entry("asked", fact)
        case Wait(None, _):
            return replace(ticket, waits_for=None, waits_until=None), Entry("waits_no_more", "")
        case Wait(fact, until):
            return replace(ticket, waits_for=fact, waits_until=until), Entry("waits", fact or "")
        case Deny():
            asked = ticket.asked_fact or ""
            return replace(_quiet(ticket), spoke_at=now), Entry("not_settled", asked)
        case Watch("called"):
            return replace(ticket, called_at=now), Entry("called", "")
        case Watch("broken"):
            return replace(ticket, broken_at=now), Entry("overdue", "")
        case Watch(_):
            return replace(ticket, warned_at=now), Entry("legal_near", "")


def _quiet(ticket: Ticket) -> Ticket:
    """The ticket with no question open and nothing waited for."""
    return replace(ticket, asked_fact=None, waits_for=None, waits_until=None)


def _promise(ticket: Ticket, due_at: datetime, now: datetime) -> Ticket:
    """The ticket with a new promised time: its clocks begin anew."""
    return replace(ticket, due_at=due_at, promised_at=now, called_at=None, broken_at=None)
