"""Notifications through a desk of its own: real processes, killed in between, and supervisors."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from desk.settings import ROOT
from desk.store import embedded
from desk.store.db import Database
from desk.store.migrate import migrate
from ops.ports import free_ports
from tests.integration.people import Customer, DeskAgent, secret
from tests.integration.receiver import Receiver

pytestmark = pytest.mark.slow


class LoneDesk:
    """A desk in a process of its own, without a bot: enough for a customer and an agent."""

    def __init__(self, folder: Path, database_url: str, webhook_url: str) -> None:
        ports = free_ports()
        self.url, self.data_dir = f"http://127.0.0.1:{ports.desk}", folder / "data"
        self.database_url = database_url
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("KEFU_")}
        self._env = inherited | {
            "KEFU_PORT": str(ports.desk),
            "KEFU_BOT_URL": f"http://127.0.0.1:{ports.bot}",
            "KEFU_ACTIONS_URL": f"http://127.0.0.1:{ports.actions}",
            "KEFU_DATA_DIR": str(self.data_dir),
            "KEFU_DATABASE_URL": database_url,
            "KEFU_DEMO": "1",
            "KEFU_WEBHOOK_URL": webhook_url,
        }
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def service_token(self) -> str:
        return secret(self, "service_token")

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "desk"], cwd=ROOT, env=self._env, stdout=log, stderr=log
            )

    async def start(self) -> None:
        self._process = self._spawn()
        async with aiohttp.ClientSession() as http:
            for _ in range(1200):
                try:
                    async with http.get(f"{self.url}/healthz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    assert self._process.poll() is None, self._log.read_text()[-2000:]
                await asyncio.sleep(0.1)
        raise AssertionError(self._log.read_text()[-2000:])

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()

    async def sql(self, statement: str) -> list:
        database = Database(self.database_url)
        try:
            async with database.begin() as tx:
                found = await tx.execute(text(statement))
                return list(found) if found.returns_rows else []
        finally:
            await database.close()


@pytest.fixture
async def receiver():
    async with Receiver() as made:
        yield made


@pytest.fixture
async def system(receiver):
    with tempfile.TemporaryDirectory(prefix="kefu-outbox-", ignore_cleanup_errors=True) as folder:
        server, url = embedded.start(Path(folder) / "db")
        migrate(url)
        made = LoneDesk(Path(folder), url, receiver.url)
        try:
            await made.start()
            yield made
        finally:
            made.kill()
            server.cleanup()


async def answered(system, customer: Customer) -> None:
    """The customer asks for a person, goes away, and an agent answers."""
    await customer.open()
    await customer.human()
    async with DeskAgent(system) as agent:
        path = f"/api/agent/conversations/{customer.conversation}"
        await agent.good("POST", f"{path}/claim", {})
        body = {"client_id": uuid.uuid4().hex, "text": "您好，我来帮您看看"}
        await agent.good("POST", f"{path}/messages", body)


async def test_a_delivery_survives_a_killed_desk_and_supervisors_see_what_died(system, receiver):
    # 1. The desk is killed while the receiver has the request and has not answered yet.
    receiver.behave = lambda body: "slow"
    async with Customer(system) as customer:
        await answered(system, customer)
        await receiver.got(1)
        system.kill()
        receiver.behave = None
        # the lease of the dead process runs out by itself after half a minute: not in a test
        await system.sql("update deliveries set sending_until = now() - interval '1 second'")
        await system.start()
        await receiver.got(2)
        assert len(set(receiver.ids)) == 1, "at least once, and the same id"
        for headers, body in receiver.requests:
            told = Webhook(secret(system, "webhook_secret")).verify(body, headers)
            assert told["type"] == "conversation.agent_message"
            assert told["data"]["conversation"] == customer.conversation
            assert told["data"]["url"] == f"{system.url}/chat?order={customer.order}&lang=zh"

    # 2. The receiver is gone for good: the delivery is dead, and only supervisors see it.
    receiver.behave = lambda body: 410
    async with Customer(system) as customer:
        await answered(system, customer)
        await receiver.got(3)
        async with DeskAgent(system) as agent:
            for method, path in (
                ("GET", "/api/agent/deliveries"),
                ("POST", "/api/agent/deliveries/again"),
                ("POST", f"/api/agent/deliveries/{receiver.ids[-1]}/again"),
                ("GET", "/desk/partials/deliveries"),
            ):
                status, refused = await agent.call(method, path)
                assert (status, refused["error"]["code"]) == (403, "supervisor_only"), path
            async with agent.http.get(
                f"{system.url}/desk/deliveries", allow_redirects=False
            ) as sent_away:
                assert (sent_away.status, sent_away.headers["Location"]) == (302, "/desk")
        status, _ = await customer.call("GET", "/api/agent/deliveries")
        assert status == 401

        async with DeskAgent(system, "supervisor", "kefu-boss") as boss:
            for _ in range(600):
                view = await boss.good("GET", "/api/agent/deliveries?state=dead")
                if view["counts"]["dead"]:
                    break
                await asyncio.sleep(0.1)
            (dead,) = view["deliveries"]
            assert dead["id"] == receiver.ids[-1]
            assert dead["last_error"] == "HTTP 410 the receiver says 410"
            async with boss.http.get(f"{system.url}/desk/deliveries?lang=en") as page:
                html = await page.text()
                assert "Agent replied" in html and dead["id"] in html and "Send again" in html
            metrics = await (await boss.http.get(f"{system.url}/metrics")).text()
            assert 'kefu_deliveries_now{state="dead"} 1.0' in metrics
            counter = 'kefu_deliveries_total{kind="conversation.agent_message",outcome="dead"} 1.0'
            assert counter in metrics

            # another site's page cannot press the button, and nonsense is named
            elsewhere = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            path = f"/api/agent/deliveries/{dead['id']}/again"
            status, refused = await boss.call("POST", path, headers=elsewhere)
            assert (status, refused["error"]["code"]) == (403, "foreign_origin")
            status, refused = await boss.call("GET", "/api/agent/deliveries?state=lost")
            assert (status, refused["error"]["code"]) == (422, "invalid")
            status, refused = await boss.call("POST", "/api/agent/deliveries/d_none/again")
            assert (status, refused["error"]["code"]) == (404, "not_found")

            receiver.behave = None
            again = await boss.good("POST", path)
            assert again["state"] == "waiting"
            await receiver.got(4)
            assert receiver.ids[2] == receiver.ids[3]
            done = await boss.good("POST", "/api/agent/deliveries/again")
            assert done == {"again": 0, "superseded": 0, "left": 0}


async def test_the_customers_open_page_is_known_to_the_merchant(system, receiver):
    async with Customer(system) as customer:
        await customer.open()
        stream = f"{system.url}/api/conversations/{customer.conversation}/stream"
        async with customer.http.get(stream) as page:
            await page.content.readline()
            await page.content.readline()
            await answered(system, customer)
            await receiver.got(1)
        assert receiver.bodies[0]["data"]["seen_live"] is True
