"""Acting a history out: the real flow functions on a real database, with a clock of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import procrastinate

from desk.flow import bot, callbacks, customer, orders
from desk.flow.agent import Agent, agent_opens_ticket, resolve_ticket
from desk.flow.backlog import work_off
from desk.flow.desk import Desk
from desk.store import conversations
from desk.store import tickets as ticket_store
from desk.store.tables import tickets as ticket_table
from tests.integration.history_bodies import body_of
from tests.integration.history_end import end_of, log_of, misses
from tests.integration.history_files import CALLBACKS, History, expectations, kind_of
from tests.integration.history_jobs import run_jobs, strike

#: Hour 0 of every history: a Tuesday, ten in the morning in Shanghai.
OPENED = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
#: When the merchant's system has told the order.
TOLD_AT = -24.0
AGENT = Agent("a_lin", "小林", "agent")


class Clock:
    """The desk's clock, set by hand; every history is acted out by the same desk."""

    def __init__(self) -> None:
        self.hour = 0.0

    def now(self) -> datetime:
        return at(self.hour)


def at(hour: float) -> datetime:
    return OPENED + timedelta(hours=hour)


@dataclass
class World:
    """One history being acted out."""

    desk: Desk
    clock: Clock
    app: procrastinate.App
    history: History
    number: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    conversation: str = ""
    #: Category it was opened with -> ticket id.
    tickets: dict[str, str] = field(default_factory=dict)
    #: What happened, for a person to read.
    lines: list[str] = field(default_factory=list)
    #: Expectations along the way that were not met.
    misses: list[str] = field(default_factory=list)

    @property
    def order(self) -> dict[str, Any]:
        return {
            "id": f"o-{self.number}",
            "carrier_number": f"K{self.number}",
            "carrier": "yuantong",
            "waybill": f"YT{self.number}",
            "consumer": bool(self.history.order.get("consumer")),
        }

    @property
    def customer(self) -> str:
        return f"cust-{self.number}"

    async def act(self, steps: list[Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Act all steps out; returns how it ended. `steps` replaces the history's own."""
        todo = [{"at": TOLD_AT, "merchant": {"state": self.history.order["state"]}}]
        todo += [{"at": 0, "opens": category} for category in self.history.tickets]
        todo += steps if steps is not None else self.history.steps
        try:
            for step in sorted(todo, key=lambda step: step["at"]):  # stable: told, opened, then
                if step["at"] > self.clock.hour and self.tickets:
                    self.clock.hour = step["at"]
                    await self.pass_time()
                self.clock.hour = step["at"]
                await self.do(step)
                await self.work()
            await self.pass_time()
            while (until := await self._waits_until()) is not None:
                self.clock.hour = max(self.clock.hour, until) + 0.001
                self._note("time passes until a fact has stood long enough")
                await self.pass_time()
            return await self.end()
        finally:
            await self._forget()

    async def do(self, step: Mapping[str, Any]) -> None:
        kind = kind_of(step)
        self._note(json.dumps({k: v for k, v in step.items() if k != "at"}, ensure_ascii=False))
        if kind in CALLBACKS:
            await self._callback(step)
        elif kind == "merchant":
            await self._tell_order(step["merchant"]["state"])
        elif kind == "opens":
            await self._open(step["opens"])
        elif kind == "customer":
            await self._customer(step["customer"], self._ticket(step))
        elif kind == "agent":
            await resolve_ticket(self.desk, AGENT, self._ticket(step), "已处理")
        elif kind == "expect":
            ended = await self.end()
            for category, expect in expectations(step, self.tickets).items():
                for miss in misses(expect, ended, category):
                    self.misses.append(f"at hour {step['at']:g}: {miss}")

    def _ticket(self, step: Mapping[str, Any]) -> str:
        return self.tickets[step.get("ticket") or self.history.tickets[0]]

    async def _tell_order(self, state: str) -> None:
        order = self.order
        values = {
            "customer_id": self.customer,
            "carrier": order["carrier"],
            "waybill": order["waybill"] if self.history.order.get("waybill", True) else None,
            "carrier_order_id": order["carrier_number"],
            "state": state,
            "fees": self.history.order.get("fees", []),
            "details": {},
        }
        await orders.put_order(self.desk, order["id"], values)

    async def _callback(self, step: Mapping[str, Any]) -> None:
        source, body = step.get("body") or body_of(step, self.order, at)
        if not await callbacks.keep(self.desk, source, body):
            self._note("  the same callback was kept before")

    async def _open(self, category: str) -> None:
        if not self.conversation:
            opened, _ = await customer.open_conversation(
                self.desk, self.customer, self.order["id"], "zh", None, None, "open"
            )
            self.conversation = opened.id
        self.tickets[category] = await self._ask_for(category, len(self.tickets))

    async def _ask_for(self, category: str, key: object) -> str:
        """A ticket through the bot's door; through the agent's, where a person is in charge."""
        async with self.desk.db.begin() as tx:
            held = await conversations.get(tx, self.conversation)
        assert held is not None
        words = "麻烦处理一下"
        if held.owner == "bot":
            request = {
                "conversation_id": held.id,
                "epoch": held.epoch,
                "category": category,
                "text": words,
                "idempotency_key": f"{held.id}:{key}",
            }
            made = await bot.bot_opens_ticket(self.desk, request)
        else:
            made = await agent_opens_ticket(
                self.desk, AGENT, held.id, category, words, client_id=f"{key}"
            )
        return str(made["ticket"]["id"])

    async def _customer(self, does: Any, ticket_id: str) -> None:
        if isinstance(does, dict):
            said = does["says"]
            await customer.say(self.desk, self.customer, self.conversation, said, uuid.uuid4().hex)
            await bot.run_turns(self.desk, _polite, self.conversation)
        elif does == "adds":
            async with self.desk.db.begin() as tx:
                ticket = await ticket_store.get(tx, ticket_id)
            await self._ask_for(ticket.category, uuid.uuid4().hex)
        elif does == "reopens":
            await customer.reopen_ticket(self.desk, self.customer, ticket_id)
        else:
            await customer.settle_ticket(self.desk, self.customer, ticket_id, does == "settled")

    # --- time ---------------------------------------------------------------------------------

    async def pass_time(self) -> None:
        """Every timer of the desk strikes, and what follows is done."""
        await strike(self.app, self.desk)
        await self.work()

    async def work(self) -> None:
        """Do what is due now: this history's jobs, and the background work."""
        names = [self.number, *([self.conversation] if self.conversation else [])]
        for job in await run_jobs(self.app, self.desk, [*names, *self.tickets.values()]):
            self._note(f"  job {job}")
        while await work_off(self.desk):
            pass

    async def _waits_until(self) -> float | None:
        """The hour until which a ticket waits for a fact to stand; None when none does."""
        async with self.desk.db.begin() as tx:
            found = [await ticket_store.get(tx, one) for one in self.tickets.values()]
        waits = [t.waits_until for t in found if t is not None and t.waits_until is not None]
        if not waits:
            return None
        return (min(waits) - OPENED) / timedelta(hours=1)

    async def _forget(self) -> None:
        """Take the tickets out of the timers' sight: later histories have clocks of their own."""
        async with self.desk.db.begin() as tx:
            await tx.execute(
                ticket_table.update()
                .where(ticket_table.c.order_id == self.order["id"])
                .values(
                    state="closed", waits_for=None, waits_until=None,
                    completed_at=at(0), completed_by="agent", completed_because="over",
                )
            )  # fmt: skip

    # --- looking ------------------------------------------------------------------------------

    async def end(self) -> dict[str, Any]:
        """How things stand now."""
        return await end_of(self.desk, self.order["id"], self.conversation, self.tickets)

    async def report(self) -> str:
        """Everything about the history, for a person to read."""
        return await log_of(
            self.desk, self.order["id"], self.conversation, self.tickets, self.lines, OPENED
        )

    def _note(self, words: str) -> None:
        self.lines.append(f"{self.clock.hour:8.2f} h  {words}")


async def _polite(request: Any) -> list[dict[str, Any]]:
    """A bot that acknowledges and does nothing."""
    return [{"text": "好的", "choices": []}]


def on_clock(desk: Desk, clock: Clock) -> Desk:
    """The desk with another clock."""
    return replace(desk, now=clock.now)
