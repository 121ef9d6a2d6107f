"""The conversation: who owns it, and what each command does to it.

`decide` is pure: conversation + command + time -> the new conversation, the events for the log and
the jobs to defer. The status machine is the table ARROWS; `tests/unit/desk/test_conversation.py`
walks its full matrix, and a database constraint repeats its invariants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from desk.rules.refused import Refused

Owner = Literal["bot", "queue", "agent"]
OWNERS: tuple[Owner, ...] = ("bot", "queue", "agent")
HANDOVER_REASONS = (
    "asked",  # the customer asked for a person
    "not_understood",  # twice not understood
    "bot_uncertain",  # the review found a person cheaper than a guess
    "ticket_failed",  # the bot wanted a ticket and could not have it
    "bot_failed",  # Rasa or the action server answered with an error, or not at all
    "bot_silent",  # Rasa answered with nothing
    "bot_slow",  # no answer within the promised time
    "agent_left",  # the agent's page is gone and the customer waits
    "escalated",  # news from the carrier needs a person
    "released",  # the agent put the conversation back into the queue
    "dispatch_failed",  # a ticket could not be brought to the carrier
    "promise_due",  # a ticket's promised time is near or over, or the law's is near
)


@dataclass(frozen=True)
class Conversation:
    """The one thread between a customer and the desk about an order."""

    id: str
    order_id: str
    customer_id: str
    lang: str = "zh"
    owner: Owner = "bot"
    #: Grows with each change of owner; a write by the bot names the epoch it was made for.
    epoch: int = 1
    agent_id: str | None = None
    agent_name: str | None = None
    #: The category ticked by the customer for the request now under review.
    stated: str | None = None
    #: Since when the customer waits for a person; kept when an agent puts the conversation back.
    waiting_since: datetime | None = None
    handover_reason: str | None = None
    handover_summary: str | None = None
    #: First customer message the bot has not answered, while the bot owns the conversation.
    unanswered_since: datetime | None = None
    #: Last customer event the bot has answered.
    answered_seq: int = 0
    #: Last customer event of the question the bot is busy with: asking again after a crash is
    #: asking the same. Of no meaning once answered.
    asked_seq: int | None = None
    #: Last customer message no agent has answered, while an agent owns the conversation.
    agent_owes_since: datetime | None = None
    #: Choice ids offered in the present epoch.
    offered: tuple[str, ...] = ()
    #: A new Rasa tracker is begun with each visit (give-back), so that no old question lingers.
    visit: int = 1
    last_seq: int = 0


@dataclass(frozen=True)
class Event:
    """One line for the append-only log; the store gives it its sequence number and time."""

    kind: Literal["message", "owner", "ticket", "note"]
    author: Literal["customer", "bot", "agent", "system"]
    body: Mapping[str, Any] = field(default_factory=dict)
    client_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a command leads to: the state after it, events in order, whether the bot is asked."""

    conversation: Conversation
    events: tuple[Event, ...] = ()
    ask_bot: bool = False


# --- commands ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Say:
    """The customer writes; `category` when one was ticked with this message."""

    text: str
    client_id: str
    category: str | None = None
    #: The text asks for a person in so many words (`rules/human_words.py`).
    asks_person: bool = False


@dataclass(frozen=True)
class Choose:
    """The customer taps one of the offered choices; `label` is what they saw on it."""

    choice: str
    label: str
    client_id: str


@dataclass(frozen=True)
class Tick:
    """The customer ticks a category without writing yet."""

    category: str


@dataclass(frozen=True)
class HandOver:
    """Bot -> queue. `notice` is what the customer reads; `queue` their place in it."""

    reason: str
    summary: str
    notice: str
    queue: Mapping[str, Any]
    #: The epoch the bot acted in; None for the customer's own request and the desk's timers.
    epoch: int | None = None


@dataclass(frozen=True)
class BotReply:
    """What the bot answered to all customer events up to `answered_seq`."""

    messages: tuple[Mapping[str, Any], ...]
    answered_seq: int
    epoch: int
    #: When the first customer message after `answered_seq` came, if there is one already.
    still_unanswered_since: datetime | None = None


@dataclass(frozen=True)
class Claim:
    agent_id: str
    agent_name: str
    notice: str


@dataclass(frozen=True)
class Release:
    """The agent gives the conversation back: to the queue or to the bot."""

    agent_id: str
    to: Literal["queue", "bot"]
    notice: str
    reason: str = "released"
    queue: Mapping[str, Any] = field(default_factory=dict)
    #: A supervisor, or the desk itself when the agent is gone, may release for somebody else.
    forced: bool = False
    #: Offered with the notice when the bot has the conversation again.
    choices: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class AgentSay:
    agent_id: str
    text: str
    client_id: str


@dataclass(frozen=True)
class AgentNote:
    agent_id: str
    agent_name: str
    text: str
    client_id: str


