"""Calling the bot: what is tried again, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from desk.edges import bot_client
from desk.edges.bot_client import BotClient
from desk.flow.bot import BotFailed

REQUEST = {"context": {"conversation_id": "c_1"}}
GOOD = {"messages": [{"text": "好的"}]}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot_client, "RETRY_AFTER_S", 0.01)
    monkeypatch.setattr(bot_client, "AT_ONCE_S", 20.0)  # a busy machine is no slow bot


@asynccontextmanager
async def client(answer: Callable[[int], web.Response]) -> AsyncIterator[tuple[BotClient, list]]:
    """A client of a bot that gives `answer(1)`, `answer(2)`, ...; and the calls it got."""
    calls: list[int] = []

    async def handle(request: web.Request) -> web.Response:
        calls.append(len(calls) + 1)
        found = answer(calls[-1])
        return await found if asyncio.iscoroutine(found) else found

    app = web.Application()
    app.router.add_post("/webhooks/desk/webhook", handle)
    async with TestServer(app) as server:
        bot = BotClient(str(server.make_url("/")), "token", 30.0)
        await bot.open()
        try:
            yield bot, calls
        finally:
            await bot.close()


async def test_a_server_error_that_comes_at_once_is_tried_once_more():
    def answer(call: int) -> web.Response:
        return web.Response(status=503) if call == 1 else web.json_response(GOOD)

    async with client(answer) as (bot, calls):
        assert await bot.ask(REQUEST) == GOOD["messages"]
        assert calls == [1, 2]


async def test_a_second_server_error_is_a_failure():
    async with client(lambda call: web.Response(status=500)) as (bot, calls):
        with pytest.raises(BotFailed):
            await bot.ask(REQUEST)
        assert calls == [1, 2]


@pytest.mark.parametrize("status", [400, 401, 422])
async def test_a_refusal_is_not_tried_again(status):
    async with client(lambda call: web.Response(status=status)) as (bot, calls):
        with pytest.raises(BotFailed):
            await bot.ask(REQUEST)
        assert calls == [1]


async def test_a_server_error_that_took_long_is_not_tried_again(monkeypatch):
    monkeypatch.setattr(bot_client, "AT_ONCE_S", 0.05)

    async def slow() -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(status=500)

    async with client(lambda call: slow()) as (bot, calls):
        with pytest.raises(BotFailed):
            await bot.ask(REQUEST)
        assert calls == [1]


async def test_a_dropped_connection_is_tried_once_more():
    def answer(call: int) -> web.Response:
        if call == 1:
            raise asyncio.CancelledError  # the server drops the connection
        return web.json_response(GOOD)

    async with client(answer) as (bot, calls):
        assert await bot.ask(REQUEST) == GOOD["messages"]
        assert calls == [1, 2]
