"""A desk of its own and the stand-in for Kuaidi100, over HTTP: by itself it asks and subscribes."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path

import pytest

from desk.store import embedded
from desk.store.migrate import migrate
from standins.kuaidi100.control import move
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving
from standins.kuaidi100.signing import Account
from standins.kuaidi100.tracking import push_track
from tests.integration.people import Customer, DeskAgent
from tests.integration.test_deliveries_http import LoneDesk

pytestmark = pytest.mark.slow


class AskingDesk(LoneDesk):
    """A desk with an account with the stand-in."""

    def __init__(self, folder: Path, database_url: str, carrier_url: str) -> None:
        super().__init__(folder, database_url, "")
        self._env |= {
            "KEFU_KUAIDI100_KEY": "key",
            "KEFU_KUAIDI100_CUSTOMER": "customer",
            "KEFU_KUAIDI100_SECRET": "secret",
            "KEFU_KUAIDI100_BASE_URL": carrier_url,
        }


@pytest.fixture
async def platform():
    yield Platform(Account("key", "customer", "secret"))


@pytest.fixture
async def system(platform):
    with tempfile.TemporaryDirectory(prefix="kefu-ask-", ignore_cleanup_errors=True) as folder:
        server, url = embedded.start(Path(folder) / "db")
        migrate(url)
        async with serving(platform) as address:
            made = AskingDesk(Path(folder), url, address)
            try:
                await made.start()
                yield made
            finally:
                made.kill()
                server.cleanup()


async def until(true, within_s: float) -> None:
    for _ in range(round(within_s * 5)):
        if await true():
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"not so within {within_s} s")


async def open_ticket(system: AskingDesk, customer: Customer) -> str:
    """An agent opens a ticket for the customer; returns its id."""
    await customer.open()
    await customer.human()
    async with DeskAgent(system) as agent:
        path = f"/api/agent/conversations/{customer.conversation}"
        await agent.good("POST", f"{path}/claim", {})
        body = {"category": "pickup_urge", "text": "还没来取", "client_id": uuid.uuid4().hex}
        answer = await agent.good("POST", f"{path}/tickets", body)
    return str(answer["ticket"]["id"])


async def test_every_callback_is_lost_and_the_ticket_completes_by_itself(system, platform):
    async with Customer(system) as customer:
        ticket = await open_ticket(system, customer)
        parcel = platform.parcels.put(customer.waybill)
        move(platform, parcel, code="103", push=False)
        await system.sql("update orders set told_at = now() - interval '5 hours'")

        async def completed() -> bool:
            return (await customer.good("GET", f"/api/tickets/{ticket}"))["state"] == "completed"

        async def subscribed() -> bool:
            return parcel.watched

        async def on_its_way() -> bool:
            orders = (await customer.good("GET", "/api/orders"))["orders"]
            return orders[0]["state"] == "in_transit"

        await until(completed, 180)  # the jobs run each minute
        await until(subscribed, 180)
        for fault in ("duplicate", "bad_sign", "reorder"):
            platform.pushes.script(fault)
        for text in ("到达集散中心", "离开集散中心", "到达网点", "离开网点"):
            move(platform, parcel, code="1002", text=text)
        await until(on_its_way, 60)

        async def corrected() -> bool:
            rows = await system.sql("select answer from carrier_calls where kind = 'company'")
            return [row.answer for row in rows] == ["jtexpress"]

        push_track(platform, parcel, "abort", "3天查询无记录", "jtexpress")
        await until(corrected, 60)
    assert platform.violations == []
    assert platform.calls["/poll/query.do"] == 1
    assert platform.calls["/poll"] == 1


async def test_the_shop_page_can_lose_a_callback_and_ask(system, platform):
    async with Customer(system) as customer:
        await customer.good("POST", "/api/demo/login", {"customer": "demo-wang"})
        customer.http.headers.pop("Authorization")
        origin = {"Origin": system.url}
        shop = (await customer.good("GET", "/api/demo/customers"))["customers"]
        order = next(o for o in shop[0]["orders"] if o["state"] == "accepted")
        path = f"/api/demo/orders/{order['id']}"
        lost = {"source": "order", "code": 10, "lost": True}
        assert (await customer.good("POST", f"{path}/callback", lost, headers=origin))["lost"]
        assert (await customer.good("POST", f"{path}/ask", {}, headers=origin)) == {
            "outcome": "news"
        }
        assert (await customer.good("POST", f"{path}/ask", {}, headers=origin)) == {
            "outcome": "taken"
        }

        async def collected() -> bool:
            shop = (await customer.good("GET", "/api/demo/customers"))["customers"]
            state = next(o["state"] for o in shop[0]["orders"] if o["id"] == order["id"])
            return state == "collected"

        await until(collected, 60)
