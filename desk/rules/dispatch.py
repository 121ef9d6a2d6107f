"""A dispatch: one thing told to a carrier's platform or a merchant's system, once in effect.

Each round of a ticket (opened, corrected, reopened) is one dispatch; what the customer adds later
goes out as further parts of the round. A request whose fate is not known is `unknown`: it is
looked up, heard of by a callback, or left to a person, and sent again only where the other side
knows a repetition by its id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from desk.rules.refused import Refused

State = Literal["waiting", "sending", "unknown", "accepted", "refused", "answered", "given_up"]
STATES: tuple[State, ...] = (
    "waiting",
    "sending",
    "unknown",
    "accepted",
    "refused",
    "answered",
    "given_up",
)
#: The other side has it.
THERE: tuple[State, ...] = ("accepted", "answered")
#: Nothing more happens by itself: an agent says what to do.
STUCK: tuple[State, ...] = ("unknown", "refused", "given_up")

#: A call that has not been written down as ended after so long has been lost with its process.
CALL_LOST_AFTER = timedelta(seconds=60)
#: Waits between tries of what was certainly not received, or may safely be repeated.
RETRY_AFTER = tuple(timedelta(seconds=s) for s in (10, 30, 120, 300, 600, 1200))
#: So long it is tried, or waited for news of an unknown one; then it is a person's.
GIVE_UP_AFTER = timedelta(hours=2)
UNKNOWN_FOR = timedelta(minutes=30)
#: When a lost addition is looked up, and again after so long while the other side cannot say.
LOOK_UP_AFTER = timedelta(minutes=1)
#: How long after the last news an accepted dispatch is asked about, and until when.
ASK_AFTER = tuple(timedelta(hours=h) for h in (1, 3, 6, 12))
ASK_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Dispatch:
    """One request to the other side."""

    id: str
    ticket_id: str
    round: int
    via: str
    request: Mapping[str, Any]
    created_at: datetime
    #: 0 = the ticket itself; 1, 2, ... = what the customer added later.
    part: int = 0
    state: State = "waiting"
    #: What the other side calls it.
    remote_id: str | None = None
    #: `why` = what went wrong last, and `lost` whether it may have been received all the same;
    #: `status` = what the other side called its state last; `asked` = how often it was asked.
    answer: Mapping[str, Any] = field(default_factory=dict)
    tries: int = 0
    sent_at: datetime | None = None
    updated_at: datetime | None = None
    #: When the next step is due; None = none.
    next_at: datetime | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the other side takes a repetition for what it is: the signed webhook's id."""
        return self.via == "webhook"

    @property
    def why(self) -> str:
        """What went wrong last; empty when nothing did."""
        return str(self.answer.get("why") or "")


@dataclass(frozen=True)
class Send:
    """It is about to be sent: written down before the call."""


@dataclass(frozen=True)
class Accept:
    """The other side has it, and calls it `remote_id` (None when it did not say)."""

    remote_id: str | None = None


@dataclass(frozen=True)
class Refuse:
    """A clear no."""

    why: str


@dataclass(frozen=True)
class Lose:
    """It may have been received: no answer in time, or the process died."""

    why: str


@dataclass(frozen=True)
class Fail:
    """Certainly not received; `retry_at` when the other side or our limit named a time."""

    why: str
    retry_at: datetime | None = None


@dataclass(frozen=True)
class Absent:
    """Looked for where it would be listed, and it is not there."""


@dataclass(frozen=True)
class Hear:
    """The other side wrote something: it has it. `remote_id` counts where none is known yet."""

    remote_id: str | None = None


@dataclass(frozen=True)
class Answer:
    """The other side reported a result. `remote_id` counts where none is known yet."""

    remote_id: str | None = None


@dataclass(frozen=True)
class GiveUp:
    """The desk does nothing more by itself."""

    why: str


Command = Send | Accept | Refuse | Lose | Fail | Absent | Hear | Answer | GiveUp
COMMANDS = ("Send", "Accept", "Refuse", "Lose", "Fail", "Absent", "Hear", "Answer", "GiveUp")

