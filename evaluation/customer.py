"""One simulated customer living through one case."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.api import ApiError, Desk, Visitor
from evaluation.cases import NO_TICKET, Case
from evaluation.policy import Reply, correction, offered, reply
from evaluation.record import Record, Turn

MAX_TURNS = 5


@dataclass(frozen=True)
class Temper:
    """How the customers are. Times in seconds.

    silence_s: nothing at all was said for so long: they are left alone.
    pause_s: something was said that gives them nothing to tap; they wait so long for more.
    settle_s: they read so long after the last line before they tap.
    confirm_s: a ticket appeared; they wait so long for the sentence that tells them.
    slip: chance of tapping a wrong category. corrects: they say so when the ticket is wrong.
    """

    silence_s: float = 20.0
    pause_s: float = 6.0
    settle_s: float = 0.5
    confirm_s: float = 3.0
    slip: float = 0.0
    corrects: bool = False
    seed: int = 1


class Customer:
    """A person with one need, one order and one conversation.

    Args:
        desk: the customer API.
        case: who they are.
        labels: category id -> its name in the menu.
        temper: how they behave.
    """

    def __init__(self, desk: Desk, case: Case, labels: Mapping[str, str], temper: Temper) -> None:
        self._desk = desk
        self._case = case
        self._labels = labels
        self._temper = temper
        self._dice = random.Random(f"{temper.seed}:{case.id}")
        self._record = Record(case)
        self._inbox: asyncio.Queue[tuple[float, dict[str, Any]] | ApiError] = asyncio.Queue()
        self._began = 0.0
        self._said_again = False

    async def live(self) -> Record:
        """Go through the case. A failing desk ends up in `error`, never as an exception."""
        self._began = time.monotonic()
        listener: asyncio.Task[None] | None = None
        try:
            visitor = await self._arrive()
            turn = self._begin_turn("text", self._case.message)
            await visitor.open(self._case.stated, self._case.message, self._client_id())
            self._record.conversation = visitor.conversation
            listener = asyncio.create_task(self._listen(visitor))
            while True:
                await self._read(turn)
                move = self._next_move(turn)
                if move is None:
                    break
                if move.kind == "stop" or len(self._record.turns) >= MAX_TURNS:
                    self._record.gave_up = True
                    # Somebody may still come: a person, late but not never.
                    await self._read(turn, until_silence=True)
                    break
                turn = await self._act(visitor, move)
            await self._look_at_ticket(visitor)
        except ApiError as error:
            self._record.error = str(error)
        finally:
            if listener is not None:
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener
        return self._record

    async def _arrive(self) -> Visitor:
        """A fresh customer with a fresh order in the case's state."""
        name = f"eval-{uuid.uuid4().hex[:12]}"
        order = {
            "customer": name,
            "carrier": "shunfeng",
            "waybill": f"EV{uuid.uuid4().hex[:14].upper()}",
            "state": self._case.order_status,
            "fees": [{"kind": "freight", "amount": 18.0, "paid": True}],
        }
        await self._desk.put_order(name, order)
        return await self._desk.sign_in(name, name, self._case.language)

    def _next_move(self, turn: Turn) -> Reply | None:
        """None when the case is over."""
        kinds = {(event.get("kind"), event.get("owner")) for event in turn.events}
        if kinds & {("owner", "queue"), ("owner", "agent")} or self._case.true in NO_TICKET:
            return None
        tickets = self._tickets()
        if not tickets:
            return self._answer(turn)
        slipped = any(one.slipped for one in self._record.turns)
        wrong = tickets[-1]["category"] != self._case.true
        if not wrong or not (slipped or self._temper.corrects):
            return None
        if any(event.get("kind") == "ticket" for event in turn.events):
            move = correction(turn.events)
        else:
            move = self._answer(turn)
        return None if move.kind != "tap" or len(self._record.turns) >= MAX_TURNS else move

    def _answer(self, turn: Turn) -> Reply:
        once = self._temper.slip if not any(one.slipped for one in self._record.turns) else 0.0
        return reply(
            self._case,
            turn.events,
            self._labels,
            said_again=self._said_again,
            slip=once,
            dice=self._dice,
        )

    async def _act(self, visitor: Visitor, move: Reply) -> Turn:
        if move.kind == "tap":
            turn = self._begin_turn("tap", move.choice, move.slipped)
            await visitor.tap(move.choice, self._client_id())
        else:
            self._said_again = True
            turn = self._begin_turn("text", self._case.message)
            await visitor.write(self._case.message, self._client_id())
        return turn

    def _begin_turn(self, kind: str, value: str, slipped: bool = False) -> Turn:
        turn = Turn(kind, value, time.monotonic() - self._began, slipped)
        self._record.turns.append(turn)
        return turn

    async def _listen(self, visitor: Visitor) -> None:
        """Long-poll the log for as long as the case lasts."""
        after = 0
        while True:
            try:
                events = await visitor.events(after)
            except ApiError as error:
                await self._inbox.put(error)
                return
            for event in events:
                after = max(after, int(event["seq"]))
                await self._inbox.put((time.monotonic() - self._began, event))

    async def _read(self, turn: Turn, until_silence: bool = False) -> None:
        """Take in what the desk writes until the customer would act.

        Raises:
            ApiError: the log cannot be read any more.
        """
        while True:
            wait = self._temper.silence_s if until_silence else self._wait(turn)
            try:
                item = await asyncio.wait_for(self._inbox.get(), wait)
            except TimeoutError:
                return
            if isinstance(item, ApiError):
                raise item
            turn.heard.append(item)

    def _wait(self, turn: Turn) -> float:
        """How long the customer waits for another line, seconds."""
        spoken = [event for event in turn.events if event.get("author") != "customer"]
        handed = any(event.get("owner") in ("queue", "agent") for event in spoken)
        if not any(event.get("kind") in ("message", "ticket") for event in spoken):
            return self._temper.confirm_s if handed else self._temper.silence_s
        places = [i for i, event in enumerate(spoken) if event.get("kind") == "ticket"]
        if places:
            told = any(e.get("kind") == "message" for e in spoken[places[-1] :])
            return self._temper.settle_s if told else self._temper.confirm_s
        if handed or set(offered(spoken)) - {"human"}:
            return self._temper.settle_s
        return self._temper.pause_s

    async def _look_at_ticket(self, visitor: Visitor) -> None:
        tickets = self._tickets()
        if tickets and self._case.in_scope:
            self._record.ticket = await visitor.ticket(tickets[-1]["id"])

    def _tickets(self) -> list[dict[str, Any]]:
        """Every change of a ticket that the customer was told, oldest first."""
        return [e["ticket"] for _, e in self._record.heard() if e.get("kind") == "ticket"]

    @staticmethod
    def _client_id() -> str:
        return uuid.uuid4().hex
