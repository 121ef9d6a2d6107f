"""A desk, the stand-in for Kuaidi100 and its ticket hooks, with a clock and a worker of our own."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from sanic import Sanic
from sanic.touchup.service import TouchUp
from sqlalchemy import text

from desk.edges import http_dispatch, web
from desk.edges.kuaidi100 import Account, Kuaidi100
from desk.edges.kuaidi100_tickets import Kuaidi100Tickets
from desk.flow import customer, dispatch_agent, dispatch_steps, tickets
from desk.flow.desk import Desk
from desk.flow.dispatch_steps import Receivers
from desk.rules.categories import Categories
from desk.rules.dispatch import Dispatch
from desk.rules.dispatch_request import Ways
from desk.rules.ticket import Ticket
from desk.settings import Settings
from desk.store import dispatches, events, jobs, orders
from desk.store import tickets as ticket_store
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving
from standins.kuaidi100.signing import Account as PlatformAccount
from standins.kuaidi100.workorders import Workorder

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#: How long the platform's answer is waited for: long enough for a busy machine.
TIMEOUT_S = 4.0


class OpenGate:
    """The limits are tested elsewhere."""

    async def enter(self, service: str) -> bool:
        return False

    async def leave(self, service: str, was_failing: bool, failure: object = None) -> None:
        return None


@dataclass
class World:
    """Everything a test needs; `now` moves only when it says so."""

    desk: Desk
    platform: Platform
    receivers: Receivers
    clock: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.desk.now = lambda: self.clock

    def after(self, **time: float) -> None:
        self.clock += timedelta(**time)

    # --- tickets --------------------------------------------------------------------------------

    async def open(self, category: str = "weight_dispute", **order: Any) -> Ticket:
        """A new customer with an order and a ticket about it."""
        number = uuid.uuid4().hex[:10]
        values = {
            "customer_id": f"cust-{number}",
            "carrier": "yuantong",
            "waybill": f"YT{number}",
            "carrier_order_id": f"K{number}",
            "state": "delivered",
            "fees": [],
            "details": {"weight_kg": 2},
            **order,
        }
        async with self.desk.db.begin() as tx:
            await orders.put(tx, f"o-{number}", values, self.desk.now())
        opened, _ = await customer.open_conversation(
            self.desk, f"cust-{number}", f"o-{number}", "zh", None, None, "open"
        )
        return await self.ask(opened.id, category)

    async def ask(self, conversation_id: str, category: str, said: str = "只有两公斤") -> Ticket:
        """The bot opens a ticket in a conversation, or adds to it."""
        async with self.desk.db.begin() as tx:
            held = await self.desk.must_lock(tx, conversation_id)
            opening = tickets.Opening(category, said, "bot", uuid.uuid4().hex, held.epoch)
            return (await tickets.open_ticket(self.desk, tx, held, opening))[0]

    async def customer_of(self, ticket: Ticket) -> str:
        async with self.desk.db.begin() as tx:
            return str((await orders.get(tx, ticket.order_id)).customer_id)

    async def ticket(self, ticket: Ticket) -> Ticket:
        async with self.desk.db.begin() as tx:
            return await ticket_store.get(tx, ticket.id)

    async def kinds(self, ticket: Ticket) -> list[str]:
        async with self.desk.db.begin() as tx:
            return [line["kind"] for line in await ticket_store.entries(tx, ticket.id)]

    async def sent(self, ticket: Ticket) -> list[Dispatch]:
        async with self.desk.db.begin() as tx:
            return await dispatches.of_ticket(tx, ticket.id)

    async def states(self, ticket: Ticket) -> list[str]:
        return [dispatch.state for dispatch in await self.sent(ticket)]

    async def log(self, ticket: Ticket) -> list[dict[str, Any]]:
        async with self.desk.db.begin() as tx:
            return await events.read_after(tx, ticket.conversation_id, 0, notes=True)

    async def said(self, ticket: Ticket) -> list[str]:
        """What the desk wrote to the customer."""
        return [
            event["text"]
            for event in await self.log(ticket)
            if event["kind"] == "message" and event["author"] == "system"
        ]

    async def workorders(self, ticket: Ticket) -> list[Workorder]:
        """The tickets that the platform has for the order of ours."""
        async with self.desk.db.begin() as tx:
            order = await orders.get(tx, ticket.order_id)
        return self.platform.workorders.of(order.waybill)

    # --- jobs -----------------------------------------------------------------------------------

    async def work(self, ticket: Ticket) -> None:
        """Run the jobs that are due, each of them twice, until none is."""
        while due := await self._take_due(ticket):
            for name, arguments in due:
                for _ in range(2):
                    await self.run(name, arguments)

    async def run(self, name: str, arguments: dict[str, Any]) -> None:
        if name == jobs.STEP_DISPATCH:
            when = datetime.fromisoformat(arguments["due"])
            await dispatch_steps.step(self.desk, self.receivers, arguments["dispatch_id"], when)
        else:
            await dispatch_agent.call_person(self.desk, arguments["dispatch_id"])

    async def _take_due(self, ticket: Ticket) -> list[tuple[str, dict[str, Any]]]:
        async with self.desk.db.begin() as tx:
            rows = await tx.execute(
                text(
                    "delete from procrastinate_jobs where task_name = any(:names) "
                    "and coalesce(scheduled_at, :now) <= :now and args->>'dispatch_id' in "
                    "(select id from dispatches where ticket_id = :ticket) "
                    "returning id, task_name, args"
                ),
                {
                    "names": [jobs.STEP_DISPATCH, jobs.CALL_FOR_DISPATCH],
                    "now": self.clock,
                    "ticket": ticket.id,
                },
            )
            return [(row.task_name, row.args) for row in sorted(rows, key=lambda row: row.id)]

    async def pushed(self) -> None:
        """Wait until the platform's callbacks have been delivered."""
        await self.platform.pushes.settle()


