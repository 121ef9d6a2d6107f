"""Tickets for the merchant's own system: signed, repeated with the same id, answered once."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from desk.edges.merchant import MerchantClient
from desk.flow import tickets
from desk.rules.dispatch import GIVE_UP_AFTER
from desk.rules.ticket import Complete
from tests.integration.dispatch_world import SECRET, World, world


class Merchant:
    """A merchant's system that keeps its promise: the same id is the same request."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        #: What happens to the next requests: an HTTP status, "lose" (done, no answer), "reset".
        self.script: list[int | str] = []
        self.answer: dict[str, Any] | None = {"id": "A-17"}
        self.headers: dict[str, str] = {}

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        Webhook(SECRET).verify(body, dict(request.headers))
        dispatch_id = request.headers["webhook-id"]
        self.requests.append((dispatch_id, body))
        what = self.script.pop(0) if self.script else 200
        if isinstance(what, int) and what >= 400:
            return web.Response(status=what, text="no such category here", headers=self.headers)
        self.tickets[dispatch_id] = json.loads(body)
        if what == "lose":
            await asyncio.sleep(0.1)
        if what in ("lose", "reset"):
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(self.answer) if self.answer else web.Response(status=204)


@pytest.fixture(name="merchant")
async def _merchant() -> Merchant:
    return Merchant()


@pytest.fixture(name="here")
async def _here(desk, merchant) -> AsyncIterator[World]:
    app = web.Application()
    app.router.add_post("/kefu", merchant.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    client = MerchantClient(f"http://127.0.0.1:{runner.addresses[0][1]}/kefu", SECRET)
    await client.open()
    async with world(desk, client) as made:
        yield made
    await client.close()
    await runner.cleanup()


async def tell(here: World, body: dict[str, Any], **wrong: Any) -> tuple[int, Any]:
    """The merchant's system calls back, signed; `wrong` says what is wrong with it."""
    text, told = json.dumps(body), uuid.uuid4().hex
    when = wrong.get("when", datetime.now(UTC))
    headers = {
        "webhook-id": told,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(wrong.get("secret", SECRET)).sign(told, when, text),
    }
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{here.desk.base_url}/hooks/dispatch",
            data=wrong.get("text", text),
            headers={} if wrong.get("unsigned") else headers,
        ) as response,
    ):
        return response.status, await response.json()


async def elsewhere(here: World):
    """A ticket that Kuaidi100 does not take."""
    return await here.open("courier_complaint")


async def test_a_ticket_that_no_platform_takes_goes_to_the_merchant(here, merchant):
    ticket = await elsewhere(here)
    await here.work(ticket)
    ((dispatch_id, _),) = merchant.requests
    data = merchant.tickets[dispatch_id]["data"]
    assert data["dispatch"] == dispatch_id
    assert (data["ticket"]["category"], data["ticket"]["text"]) == (
        "courier_complaint",
        "只有两公斤",
    )
    assert (data["round"], data["earlier"]) == (1, None)
    assert "customer" not in json.dumps(data["order"])
    (dispatch,) = await here.sent(ticket)
    assert (dispatch.state, dispatch.remote_id) == ("accepted", "A-17")
    assert (await here.ticket(ticket)).state == "dispatched"


async def test_a_ticket_that_kuaidi100_takes_does_not_go_to_the_merchant_too(here, merchant):
    ticket = await here.open()
    await here.work(ticket)
    assert merchant.requests == []
    assert len(await here.workorders(ticket)) == 1


@pytest.mark.parametrize("trouble", ["lose", "reset", 500, 502, 404, 408, 429])
async def test_what_got_no_yes_is_sent_again_with_the_same_id_and_the_same_words(
    here, merchant, trouble
):
    merchant.script = [trouble, trouble]
    ticket = await elsewhere(here)
    for _ in range(4):
        await here.work(ticket)
        here.after(minutes=1)
    assert len(set(merchant.requests)) == 1
    assert len(merchant.requests) == 3
    assert len(merchant.tickets) == 1
    assert await here.states(ticket) == ["accepted"]
    assert (await here.kinds(ticket)).count("dispatched") == 1


