"""A customer and an agent for the tests: they know the public API and nothing else."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import jwt

SEED = "这个快递还未取件,怎么就产生费用了?"


def secret(system: Any, name: str) -> str:
    """A secret of the running system, as an operator would read it."""
    return (Path(system.data_dir) / "secrets" / name).read_text().strip()


class Person:
    """One HTTP client with its own cookies."""

    def __init__(self, system: Any, headers: dict[str, str] | None = None) -> None:
        self.system, self.url = system, system.url
        self.http = aiohttp.ClientSession(
            headers=headers,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=40),
        )

    async def call(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """Status and parsed JSON of one request."""
        async with self.http.request(method, self.url + path, json=body, **options) as response:
            return response.status, await response.json(content_type=None)

    async def good(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The JSON of a request that must succeed."""
        status, answer = await self.call(method, path, body, **options)
        assert status < 300, (status, answer)
        return answer

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.close()


class Customer(Person):
    """A customer with an order of their own."""

    def __init__(self, system: Any, state: str = "accepted", lang: str = "zh") -> None:
        super().__init__(system, {"Accept-Language": lang})
        number = uuid.uuid4().hex[:10]
        self.id, self.order, self.waybill = f"cust-{number}", f"order-{number}", f"YT{number}"
        self.state, self.seq, self.conversation = state, 0, ""
        self.log: list[dict[str, Any]] = []

    async def __aenter__(self) -> Customer:
        await self.put_order()
        claims = {"sub": self.id, "exp": datetime.now(UTC) + timedelta(minutes=30)}
        token = jwt.encode(claims, secret(self.system, "customer_secret"), algorithm="HS256")
        session = await self.good("POST", "/api/session", {"token": token})
        self.http.headers["Authorization"] = f"Bearer {session['token']}"
        return self

    async def put_order(self) -> None:
        """What the merchant's system does when the order is placed."""
        body = {
            "customer": self.id,
            "carrier": "yuantong",
            "waybill": self.waybill,
            "state": self.state,
            "fees": [{"kind": "freight", "amount": 12.0, "paid": True}],
        }
        token = self.system.service_token
        headers = {"Authorization": f"Bearer {token}"}
        await self.good("PUT", f"/api/orders/{self.order}", body, headers=headers)

    async def open(self, text: str | None = None, category: str | None = None) -> dict[str, Any]:
        """Open the conversation, perhaps ticking a category and writing at once."""
        body = {"order_id": self.order, "client_id": uuid.uuid4().hex}
        if text is not None:
            body["text"] = text
        if category is not None:
            body["category"] = category
        opened = await self.good("POST", "/api/conversations", body)
        self.conversation = opened["id"]
        return opened

    async def say(self, text: str, **more: Any) -> dict[str, Any]:
        return await self._send({"text": text, **more})

    async def tap(self, choice: str) -> dict[str, Any]:
        return await self._send({"choice": choice})

    async def _send(self, body: dict[str, Any]) -> dict[str, Any]:
        body = {"client_id": uuid.uuid4().hex, **body}
        return await self.good("POST", f"/api/conversations/{self.conversation}/messages", body)

    async def human(self) -> dict[str, Any]:
        return await self.good("POST", f"/api/conversations/{self.conversation}/human", {})

    async def news(self, wait: float = 0) -> list[dict[str, Any]]:
        """New events of the log, kept in `self.log` too."""
        path = f"/api/conversations/{self.conversation}/events?after={self.seq}&wait={wait}"
        events = (await self.good("GET", path))["events"]
        self.seq = events[-1]["seq"] if events else self.seq
        self.log.extend(events)
        return events

    async def answer(self, within: float = 15) -> list[dict[str, Any]]:
        """Everything up to the first bot message or change of owner after the last message sent.

        Raises:
            AssertionError: nothing came in time: the customer is stranded.
        """
        until, got = time.monotonic() + within, []
        while time.monotonic() < until:
            got += await self.news(min(3.0, max(0.1, until - time.monotonic())))
            last_own = max((e["seq"] for e in self.log if e["author"] == "customer"), default=0)
            replied = [e for e in self.log if e["seq"] > last_own and e["author"] != "customer"]
            done = [e for e in replied if e["author"] == "bot" or e["kind"] == "owner"]
            if done:
                return got + await self.news()
        raise AssertionError(f"no answer within {within} s: {self.log[-4:]}")

    async def wait_for(self, wanted: Any, within: float = 15) -> dict[str, Any]:
        """The first event of the whole log for which `wanted(event)` is true."""
        until = time.monotonic() + within
        while True:
            for event in self.log:
                if wanted(event):
                    return event
            assert time.monotonic() < until, f"did not come within {within} s: {self.log[-4:]}"
            await self.news(min(2.0, max(0.1, until - time.monotonic())))

    @property
    def offered(self) -> list[str]:
        """Choice ids of the latest message that has any."""
        for event in reversed(self.log):
            if event.get("choices"):
                return [choice["id"] for choice in event["choices"]]
        return []

    @property
    def tickets(self) -> dict[str, dict[str, Any]]:
        """Ticket id -> its latest state in the log."""
        return {e["ticket"]["id"]: e["ticket"] for e in self.log if e["kind"] == "ticket"}

    @property
    def owner(self) -> str:
        """Who owns the conversation by the log."""
        return next((e["owner"] for e in reversed(self.log) if e["kind"] == "owner"), "bot")

    @property
    def last_words(self) -> str:
        """The latest words from the other side."""
        return next(
            e["text"] for e in reversed(self.log) if e.get("text") and e["author"] != "customer"
        )


class DeskAgent(Person):
    """An agent logged in with one of the demo's logins."""

    def __init__(self, system: Any, login: str = "agent", password: str = "kefu-agent") -> None:
        super().__init__(system)
        self.login, self.password = login, password

    async def __aenter__(self) -> DeskAgent:
        body = {"login": self.login, "password": self.password}
        await self.good("POST", "/api/agent/login", body)
        return self
