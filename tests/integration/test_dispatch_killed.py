"""A desk killed again and again while it sends tickets: each is at the carrier at most once."""

from __future__ import annotations

import asyncio
import random
import tempfile
import uuid
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from desk.store import embedded
from desk.store.migrate import migrate
from standins.kuaidi100.faults import Fault
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving
from standins.kuaidi100.signing import Account
from standins.kuaidi100.workorders import answer
from tests.integration.people import Customer, DeskAgent, Person
from tests.integration.test_deliveries_http import LoneDesk

pytestmark = pytest.mark.slow

#: Tickets asked for at once before each kill; how long the platform takes for an answer.
BATCH, KILLS, ANSWERS_AFTER_S = 4, 3, 0.5
TICKETS = BATCH * KILLS
CREATE = "/workorder/api/create"


class Sender(Customer):
    """A customer whose order was placed through Kuaidi100."""

    async def put_order(self) -> None:
        body = {
            "customer": self.id,
            "carrier": "yuantong",
            "waybill": self.waybill,
            "state": "delivered",
            "fees": [],
            "details": {"platform": "kuaidi100", "weight_kg": 2},
        }
        headers = {"Authorization": f"Bearer {self.system.service_token}"}
        await self.good("PUT", f"/api/orders/{self.order}", body, headers=headers)


class DeskWithAccount(LoneDesk):
    """A desk that has an account with the stand-in."""

    def __init__(self, folder: Path, database_url: str, platform_url: str) -> None:
        super().__init__(folder, database_url, "")
        self._env |= {
            "KEFU_KUAIDI100_KEY": "key",
            "KEFU_KUAIDI100_CUSTOMER": "customer",
            "KEFU_KUAIDI100_SECRET": "secret",
            "KEFU_KUAIDI100_BASE_URL": platform_url,
        }

    async def dispatches(self) -> dict[str, Any]:
        """Waybill -> the row of its dispatch."""
        rows = await self.sql(
            "select orders.waybill, tickets.state as ticket, tickets.conversation_id, "
            "dispatches.state, dispatches.tries from dispatches "
            "join tickets on tickets.id = ticket_id join orders on orders.id = order_id"
        )
        assert len({row.waybill for row in rows}) == len(rows), "one round each"
        return {row.waybill: row for row in rows}

    async def time_passes(self) -> None:
        """What is due within the hour is due now."""
        await self.sql(
            "update procrastinate_jobs set scheduled_at = now() "
            "where task_name = 'step_dispatch' and scheduled_at < now() + interval '50 minutes'"
        )

    async def settled(self, *states: str, within: float = 120) -> dict[str, Any]:
        """The dispatches, once all of them are in one of these states."""
        for _ in range(int(within / 0.2)):
            rows = await self.dispatches()
            if all(row.state in states for row in rows.values()):
                return rows
            await asyncio.sleep(0.2)
        raise AssertionError({waybill: row.state for waybill, row in rows.items()})


async def until_taken(agent: DeskAgent, conversation: str) -> None:
    """Open a ticket; ask until the desk says yes: it may be dead at this moment."""
    body = {"category": "weight_dispute", "text": "只有两公斤", "client_id": uuid.uuid4().hex}
    while True:
        try:
            path = f"/api/agent/conversations/{conversation}/tickets"
            status, _ = await agent.call("POST", path, body)
            if status < 300:
                return
        except (aiohttp.ClientError, ValueError):
            pass
        await asyncio.sleep(0.2)


async def kill_during_a_call(
    system: DeskWithAccount, platform: Platform, calls: int, after_s: float
) -> None:
    """Kill the desk so long after its next call of the platform has begun; start it again."""
    for _ in range(3000):
        if platform.calls[CREATE] > calls:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(after_s)
    system.kill()
    await system.start()


async def test_a_desk_killed_again_and_again_leaves_one_ticket_at_the_carrier_each():
    chance = random.Random(20261123)
    platform = Platform(Account("key", "customer", "secret"), repeat_s=0.3)
    with tempfile.TemporaryDirectory(prefix="kefu-killed-", ignore_cleanup_errors=True) as folder:
        server, url = embedded.start(Path(folder) / "db")
        migrate(url)
        async with serving(platform) as address:
            system = DeskWithAccount(Path(folder), url, address)
            await system.start()
            try:
                await tickets_while_killed(system, platform, chance)
            finally:
                system.kill()
                server.cleanup()