async def test_a_receiver_that_asks_for_time_gets_it(here, merchant):
    merchant.script, merchant.headers = [503], {"Retry-After": "900"}
    ticket = await elsewhere(here)
    await here.work(ticket)
    here.after(minutes=14)
    await here.work(ticket)
    assert len(merchant.requests) == 1
    here.after(minutes=2)
    await here.work(ticket)
    assert await here.states(ticket) == ["accepted"]


@pytest.mark.parametrize("no", [400, 410, 422])
async def test_a_clear_no_is_a_persons_with_the_receivers_words(here, merchant, no):
    merchant.script = [no]
    ticket = await elsewhere(here)
    await here.work(ticket)
    assert await here.states(ticket) == ["refused"]
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "no such category here" in note["text"]


async def test_a_receiver_that_never_answers_is_given_up_and_a_person_called_once(here, merchant):
    merchant.script = [500] * 50
    ticket = await elsewhere(here)
    for _ in range(30):
        await here.work(ticket)
        here.after(seconds=GIVE_UP_AFTER.total_seconds() / 20)
    assert await here.states(ticket) == ["given_up"]
    assert len(merchant.requests) < 15
    assert len([event for event in await here.log(ticket) if event["kind"] == "note"]) == 1


async def test_what_is_settled_meanwhile_is_not_sent_again(here, merchant):
    merchant.script = [500]
    ticket = await elsewhere(here)
    await here.work(ticket)
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
        done = Complete("agent", "已处理")
        await tickets.complete(here.desk, tx, held, ticket.id, done, "已处理", "agent:小林")
    here.after(minutes=5)
    await here.work(ticket)
    assert len(merchant.requests) == 1


async def test_additions_follow_as_requests_of_their_own(here, merchant):
    ticket = await elsewhere(here)
    await here.work(ticket)
    merchant.script = ["lose"]
    await here.ask(ticket.conversation_id, "courier_complaint", "他还骂人")
    await here.work(ticket)
    here.after(minutes=1)
    await here.work(ticket)
    first, *repeated = merchant.requests
    assert len(set(repeated)) == 1
    assert merchant.tickets[repeated[0][0]]["data"] == {
        "dispatch": first[0],
        "ticket": ticket.id,
        "number": 1,
        "text": "他还骂人",
    }
    assert await here.states(ticket) == ["accepted", "accepted"]


# --- answers --------------------------------------------------------------------------------------


async def test_the_merchants_answers_reach_the_customer_once(here):
    ticket = await elsewhere(here)
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    message = {"dispatch": dispatch.id, "type": "message", "text": "已联系网点负责人"}
    for _ in range(3):
        assert (await tell(here, message))[0] == 202
    assert await here.said(ticket) == ["关于“服务投诉”，处理人员回复：“已联系网点负责人”"]
    assert (await here.ticket(ticket)).state == "dispatched"
    result = {"dispatch": dispatch.id, "type": "result", "text": "快递员已道歉", "id": "A-18"}
    assert (await tell(here, result))[0] == 202
    (dispatch,) = await here.sent(ticket)
    assert (dispatch.state, dispatch.remote_id) == ("answered", "A-17")  # as it was accepted
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
    assert (held.owner, held.handover_reason) == ("queue", "escalated")
    assert (await here.ticket(ticket)).state == "dispatched"  # a person closes it


async def test_a_no_that_comes_later_is_for_agents_only(here):
    ticket = await elsewhere(here)
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    no = {"dispatch": dispatch.id, "type": "refused", "text": "不是我们的单"}
    assert (await tell(here, no))[0] == 202
    await here.work(ticket)
    assert await here.states(ticket) == ["refused"]
    assert not any("不是我们的单" in line for line in await here.said(ticket))
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "不是我们的单" in note["text"]


