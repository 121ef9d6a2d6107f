"""The client to the desk, against a real HTTP server that refuses, breaks and hangs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actions.desk_client import (
    DeskClient,
    DeskRefused,
    DeskUnavailable,
    StaleEpoch,
    TicketAnswer,
)

YES = {"ticket": {"id": "t-1", "category": "pickup_urge", "state": "open"}, "outcome": "created"}


class Desk:
    """A desk that answers each request with the next of `answers`, the last again and again."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any], str]] = []
        self.answers: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = []
        self.url = ""
        self.over = asyncio.Event()  #: ends every hanging answer

    def will(self, status: int, body: Any) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            return web.json_response(body, status=status)

        self.answers.append(answer)

    def will_hang_up(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            assert request.transport is not None
            request.transport.close()
            return web.Response()

        self.answers.append(answer)

    def will_hang(self) -> None:
        async def answer(request: web.Request) -> web.StreamResponse:
            await self.over.wait()
            return web.json_response(YES)

        self.answers.append(answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(
            (request.path, await request.json(), request.headers.get("Authorization", ""))
        )
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Desk]:
    desk = Desk()
    app = web.Application()
    app.router.add_post("/api/bot/tickets", desk.handle)
    app.router.add_post("/api/bot/handover", desk.handle)
    running = TestServer(app)
    await running.start_server()
    desk.url = str(running.make_url("")).rstrip("/")
    yield desk
    desk.over.set()
    await running.close()


@pytest.fixture
async def client(server: Desk) -> AsyncIterator[DeskClient]:
    client = DeskClient(server.url, lambda: "secret", timeout_s=30)
    yield client
    await client.close()


async def open_ticket(client: DeskClient, **more: Any) -> TicketAnswer:
    return await client.open_ticket(
        conversation_id="c-1",
        epoch=3,
        category="pickup_urge",
        idempotency_key="c-1:7",
        text="还没来",
        review={"verdict": "agree"},
        **more,
    )


async def hand_over(client: DeskClient) -> None:
    await client.hand_over(conversation_id="c-1", epoch=3, reason="asked", summary="…")


async def test_a_yes_is_a_ticket(server: Desk, client: DeskClient) -> None:
    server.will(201, YES)
    assert await open_ticket(client) == TicketAnswer("t-1", "pickup_urge", "open", "created")
    path, body, authorization = server.seen[0]
    assert path == "/api/bot/tickets"
    assert authorization == "Bearer secret"
    assert body == {
        "conversation_id": "c-1",
        "epoch": 3,
        "category": "pickup_urge",
        "idempotency_key": "c-1:7",
        "text": "还没来",
        "review": {"verdict": "agree"},
    }


async def test_a_correction_names_its_ticket(server: Desk, client: DeskClient) -> None:
    server.will(200, {**YES, "outcome": "corrected"})
    answer = await open_ticket(client, correct_ticket_id="t-1")
    assert answer.outcome == "corrected"
    assert server.seen[0][1]["correct_ticket_id"] == "t-1"


async def test_a_handover_carries_reason_and_summary(server: Desk, client: DeskClient) -> None:
    server.will(200, {"owner": "queue", "queue": {"position": 1, "wait_s": 60}})
    await hand_over(client)
    path, body, _ = server.seen[0]
    assert path == "/api/bot/handover"
    assert body == {"conversation_id": "c-1", "epoch": 3, "reason": "asked", "summary": "…"}


async def test_another_owner_is_a_stale_epoch(server: Desk, client: DeskClient) -> None:
    server.will(409, {"error": {"code": "stale_epoch", "message": "x"}})
    with pytest.raises(StaleEpoch):
        await open_ticket(client)
    with pytest.raises(StaleEpoch):
        await hand_over(client)


async def test_another_no_says_its_reason(server: Desk, client: DeskClient) -> None:
    server.will(409, {"error": {"code": "already_open", "message": "x"}})
    with pytest.raises(DeskRefused, match="already_open"):
        await open_ticket(client)
    assert len(server.seen) == 1


async def test_a_no_without_a_reason_is_named_by_its_status(
    server: Desk, client: DeskClient
) -> None:
    server.will(401, ["?"])
    with pytest.raises(DeskRefused, match="http_401"):
        await open_ticket(client)


@pytest.mark.parametrize("status", [500, 502, 503, 302])
async def test_a_broken_desk_is_unavailable(server: Desk, client: DeskClient, status: int) -> None:
    server.will(status, {"error": {}})
    with pytest.raises(DeskUnavailable, match=f"HTTP {status}"):
        await open_ticket(client)


@pytest.mark.parametrize("body", [{}, [], None, {"ticket": {}}, {"ticket": "t-1"}])
async def test_a_yes_without_a_ticket_is_none(server: Desk, client: DeskClient, body: Any) -> None:
    server.will(200, body)
    with pytest.raises(DeskUnavailable):
        await open_ticket(client)


async def test_a_handover_without_an_owner_is_none(server: Desk, client: DeskClient) -> None:
    server.will(200, [])
    with pytest.raises(DeskUnavailable):
        await hand_over(client)


async def test_a_broken_connection_is_tried_once_more_with_the_same_key(
    server: Desk, client: DeskClient
) -> None:
    server.will_hang_up()
    server.will(200, YES)
    assert (await open_ticket(client)).id == "t-1"
    assert [body["idempotency_key"] for _, body, _ in server.seen] == ["c-1:7", "c-1:7"]


async def test_two_broken_connections_are_enough(server: Desk, client: DeskClient) -> None:
    server.will_hang_up()
    with pytest.raises(DeskUnavailable):
        await open_ticket(client)
    assert len(server.seen) == 2


async def test_nobody_there_is_unavailable_at_once(unused_tcp_port: int) -> None:
    client = DeskClient(f"http://127.0.0.1:{unused_tcp_port}", lambda: "secret", timeout_s=60)
    with pytest.raises(DeskUnavailable, match="ClientConnectorError"):  # not: no answer in time
        await open_ticket(client)
    await client.close()


async def test_a_hanging_desk_costs_the_deadline_and_no_more(server: Desk) -> None:
    client = DeskClient(server.url, lambda: "secret", timeout_s=0.5)
    server.will_hang()  # until the test is over
    with pytest.raises(DeskUnavailable, match=r"within 0\.5 s"):
        await asyncio.wait_for(open_ticket(client), 30)
    assert len(server.seen) <= 1
    await client.close()


async def test_an_answer_that_is_not_json_is_unavailable(server: Desk, client: DeskClient) -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    server.answers.append(page)
    with pytest.raises(DeskUnavailable):
        await open_ticket(client)


async def test_the_token_is_read_anew_for_each_call(server: Desk) -> None:
    tokens = iter(["first", "made later"])
    client = DeskClient(server.url, lambda: next(tokens))
    server.will(200, YES)
    await open_ticket(client)
    await open_ticket(client)
    assert [seen[2] for seen in server.seen] == ["Bearer first", "Bearer made later"]
    await client.close()