#: (state, command) -> state after it. What is not here is refused. Word from the other side counts
#: in every state: it may come before its own acceptance, and long after we gave up.
ARROWS: dict[tuple[State, str], State] = {
    ("waiting", "Send"): "sending",
    ("waiting", "GiveUp"): "given_up",
    ("sending", "Refuse"): "refused",
    ("sending", "Lose"): "unknown",
    ("sending", "Fail"): "waiting",
    ("unknown", "Send"): "sending",  # only where a repetition is known by its id
    ("unknown", "Absent"): "waiting",  # only what the other side lists
    ("unknown", "Refuse"): "refused",
    ("unknown", "GiveUp"): "given_up",
    ("accepted", "Refuse"): "refused",  # taken at first, declined later
    ("refused", "Refuse"): "refused",
    ("given_up", "Refuse"): "refused",
    **{(state, "Accept"): "accepted" for state in STATES if state != "answered"},
    **{(state, "Hear"): "accepted" for state in STATES if state != "answered"},
    **{(state, "Answer"): "answered" for state in STATES},
    ("answered", "Accept"): "answered",
    ("answered", "Hear"): "answered",
}


def decide(before: Dispatch, command: Command, now: datetime) -> Dispatch:
    """The dispatch after `command` at `now` (aware UTC), with the time of its next step.

    Raises:
        Refused: `dispatch_state` (no such arrow, or a repetition that might do its work twice).
    """
    name = type(command).__name__
    after = ARROWS.get((before.state, name))
    # the platform has no list of tickets: "not there" can be said of additions only
    blind = name == "Send" and before.state == "unknown" and not before.repeatable
    if after is None or blind or (name == "Absent" and before.part == 0):
        raise Refused("dispatch_state", state=before.state, command=name.lower())
    changed = replace(before, state=after, updated_at=now)
    match command:
        case Send():
            changed = replace(changed, tries=before.tries + 1, sent_at=now)
        case Accept(remote_id) | Hear(remote_id) | Answer(remote_id):
            answer = {k: v for k, v in before.answer.items() if k not in ("why", "lost", "asked")}
            known = before.remote_id
            # the number is what it was accepted under; later words may carry numbers of their own
            number = remote_id or known if isinstance(command, Accept) else known or remote_id
            changed = replace(changed, remote_id=number, answer=answer)
        case Lose(why) | Fail(why):
            lost = isinstance(command, Lose)
            changed = replace(changed, answer={**before.answer, "why": why, "lost": lost})
        case Refuse(why) | GiveUp(why):
            changed = replace(changed, answer={**before.answer, "why": why})
        case Absent():
            pass
    asked_for = command.retry_at if isinstance(command, Fail) else None
    return replace(changed, next_at=asked_for or next_step(changed, now))


def next_step(dispatch: Dispatch, now: datetime) -> datetime | None:
    """When something is to be done about it next; None = only word from outside moves it."""
    match dispatch.state:
        case "sending":
            return now + CALL_LOST_AFTER
        case "waiting":
            return now + pause(dispatch.tries)
        case "unknown" if dispatch.repeatable:
            return now + pause(dispatch.tries)
        case "unknown" if dispatch.part:
            return now + LOOK_UP_AFTER
        case "unknown":
            return (dispatch.sent_at or now) + UNKNOWN_FOR
        case "accepted":
            return next_question(dispatch, now)
        case _:
            return None


def pause(tries: int) -> timedelta:
    """How long to wait after so many tries; none before the first."""
    return RETRY_AFTER[min(tries, len(RETRY_AFTER)) - 1] if tries else timedelta()


def next_question(dispatch: Dispatch, now: datetime) -> datetime | None:
    """When the platform is asked for news of an accepted ticket; None = not any more.

    Only a ticket whose number there is known can be asked about; a merchant's system tells us.
    """
    if dispatch.via != "kuaidi100" or dispatch.part or not dispatch.remote_id:
        return None
    asked = int(dispatch.answer.get("asked") or 0)
    due = now + ASK_AFTER[min(asked, len(ASK_AFTER) - 1)]
    return due if due < dispatch.created_at + ASK_FOR else None


def given_up_at(dispatch: Dispatch) -> datetime:
    """Until when it is tried by itself."""
    return dispatch.created_at + GIVE_UP_AFTER