async def by_hand(system: DeskWithAccount, conversation: str, orders: list[Any]) -> None:
    """An agent sees what is stuck, and says that it is there if it is."""
    async with DeskAgent(system) as agent:
        view = await agent.good("GET", f"/api/agent/conversations/{conversation}")
        (ticket,) = view["tickets"]
        assert ticket["dispatch"]["state"] == "unknown"
        assert ticket["dispatch"]["actions"] == ["mark_sent", "again"]
        side = f"{system.url}/desk/partials/conversations/{conversation}/side?lang=en"
        async with agent.http.get(side) as page:
            html = await page.text()
        assert "nobody knows whether it arrived" in html
        assert "It is there" in html and "Send again" in html
        path = f"/api/agent/tickets/{ticket['id']}/dispatch"
        status, refused = await agent.call("POST", path, {"action": "resend"})
        assert (status, refused["error"]["code"]) == (422, "invalid")
        async with Person(system) as nobody:
            status, _ = await nobody.call("POST", path, {"action": "again"})
            assert status == 401
        for order in orders:
            body = {"action": "mark_sent", "number": order.id}
            done = await agent.good("POST", path, body)
            assert (done["dispatch"]["state"], done["dispatch"]["number"]) == ("accepted", order.id)
            status, refused = await agent.call("POST", path, {"action": "again"})
            assert (status, refused["error"]["code"]) == (409, "dispatch_state")


async def tickets_while_killed(
    system: DeskWithAccount, platform: Platform, chance: random.Random
) -> None:
    platform.faults.add(CREATE, Fault("slow", ANSWERS_AFTER_S), None)
    async with DeskAgent(system) as agent:
        for batch in range(KILLS):
            asking = []
            for _ in range(BATCH):
                async with Sender(system) as customer:
                    await customer.open()
                    asking.append(until_taken(agent, customer.conversation))
            # the last kill comes at once: it hits the call, whatever the others do
            after_s = chance.uniform(0, 2 * ANSWERS_AFTER_S) if batch < KILLS - 1 else 0
            killing = kill_during_a_call(system, platform, BATCH * batch, after_s)
            await asyncio.gather(killing, *asking)
    platform.faults.clear()
    rows = await system.settled("accepted", "sending", "unknown")
    assert len(rows) == TICKETS

    # a minute later nothing is under way any more; what died during its call is unknown
    await system.time_passes()
    rows = await system.settled("accepted", "unknown")
    there = {waybill: platform.workorders.of(waybill) for waybill in rows}
    assert all(len(orders) <= 1 for orders in there.values())
    assert all(row.tries == 1 for row in rows.values())
    lost = [waybill for waybill, row in rows.items() if row.state == "unknown"]
    assert lost, "the kills hit no call: the test shows nothing"

    await by_hand(system, rows[lost[0]].conversation_id, there[lost[0]])

    # word from the depot settles those that are there; nobody is told twice
    for waybill in rows:
        for order in there[waybill]:
            answer(platform, order, "已受理，正在核实", result=False, push=True)
    await platform.pushes.settle()
    rows = await system.dispatches()
    for waybill, row in rows.items():
        expected = ("accepted", "dispatched") if there[waybill] else ("unknown", "open")
        assert (row.state, row.ticket) == expected
    told = await system.sql(
        "select conversation_id, count(*) as times from events "
        "where body->>'text' like '%已受理，正在核实%' group by 1"
    )
    assert sorted(row.times for row in told) == [1] * sum(map(len, there.values()))

    # what never arrived is a person's after half an hour, and is not sent again
    await system.time_passes()
    await system.settled("accepted", "given_up")
    assert sum(map(len, there.values())) == len(platform.workorders.all)
    print(f"{len(lost)} of {TICKETS} calls died; {len(platform.workorders.all)} tickets there")