async def test_an_acceptance_by_callback_stops_the_repetitions(here, merchant):
    merchant.script = ["lose"]
    ticket = await elsewhere(here)
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    assert dispatch.state == "unknown"
    assert (await tell(here, {"dispatch": dispatch.id, "type": "accepted", "id": "A-1"}))[0] == 202
    here.after(minutes=5)
    await here.work(ticket)
    assert len(merchant.requests) == 1
    assert (await here.ticket(ticket)).state == "dispatched"


@pytest.mark.parametrize(
    "wrong",
    [
        {"unsigned": True},
        {"secret": "whsec_" + "A" * 32},
        {"text": '{"dispatch": "d1", "type": "accepted"} '},
        {"when": datetime.now(UTC) - timedelta(minutes=9)},
    ],
    ids=["unsigned", "another secret", "changed", "old"],
)
async def test_what_is_not_signed_by_the_merchant_is_refused(here, wrong):
    ticket = await elsewhere(here)
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    body = {"dispatch": dispatch.id, "type": "result", "text": "已赔付"}
    status, answer = await tell(here, body, **wrong)
    assert (status, answer["error"]["code"]) == (401, "wrong_sign")
    assert await here.said(ticket) == []


@pytest.mark.parametrize(
    "body",
    [{}, {"dispatch": "d", "type": "done"}, {"dispatch": "d", "type": "message", "text": " \n"}],
)
async def test_an_answer_that_cannot_be_read_is_refused_in_words(here, body):
    status, answer = await tell(here, body)
    assert (status, answer["error"]["code"]) == (422, "invalid")


async def test_one_door_does_not_open_the_other_partys_dispatches(here):
    at_platform, at_merchant = await here.open(), await elsewhere(here)
    for ticket in (at_platform, at_merchant):
        await here.work(ticket)
    (platform,) = await here.sent(at_platform)
    (merchants,) = await here.sent(at_merchant)
    guessed = platform.id[:-1] + ("1" if platform.id.endswith("0") else "0")
    forged = {"dispatch": platform.id, "type": "message", "text": "加微信退款"}
    assert (await tell(here, forged))[0] == 404
    async with aiohttp.ClientSession() as http:
        for path in (f"{merchants.id}/message", "nonsense", guessed):
            url = f"{here.desk.base_url}/hooks/kuaidi100/ticket/{path}"
            async with http.post(url, data={"param": '{"content": "加微信退款"}'}) as response:
                assert response.status == 404, path
    assert await here.said(at_platform) + await here.said(at_merchant) == []


@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"param": '{"consultId": "1001", "content": "在查"}'}},
        {"json": {"consultId": "1001", "content": "在查"}},
        {"data": {"consultId": "1001", "content": "在查"}},
        {"json": {"consultId": "1001", "data": {"id": 7, "content": "在查"}}},
    ],
    ids=["param", "json", "form", "layers"],
)
async def test_a_callback_of_the_platform_is_read_in_any_form(here, sent):
    ticket = await here.open()
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    url = f"{here.desk.base_url}/hooks/kuaidi100/ticket/{dispatch.id}/message"
    async with aiohttp.ClientSession() as http, http.post(url, **sent) as response:
        answer = await response.json()
    assert (answer["result"], answer["returnCode"], answer["code"]) == (True, "200", 200)
    assert await here.said(ticket) == ["关于“重量不符”，快递方回复：“在查”"]
    (after,) = await here.sent(ticket)
    assert after.remote_id == dispatch.remote_id


async def test_a_result_nobody_can_read_is_kept_and_is_a_persons(here):
    ticket = await here.open()
    await here.work(ticket)
    (dispatch,) = await here.sent(ticket)
    url = f"{here.desk.base_url}/hooks/kuaidi100/ticket/{dispatch.id}"
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            async with http.post(url, data=b"\xff<xml>done</xml>") as response:
                assert response.status == 200
    assert (await here.kinds(ticket)).count("dispatch_raw") == 1
    async with here.desk.db.begin() as tx:
        assert (await here.desk.must_lock(tx, ticket.conversation_id)).owner == "queue"
    assert not any("xml" in line for line in await here.said(ticket))
