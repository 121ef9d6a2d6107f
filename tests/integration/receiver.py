"""A merchant's endpoint for notifications that can misbehave: slow, refusing, resetting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

#: What the receiver does with a request: a status, or "slow", or "reset".
Behaviour = int | str


class Receiver:
    """Keeps every request; answers what `behave` says, else what `script` says next, else 204."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], str]] = []
        self.script: list[Behaviour] = []
        self.behave: Callable[[dict[str, Any]], Behaviour] | None = None
        self.headers: dict[str, str] = {}
        self.url = ""
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Receiver:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        self.requests.append(({k.lower(): v for k, v in request.headers.items()}, body))
        async with self._came:
            self._came.notify_all()
        behaviour: Behaviour = self.script.pop(0) if self.script else 204
        if self.behave:
            behaviour = self.behave(json.loads(body))
        if behaviour == "slow":
            await asyncio.sleep(30)
        if behaviour == "reset":
            assert request.transport is not None
            request.transport.abort()
        status = behaviour if isinstance(behaviour, int) else 204
        return web.Response(status=status, text=f"the receiver says {status}", headers=self.headers)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.requests]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]

    @property
    def kinds(self) -> list[str]:
        return [body["type"] for body in self.bodies]

    async def got(self, number: int, within: float = 60) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(within), self._came:
            await self._came.wait_for(lambda: len(self.requests) >= number)
