"""What happened in one case, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from evaluation.cases import Case
from evaluation.policy import Event, offered
from evaluation.reasons import NEVER_OPENED, Reasons


@dataclass
class Turn:
    """One thing the customer did, and all the desk wrote until they acted again.

    Times are seconds since the case began, by the customer's clock. `heard` holds (time, event).
    """

    kind: str  # text | tap
    value: str
    sent_at: float
    slipped: bool = False
    heard: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events alone, oldest first."""
        return [event for _, event in self.heard]

    def reply_s(self) -> float | None:
        """Seconds from sending to the last thing the desk wrote in this turn; None: nothing."""
        times = [at for at, event in self.heard if event.get("author") != "customer"]
        return round(max(times) - self.sent_at, 3) if times else None


@dataclass
class Record:
    """A whole case as it went.

    `error` says why it could not be run to its end; `conversation` is its id once it was opened;
    `reasons` are read afterwards and no part of what the customer knew.
    """

    case: Case
    turns: list[Turn] = field(default_factory=list)
    gave_up: bool = False
    error: str = ""
    ticket: dict[str, Any] | None = None
    conversation: str = ""
    reasons: Reasons = NEVER_OPENED

    def heard(self) -> Iterator[tuple[int, Event]]:
        """(number of the turn, event) over the whole case; turns count from 1."""
        for number, turn in enumerate(self.turns, 1):
            for event in turn.events:
                yield number, event

    def to_json(self) -> dict[str, Any]:
        """Plain data: the case, every turn with its events, choices and times."""
        return {
            "case": asdict(self.case),
            "turns": [
                {
                    "kind": turn.kind,
                    "value": turn.value,
                    "slipped": turn.slipped,
                    "sent_at_s": round(turn.sent_at, 3),
                    "reply_s": turn.reply_s(),
                    "heard": [{"at_s": round(at, 3), **event} for at, event in turn.heard],
                }
                for turn in self.turns
            ],
            "gave_up": self.gave_up,
            "error": self.error,
            "ticket": self.ticket,
            "reasons": self.reasons.to_json(),
        }


@dataclass(frozen=True)
class Outcome:
    """What a case comes to. Every figure is made of these and nothing else.

    `ticket` is the first ticket's category, `final_ticket` its category at the end; `person_turn`
    the customer turn after which a person had the conversation (0: never); `tapped_human` that the
    customer asked for the person by the button; `questions` how often they had to answer before a
    ticket; `no_way_out` moments without the way to a person.
    """

    case: Case
    ticket: str | None = None
    final_ticket: str | None = None
    person_turn: int = 0
    tapped_human: bool = False
    slipped: bool = False
    questions: int = 0
    stranded: bool = False
    no_way_out: int = 0
    bot_after_person: int = 0
    replies_s: tuple[float, ...] = ()
    error: str = ""

    @property
    def person(self) -> bool:
        """A person had the conversation in the end."""
        return self.person_turn > 0

    @property
    def result(self) -> str:
        """The ticket's category, else `person`, `stranded` or `no ticket`."""
        if self.ticket:
            return self.ticket
        return "person" if self.person else "stranded" if self.stranded else "no ticket"


def judge(record: Record) -> Outcome:
    """Turn what happened into an outcome; pure."""
    tickets: list[tuple[int, str]] = []
    person_turn = bot_after_person = 0
    for number, event in record.heard():
        kind, author = event.get("kind"), event.get("author")
        if kind == "ticket" and event.get("ticket"):
            tickets.append((number, str(event["ticket"]["category"])))
        if kind == "owner" and event.get("owner") in ("queue", "agent"):
            person_turn = person_turn or number
        if author == "bot" and kind == "message":
            bot_after_person += bool(person_turn)
    ticket_turn = tickets[0][0] if tickets else 0
    replies = tuple(s for turn in record.turns if (s := turn.reply_s()) is not None)
    return Outcome(
        case=record.case,
        ticket=tickets[0][1] if tickets else None,
        final_ticket=tickets[-1][1] if tickets else None,
        person_turn=person_turn,
        tapped_human=any(turn.kind == "tap" and turn.value == "human" for turn in record.turns),
        slipped=any(turn.slipped for turn in record.turns),
        questions=max(0, (ticket_turn or person_turn or len(record.turns)) - 1),
        stranded=bool(record.error) or (not tickets and not person_turn and _stranded(record)),
        no_way_out=_no_way_out([event for _, event in record.heard()]),
        bot_after_person=bot_after_person,
        replies_s=replies,
        error=record.error,
    )


def _no_way_out(events: list[Event]) -> int:
    """Messages of a conversation the bot owns after which no way to a person is on the screen.

    On the screen are the choices of the newest message that has any; the contract is that `human`
    is always among them.
    """
    on_screen: set[str] = set()
    moments = 0
    for event in events:
        if event.get("owner") in ("queue", "agent"):
            break
        if event.get("kind") != "message" or event.get("author") == "customer":
            continue
        if event.get("choices") is not None:
            on_screen = {one["id"] for one in event["choices"]}
        moments += "human" not in on_screen
    return moments


def _stranded(record: Record) -> bool:
    """No ticket and no person: was there at least an answer, or a question left to answer?

    Small talk and what is out of scope need an answer, no more. Anybody else needs a question that
    is still open: choices besides `human`, or words that end in a question mark.
    """
    last = record.turns[-1].events if record.turns else []
    spoken = [event for event in last if event.get("author") != "customer"]
    if not spoken:
        return True
    if not record.case.in_scope and record.case.true != "human":
        return False
    if set(offered(spoken)) - {"human"}:
        return False
    text = "".join(str(event.get("text") or "") for event in spoken).rstrip()
    return not text.endswith(("?", "？"))
