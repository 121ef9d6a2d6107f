"""What every use case needs: the database, the job queue, the content and the clock."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.chats_first import ChatsFirst
from desk.rules.conversation import Command, Conversation, Outcome, decide
from desk.rules.dispatch_request import Ways
from desk.rules.refused import Refused
from desk.store import agents, conversations, events
from desk.store import jobs as job_names
from desk.store.content import Content
from desk.store.db import Database
from desk.store.jobs import Jobs

#: An agent counts as online this long after their page was last seen.
ONLINE_FOR = timedelta(seconds=45)


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_id(prefix: str) -> str:
    """A short unguessable id such as `c_4fQk...`; the prefix tells people what it names."""
    return f"{prefix}_{secrets.token_urlsafe(12).replace('-', 'x').replace('_', 'y')}"


@dataclass
class Desk:
    """Handed to every use case by `app.py`, which is the only place that makes one."""

    db: Database
    jobs: Jobs
    content: Content
    now: Callable[[], datetime] = field(default=utc_now)
    #: Told about every new event, for counting: in the transaction that stores it.
    on_events: Callable[[Sequence[Mapping[str, Any]]], None] = field(default=lambda stored: None)
    #: Told what became of a callback (`effects.Applied.code`), and the seconds it had waited.
    on_applied: Callable[[str, float], None] = field(default=lambda code, waited_s: None)
    #: Told how many callbacks are stored together; whether they are a flood (`edges/backlog.py`).
    floods: Callable[[int], bool] = field(default=lambda stored: False)
    #: The turns of the bot that other work gives way to.
    chats: ChatsFirst = field(default_factory=ChatsFirst)
    #: Takes the orders with a ticket that a flood speaks of, to have them applied when it is over.
    hold_back: Callable[[Sequence[str]], None] = field(default=lambda order_ids: None)
    #: Told of a code that the carrier's map does not list: its source.
    on_unknown: Callable[[str], None] = field(default=lambda source: None)
    #: Whether news goes to the merchant's own channels (`flow/outbox.py`).
    notifies: bool = False
    #: Told about every change of a delivery, for counting: its kind and what became of it.
    on_delivery: Callable[[str, str], None] = field(default=lambda kind, outcome: None)
    #: How long the words of a callback are kept (`flow/forgetting.py`); None = for ever.
    keeps_bodies: timedelta | None = None
    #: Whether tracking pushes are asked for (`flow/subscribing.py`).
    subscribes: bool = False
    #: The address at which customers reach this desk.
    base_url: str = ""
    #: Who takes tickets that need the carrier (`flow/dispatching.py`).
    ways: Ways = field(default_factory=Ways)

    def say(self, name: str, lang: str, /, **values: object) -> str:
        """A sentence of domain.yml."""
        return self.content.sentences.say(name, lang, **values)

    def human_choice(self, lang: str) -> dict[str, str]:
        """The choice that is on every message while the bot owns the conversation."""
        return {"id": "human", "label": self.say("utter_human_choice", lang)}

    async def must_lock(self, tx: AsyncConnection, conversation_id: str) -> Conversation:
        """Load a conversation under lock.

        Raises:
            Refused: `not_found`.
        """
        conversation = await conversations.lock(tx, conversation_id)
        if conversation is None:
            raise Refused("not_found", what="conversation")
        return conversation

    async def carry_out(
        self, tx: AsyncConnection, conversation: Conversation, command: Command
    ) -> tuple[Conversation, list[dict[str, Any]]]:
        """Decide, then save rows, events and jobs in the caller's transaction.

        Returns:
            The conversation after the command, and the new events as JSON values.

        Raises:
            Refused: as `rules.conversation.decide`.
        """
        now = self.now()
        outcome: Outcome = decide(conversation, command, now)
        after = outcome.conversation
        stored = await events.append(tx, after.id, conversation.last_seq, outcome.events, now)
        after = replace(after, last_seq=conversation.last_seq + len(stored))
        await conversations.save(tx, conversation, after)
        self.on_events(stored)
        if outcome.ask_bot:
            await self.jobs.defer(tx, job_names.ASK_BOT, lock=after.id, conversation_id=after.id)
        return after, stored

    async def queue_info(self, tx: AsyncConnection, conversation: Conversation) -> dict[str, Any]:
        """The conversation's place in the queue (or the one it would get), and the wait.

        Returns:
            `{"position", "wait_s"}`, or `{"position", "promised_at"}` when nobody is on duty.
        """
        now = self.now()
        position = await conversations.position(tx, conversation)
        online = await agents.online(tx, now - ONLINE_FOR)
        if online == 0 and not self.content.service.is_open(now):
            promised = self.content.service.promised_answer(now)
            return {"position": position, "promised_at": promised.isoformat()}
        return {"position": position, "wait_s": self.content.service.wait_s(position, online)}