_touch_up, _touched = TouchUp.run, []


def touch_up_once(app: Sanic) -> None:
    """Sanic rewrites its own classes at a start, which can be done once in a process only."""
    if not _touched:
        _touched.append(app.name)
        _touch_up(app)


@asynccontextmanager
async def door(desk: Desk) -> AsyncIterator[str]:
    """The desk's own hooks for tickets, served over HTTP; gives their address."""
    app = Sanic(f"door-{uuid.uuid4().hex[:8]}", configure_logging=False)
    app.ctx.desk, app.ctx.dispatch_secret, app.ctx.settings = desk, SECRET, Settings()
    web.install(app)
    app.blueprint(http_dispatch.hooks)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        with mock.patch.object(TouchUp, "run", touch_up_once):
            server = await app.create_server(
                sock=listening, return_asyncio_server=True, access_log=False
            )
            assert server is not None
            await server.startup()
        await server.start_serving()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.close()
            await server.wait_closed()


@asynccontextmanager
async def world(desk: Desk, webhook: Any = None) -> AsyncIterator[World]:
    """The desk with Kuaidi100 (the stand-in) and, if given, a merchant's system."""
    for_all = Categories(
        {
            name: replace(category, dispatch="carrier")
            for name, category in desk.content.categories.by_id.items()
        }
    )
    platform = Platform(PlatformAccount("key", "customer", "secret"), repeat_s=0.05)
    async with door(desk) as hooks, serving(platform) as address:
        account = Account("key", "customer", "secret")
        client = Kuaidi100(account, address, address, TIMEOUT_S, OpenGate())  # type: ignore[arg-type]
        await client.open()
        desk.content = replace(desk.content, categories=for_all)
        desk.base_url, desk.ways = hooks, Ways(kuaidi100=True, webhook=webhook is not None)
        try:
            yield World(desk, platform, Receivers(Kuaidi100Tickets(client), webhook))
        finally:
            await client.close()