@dataclass(frozen=True)
class DeskNote:
    """The desk itself notes something for agents; `body` says what, in data."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class News:
    """Something about a ticket for the log: a `ticket` event and the sentence that explains it."""

    ticket: Mapping[str, Any]
    text: str | None = None
    #: Offered with the text while the bot owns the conversation: the way to a person.
    choices: tuple[Mapping[str, str], ...] = ()
    #: The epoch the bot acted in, when the bot caused it.
    epoch: int | None = None
    #: The request is settled: the ticked category has been used up.
    settles_request: bool = False


Command = (
    Say
    | Choose
    | Tick
    | HandOver
    | BotReply
    | Claim
    | Release
    | AgentSay
    | AgentNote
    | DeskNote
    | News
)

#: (owner, command) -> owner after it. What is not here is refused.
ARROWS: dict[tuple[Owner, str], Owner] = {
    ("bot", "Say"): "bot",
    ("queue", "Say"): "queue",
    ("agent", "Say"): "agent",
    ("bot", "Choose"): "bot",
    ("bot", "Tick"): "bot",
    ("queue", "Tick"): "queue",
    ("agent", "Tick"): "agent",
    ("bot", "HandOver"): "queue",
    ("queue", "HandOver"): "queue",
    ("agent", "HandOver"): "agent",
    ("bot", "BotReply"): "bot",
    ("bot", "Claim"): "agent",
    ("queue", "Claim"): "agent",
    ("agent", "Claim"): "agent",
    ("agent", "ReleaseToQueue"): "queue",
    ("agent", "ReleaseToBot"): "bot",
    ("agent", "AgentSay"): "agent",
    ("bot", "AgentNote"): "bot",
    ("queue", "AgentNote"): "queue",
    ("agent", "AgentNote"): "agent",
    ("bot", "DeskNote"): "bot",
    ("queue", "DeskNote"): "queue",
    ("agent", "DeskNote"): "agent",
    ("bot", "News"): "bot",
    ("queue", "News"): "queue",
    ("agent", "News"): "agent",
}
COMMANDS = tuple(sorted({name for _, name in ARROWS}))


def command_name(command: Command) -> str:
    """The name under which ARROWS knows a command."""
    if isinstance(command, Release):
        return "ReleaseToBot" if command.to == "bot" else "ReleaseToQueue"
    return type(command).__name__


def decide(conversation: Conversation, command: Command, now: datetime) -> Outcome:
    """What `command` does to `conversation` at time `now` (aware UTC).

    Raises:
        Refused: `stale_epoch` (a bot write for an earlier owner), `wrong_owner`,
            `already_claimed`, `not_your_conversation`, `choice_not_offered`.
    """
    epoch = getattr(command, "epoch", None)
    if epoch is not None and epoch != conversation.epoch:
        raise Refused("stale_epoch", expected=conversation.epoch, got=epoch)
    name = command_name(command)
    if (conversation.owner, name) not in ARROWS:
        if name == "AgentSay" or name.startswith("Release"):
            raise Refused("not_your_conversation", owner=conversation.owner)
        if name == "BotReply":
            raise Refused("stale_epoch", expected=conversation.epoch, got=epoch)
        raise Refused("wrong_owner", owner=conversation.owner, command=name)
    match command:
        case Say():
            return _say(conversation, command, now)
        case Choose():
            return _choose(conversation, command, now)
        case Tick():
            return Outcome(replace(conversation, stated=command.category))
        case HandOver():
            return _hand_over(conversation, command, now)
        case BotReply():
            return _bot_reply(conversation, command)
        case Claim():
            return _claim(conversation, command, now)
        case Release():
            return _release(conversation, command, now)
        case AgentSay():
            return _agent_say(conversation, command)
        case AgentNote():
            body = {"text": command.text, "agent": command.agent_name}
            return Outcome(
                conversation, (Event("note", "agent", body, client_id=command.client_id),)
            )
        case DeskNote():
            return Outcome(conversation, (Event("note", "system", command.body),))
        case News():
            return _news(conversation, command)


def _say(c: Conversation, command: Say, now: datetime) -> Outcome:
    body: dict[str, Any] = {"text": command.text}
    if command.category:
        body["category"] = command.category
    event = Event("message", "customer", body, client_id=command.client_id)
    c = replace(c, stated=command.category or c.stated)
    return _customer_spoke(c, event, now, ask_bot=not command.asks_person)


def _choose(c: Conversation, command: Choose, now: datetime) -> Outcome:
    if command.choice not in c.offered:
        raise Refused("choice_not_offered", choice=command.choice, offered=", ".join(c.offered))
    body = {"text": command.label, "choice": command.choice}
    event = Event("message", "customer", body, client_id=command.client_id)
    return _customer_spoke(c, event, now, ask_bot=True)


def _customer_spoke(c: Conversation, event: Event, now: datetime, *, ask_bot: bool) -> Outcome:
    if c.owner == "bot":
        if not ask_bot:  # the desk itself answers, by handing over in the same transaction
            return Outcome(c, (event,))
        return Outcome(
            replace(c, unanswered_since=c.unanswered_since or now), (event,), ask_bot=True
        )
    if c.owner == "agent":
        c = replace(c, agent_owes_since=c.agent_owes_since or now)
    return Outcome(c, (event,))


def _hand_over(c: Conversation, command: HandOver, now: datetime) -> Outcome:
    if c.owner != "bot":  # a person has it already, or is on the way: ten taps are one handover
        return Outcome(c)
    if command.reason not in HANDOVER_REASONS:
        raise Refused("unknown_reason", reason=command.reason)
    changed = replace(
        c,
        owner="queue",
        epoch=c.epoch + 1,
        waiting_since=c.waiting_since or now,
        handover_reason=command.reason,
        handover_summary=command.summary,
        unanswered_since=None,
        offered=(),
    )
    owner = Event(
        "owner",
        "system",
        {"owner": "queue", "queue": dict(command.queue), "reason": command.reason},
    )
    return Outcome(changed, (owner, Event("message", "system", {"text": command.notice})))


def _bot_reply(c: Conversation, command: BotReply) -> Outcome:
    if command.answered_seq <= c.answered_seq:  # the same turn, finished twice after a crash
        return Outcome(c)
    offered = list(c.offered)
    events = []
    for message in command.messages:
        choices = [dict(choice) for choice in message.get("choices", ())]
        events.append(
            Event("message", "bot", {"text": message["text"], "choices": choices}),
        )
        offered.extend(choice["id"] for choice in choices if choice["id"] not in offered)
    changed = replace(
        c,
        answered_seq=command.answered_seq,
        asked_seq=None,
        offered=tuple(offered),
        unanswered_since=command.still_unanswered_since,
    )
    return Outcome(changed, tuple(events))


def _claim(c: Conversation, command: Claim, now: datetime) -> Outcome:
    if c.owner == "agent":
        if c.agent_id == command.agent_id:
            return Outcome(c)
        raise Refused("already_claimed", agent=c.agent_name)
    changed = replace(
        c,
        owner="agent",
        epoch=c.epoch + 1,
        agent_id=command.agent_id,
        agent_name=command.agent_name,
        waiting_since=c.waiting_since or now,
        unanswered_since=None,
        agent_owes_since=now,
        offered=(),
    )
    owner = Event("owner", "system", {"owner": "agent", "agent": command.agent_name})
    return Outcome(changed, (owner, Event("message", "system", {"text": command.notice})))


def _release(c: Conversation, command: Release, now: datetime) -> Outcome:
    if c.agent_id != command.agent_id and not command.forced:
        raise Refused("not_your_conversation", owner=c.agent_name)
    notice: dict[str, Any] = {"text": command.notice}
    common: dict[str, Any] = {
        "epoch": c.epoch + 1,
        "agent_id": None,
        "agent_name": None,
        "agent_owes_since": None,
        "offered": (),
    }
    if command.to == "bot":
        changed = replace(
            c,
            owner="bot",
            waiting_since=None,
            handover_reason=None,
            handover_summary=None,
            stated=None,
            answered_seq=c.last_seq,
            visit=c.visit + 1,
            **common,
        )
        owner = Event("owner", "system", {"owner": "bot"})
        notice["choices"] = [dict(choice) for choice in command.choices]
    else:
        changed = replace(
            c,
            owner="queue",
            handover_reason=command.reason,
            # The waiting clock is never reset: whoever was let down comes first again.
            waiting_since=c.waiting_since or now,
            **common,
        )
        owner = Event(
            "owner",
            "system",
            {"owner": "queue", "queue": dict(command.queue), "reason": command.reason},
        )
    return Outcome(changed, (owner, Event("message", "system", notice)))


def _agent_say(c: Conversation, command: AgentSay) -> Outcome:
    if c.agent_id != command.agent_id:
        raise Refused("not_your_conversation", owner=c.agent_name)
    event = Event(
        "message",
        "agent",
        {"text": command.text, "agent": c.agent_name},
        client_id=command.client_id,
    )
    return Outcome(replace(c, agent_owes_since=None), (event,))


def _news(c: Conversation, command: News) -> Outcome:
    events = [Event("ticket", "system", {"ticket": dict(command.ticket)})]
    if command.text:
        body: dict[str, Any] = {"text": command.text}
        if c.owner == "bot":
            body["choices"] = [dict(choice) for choice in command.choices]
        events.append(Event("message", "system", body))
    if command.settles_request:
        c = replace(c, stated=None)
    return Outcome(c, tuple(events))
