"""The desk's contracts over HTTP: privacy, idempotency, resuming, callbacks, the agent API."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from desk.rules.signatures import hmac_sign, kuaidi100_sign
from tests.integration.people import Customer, DeskAgent, Person, secret

pytestmark = pytest.mark.slow


async def hook(person: Person, param: str, sign: str, kind: str = "order") -> tuple[int, dict]:
    async with person.http.post(
        f"{person.url}/hooks/kuaidi100/{kind}", data={"param": param, "sign": sign}
    ) as response:
        return response.status, await response.json()


def order_callback(customer: Customer, code: int) -> str:
    body = {"kuaidinum": customer.waybill, "status": "200", "data": {"status": code}}
    return json.dumps(body)


# --- customers ------------------------------------------------------------------------------------


async def test_a_customer_sees_only_their_own_orders_conversations_and_tickets(kefu):
    async with Customer(kefu) as owner, Customer(kefu) as stranger:
        await owner.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await owner.answer()
        (ticket,) = owner.tickets
        orders = (await stranger.good("GET", "/api/orders"))["orders"]
        assert [order["id"] for order in orders] == [stranger.order]
        for method, path, body in (
            ("GET", f"/api/conversations/{owner.conversation}", None),
            ("GET", f"/api/conversations/{owner.conversation}/events", None),
            ("GET", f"/api/conversations/{owner.conversation}/stream", None),
            ("GET", f"/api/conversations?order_id={owner.order}", None),
            ("GET", f"/api/tickets/{ticket}", None),
            ("POST", f"/api/tickets/{ticket}/reopen", {}),
            ("POST", f"/api/conversations/{owner.conversation}/human", {}),
            (
                "POST",
                f"/api/conversations/{owner.conversation}/messages",
                {"client_id": "x", "text": "hi"},
            ),
            ("POST", "/api/conversations", {"order_id": owner.order, "client_id": "x"}),
        ):
            status, answer = await stranger.call(method, path, body)
            assert (status, answer["error"]["code"]) == (404, "not_found"), path


@pytest.mark.parametrize("token", ["", "Bearer nonsense"])
async def test_without_a_session_nothing_is_shown(kefu, token):
    async with Person(kefu, {"Authorization": token} if token else None) as nobody:
        status, answer = await nobody.call("GET", "/api/orders")
        assert (status, answer["error"]["code"]) == (401, "not_logged_in")


async def test_the_same_client_id_is_the_same_event_even_ten_times_at_once(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        same = uuid.uuid4().hex
        sent = await asyncio.gather(*(customer.say("你好", client_id=same) for _ in range(10)))
        assert len({event["seq"] for event in sent}) == 1


async def test_opening_twice_is_one_conversation(kefu):
    async with Customer(kefu) as customer:
        opened = await asyncio.gather(*(customer.open() for _ in range(6)))
        assert len({one["id"] for one in opened}) == 1
        await customer.news()
        assert len([e for e in customer.log if e["author"] == "bot"]) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"client_id": "1", "text": "   "}, "text_blank"),
        ({"client_id": "1", "text": "长" * 2001}, "text_too_long"),
        ({"client_id": "1"}, "invalid"),
        ({"text": "hi"}, "invalid"),
        ({"client_id": "1", "text": 5}, "invalid"),
        ({"client_id": "1", "text": "hi", "category": "refund"}, "unknown_category"),
        ([], "invalid"),
    ],
)
async def test_a_bad_message_gets_a_clear_error_and_is_not_stored(kefu, body, code):
    async with Customer(kefu) as customer:
        await customer.open()
        path = f"/api/conversations/{customer.conversation}/messages"
        status, answer = await customer.call("POST", path, body)
        assert (status, answer["error"]["code"]) == (422, code)
        assert answer["error"]["message"]
        await customer.news()
        assert not [e for e in customer.log if e["author"] == "customer"]


async def test_a_choice_that_was_never_offered_is_refused(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        path = f"/api/conversations/{customer.conversation}/messages"
        status, answer = await customer.call("POST", path, {"client_id": "1", "choice": "yes"})
        assert (status, answer["error"]["code"]) == (409, "choice_not_offered")


async def test_errors_speak_the_asked_language(kefu):
    async with Customer(kefu, lang="en") as english, Customer(kefu) as chinese:
        for customer, word in ((english, "Not found"), (chinese, "没有找到")):
            _, answer = await customer.call("GET", "/api/tickets/t_none")
            assert word in answer["error"]["message"]


async def test_another_site_cannot_write_with_the_customers_cookie(kefu):
    async with Person(kefu) as person:
        await person.good("POST", "/api/demo/login", {"customer": "demo-li"})
        order = (await person.good("GET", "/api/orders"))["orders"][0]["id"]
        body = {"order_id": order, "client_id": "x"}
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        status, answer = await person.call("POST", "/api/conversations", body, headers=headers)
        assert (status, answer["error"]["code"]) == (403, "foreign_origin")


async def test_a_token_for_one_order_opens_only_that_order(kefu):
    from datetime import UTC, datetime, timedelta

    import jwt

    async with Customer(kefu) as customer:
        claims = {
            "sub": customer.id,
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            "orders": ["another"],
        }
        token = jwt.encode(claims, secret(kefu, "customer_secret"), algorithm="HS256")
        session = await customer.good("POST", "/api/session", {"token": token})
        headers = {"Authorization": f"Bearer {session['token']}"}
        assert (await customer.good("GET", "/api/orders", headers=headers))["orders"] == []
        body = {"order_id": customer.order, "client_id": "x"}
        status, _ = await customer.call("POST", "/api/conversations", body, headers=headers)
        assert status == 404


async def test_the_menu_comes_in_the_asked_language(kefu):
    async with Person(kefu) as person:
        for lang, label in (("zh", "催取件"), ("en", "Pick up my parcel")):
            menu = (await person.good("GET", f"/api/categories?lang={lang}"))["categories"]
            assert len(menu) == 12
            assert menu[0]["label"] == label


async def test_a_merchant_without_the_service_token_cannot_put_orders(kefu):
    async with Person(kefu) as person:
        body = {"customer": "x", "carrier": "y"}
        status, answer = await person.call("PUT", "/api/orders/o-x", body)
        assert (status, answer["error"]["code"]) == (401, "service_token_wrong")


async def test_why_the_bot_did_it_is_read_with_the_service_token_only(kefu):
    async with Customer(kefu) as customer:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        path = f"/api/bot/conversations/{customer.conversation}/reviews"
        status, answer = await customer.call("GET", path)
        assert (status, answer["error"]["code"]) == (401, "service_token_wrong")
        told = await customer.good(
            "GET", path, headers={"Authorization": f"Bearer {kefu.service_token}"}
        )
        (ticket,), (one,) = customer.tickets, told["tickets"]
        assert (one["id"], one["category"]) == (ticket, "pickup_urge")
        assert one["review"]["verdict"] == "agree" and one["review"]["reasons"]
        assert max(one["review"]["probabilities"].values()) > 0.5
        assert told["handover"] is None
        await customer.good("POST", f"/api/conversations/{customer.conversation}/human", {})
        told = await customer.good(
            "GET", path, headers={"Authorization": f"Bearer {kefu.service_token}"}
        )
        assert told["handover"]["reason"] == "asked" and told["handover"]["summary"]
        assert "review" not in await customer.good("GET", f"/api/tickets/{ticket}")


async def test_an_order_in_an_unknown_state_is_refused_with_what_was_expected(kefu):
    async with Person(kefu, {"Authorization": f"Bearer {kefu.service_token}"}) as merchant:
        body = {"customer": "x", "carrier": "y", "state": "lost in space"}
        status, answer = await merchant.call("PUT", "/api/orders/o-x", body)
        assert status == 422
        assert "in_transit" in answer["error"]["message"]
        assert "lost in space" in answer["error"]["message"]


async def test_a_long_poll_returns_as_soon_as_something_is_said(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        await customer.news()
        started = asyncio.get_running_loop().time()
        waiting = asyncio.create_task(customer.news(wait=25))
        await asyncio.sleep(0.3)
        await customer.say("你好")
        assert await waiting
        # by its own look it would find it after 15 s
        assert asyncio.get_running_loop().time() - started < 12


async def test_a_stream_resumes_after_the_last_event_seen_without_loss_or_repetition(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        path = f"{customer.url}/api/conversations/{customer.conversation}/stream"

        async def read(last: int, until: int) -> list[int]:
            seen: list[int] = []
            headers = {"Last-Event-ID": str(last)}
            async with customer.http.get(path, headers=headers) as response:
                assert response.headers["Content-Type"].startswith("text/event-stream")
                async for line in response.content:
                    if line.startswith(b"id: "):
                        seen.append(int(line[4:]))
                        if seen[-1] >= until:
                            return seen
            return seen

        first = asyncio.create_task(read(0, 2))
        await customer.say("你好")
        assert await asyncio.wait_for(first, 60) == [1, 2]
        await customer.answer()
        await customer.say("谢谢")
        await customer.answer()
        rest = await asyncio.wait_for(read(2, customer.seq), 60)
        assert rest == list(range(3, customer.seq + 1))


# --- carriers -------------------------------------------------------------------------------------


async def test_a_wrong_signature_is_refused_logged_and_has_no_effect(kefu):
    async with Customer(kefu, "accepted") as customer:
        status, answer = await hook(customer, order_callback(customer, 10), "0" * 32)
        assert 400 <= status < 500
        assert answer["result"] is False
        assert "wrong signature" in kefu.logs("desk")
        await asyncio.sleep(0.5)
        (order,) = (await customer.good("GET", "/api/orders"))["orders"]
        assert order["state"] == "accepted"


async def test_duplicates_and_repeats_complete_a_ticket_once(kefu):
    async with Customer(kefu, "accepted") as customer:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        param = order_callback(customer, 10)
        sign = kuaidi100_sign(param, secret(kefu, "kuaidi100_salt"))
        answers = await asyncio.gather(*(hook(customer, param, sign.lower()) for _ in range(5)))
        assert {status for status, _ in answers} == {200}
        await customer.wait_for(lambda e: (e.get("ticket") or {}).get("state") == "completed")
        again = param.replace('"200"', '"200" ')  # the same news, sent anew
        await hook(customer, again, kuaidi100_sign(again, secret(kefu, "kuaidi100_salt")))
        await asyncio.sleep(1)
        await customer.news()
        done = [e for e in customer.log if (e.get("ticket") or {}).get("state") == "completed"]
        assert len(done) == 1


async def test_a_tracking_push_moves_the_order_and_completes_a_false_pickup(kefu):
    async with Customer(kefu, "collected") as customer:
        await customer.open("物流显示已揽收，可东西还在我手上，根本没人来", "false_pickup")
        await customer.answer()
        assert [t["category"] for t in customer.tickets.values()] == ["false_pickup"]
        moved = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(seconds=1)
        line = {"ftime": f"{moved:%Y-%m-%d %H:%M:%S}", "statusCode": "1002", "context": "x"}
        last = {"nu": customer.waybill, "state": "0", "data": [line]}
        param = json.dumps({"status": "polling", "lastResult": last})
        sign = kuaidi100_sign(param, secret(kefu, "kuaidi100_salt"))
        status, _ = await hook(customer, param, sign, "track")
        assert status == 200
        await customer.wait_for(lambda e: (e.get("ticket") or {}).get("state") == "completed")


async def test_a_callback_for_an_unknown_order_is_kept_and_answered(kefu):
    async with Person(kefu) as carrier:
        param = json.dumps({"kuaidinum": uuid.uuid4().hex, "data": {"status": 10}})
        status, answer = await hook(
            carrier, param, kuaidi100_sign(param, secret(kefu, "kuaidi100_salt"))
        )
        assert (status, answer["returnCode"]) == (200, "200")


async def test_a_signed_callback_that_is_no_json_object_says_so(kefu):
    async with Person(kefu) as carrier:
        salt = secret(kefu, "kuaidi100_salt")
        for param in ("not json", "[1]", ""):
            status, answer = await hook(carrier, param, kuaidi100_sign(param, salt))
            assert (status, answer["result"]) == (400, False)


async def test_facts_from_any_other_system_are_taken_when_signed(kefu):
    async with Customer(kefu, "accepted") as customer:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        body = json.dumps(
            {"order_id": customer.order, "facts": [{"fact": "parcel.collected"}]}
        ).encode()
        headers = {"X-Kefu-Signature": "sha256=" + "0" * 64, "Content-Type": "application/json"}
        async with customer.http.post(
            f"{customer.url}/hooks/facts", data=body, headers=headers
        ) as response:
            assert response.status == 401
        key = secret(kefu, "facts_secret")
        headers["X-Kefu-Signature"] = "sha256=" + hmac_sign(body, key)
        async with customer.http.post(
            f"{customer.url}/hooks/facts", data=body, headers=headers
        ) as response:
            assert response.status == 202
        await customer.wait_for(lambda e: (e.get("ticket") or {}).get("state") == "completed")


# --- agents ---------------------------------------------------------------------------------------


async def test_a_wrong_password_and_an_unknown_login_look_the_same(kefu):
    async with Person(kefu) as person:
        answers = []
        for login in ("agent", "nobody"):
            body = {"login": login, "password": "wrong"}
            answers.append(await person.call("POST", "/api/agent/login", body))
        assert answers[0] == answers[1]
        assert answers[0][0] == 401


async def test_a_customer_session_opens_no_agent_route(kefu):
    async with Customer(kefu) as customer:
        status, _ = await customer.call("GET", "/api/agent/queue")
        assert status == 401


async def test_a_person_claims_chats_notes_corrects_resolves_and_gives_back(kefu):
    async with Customer(kefu, "accepted") as customer, DeskAgent(kefu) as agent:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        (ticket,) = customer.tickets
        await customer.human()
        waiting = (await agent.good("GET", "/api/agent/queue"))["waiting"]
        mine = next(w for w in waiting if w["conversation_id"] == customer.conversation)
        assert mine["reason"] == "asked"
        assert "催取件" in mine["summary"]
        base = f"/api/agent/conversations/{customer.conversation}"
        await agent.good("POST", f"{base}/claim", {})
        await agent.good("POST", f"{base}/messages", {"client_id": "a1", "text": "您好，我来帮您"})
        await agent.good("POST", f"{base}/messages", {"client_id": "a1", "text": "您好，我来帮您"})
        await agent.good("POST", f"{base}/notes", {"client_id": "n1", "text": "客户很急"})
        await customer.say("好的，谢谢")
        await agent.good(
            "POST", f"/api/agent/tickets/{ticket}/category", {"category": "loss_claim"}
        )
        await agent.good("POST", f"/api/agent/tickets/{ticket}/resolve", {"text": "已赔付"})
        await agent.good("POST", f"{base}/resolve", {})
        await customer.news()
        texts = [e.get("text") or "" for e in customer.log]
        assert texts.count("您好，我来帮您") == 1
        assert not [t for t in texts if "客户很急" in t]
        assert any("已赔付" in t for t in texts)
        assert customer.tickets[ticket]["category"] == "loss_claim"
        assert customer.tickets[ticket]["state"] == "completed"
        assert customer.owner == "bot"
        seen = await agent.good("GET", base)
        assert [e["text"] for e in seen["events"] if e["kind"] == "note"] == ["客户很急"]
        await customer.say("我还有个快递一直没来取件，催一下", category="pickup_urge")
        await customer.answer()
        assert len(customer.tickets) == 2


async def test_of_many_agents_claiming_at_once_exactly_one_wins_and_the_others_learn_who(kefu):
    logins = (("agent", "kefu-agent"), ("agent2", "kefu-agent2"), ("supervisor", "kefu-boss"))
    async with Customer(kefu) as customer:
        await customer.open()
        await customer.human()
        agents = [await DeskAgent(kefu, *login).__aenter__() for login in logins]
        try:
            path = f"/api/agent/conversations/{customer.conversation}/claim"
            answers = await asyncio.gather(*(agent.call("POST", path, {}) for agent in agents))
        finally:
            for agent in agents:
                await agent.http.close()
        assert sorted(status for status, _ in answers) == [200, 409, 409]
        for status, answer in answers:
            if status == 409:
                assert answer["error"]["code"] == "already_claimed"
                assert answer["error"]["agent"]


async def test_while_a_person_owns_the_conversation_the_bot_says_nothing(kefu):
    async with Customer(kefu) as customer, DeskAgent(kefu) as agent:
        await customer.open()
        await customer.human()
        await agent.good("POST", f"/api/agent/conversations/{customer.conversation}/claim", {})
        await customer.say("快递员没来取件，催一下")
        await asyncio.sleep(2)
        await customer.news()
        handed = next(e["seq"] for e in customer.log if e["kind"] == "owner")
        assert not [e for e in customer.log if e["seq"] > handed and e["author"] == "bot"]
        assert not customer.tickets


async def test_the_console_hears_of_a_new_arrival_at_once(kefu):
    async with Customer(kefu) as customer, DeskAgent(kefu) as agent:
        await customer.open()
        async with agent.http.get(f"{agent.url}/api/agent/stream") as response:

            async def queue_shown() -> None:
                async for line in response.content:
                    if line.startswith(b"event: queue"):
                        return

            await asyncio.wait_for(queue_shown(), 60)
            await customer.human()
            await asyncio.wait_for(queue_shown(), 12)  # by its own look it would see it after 15 s


# --- operators ------------------------------------------------------------------------------------


async def test_every_route_is_described(kefu):
    async with Person(kefu) as person:
        described = (await person.good("GET", "/api/openapi.json"))["paths"]
        for path in ("/api/conversations/{conversation_id}/human", "/hooks/kuaidi100/order"):
            assert described[path]["post"]["summary"]


async def test_health_and_metrics_answer(kefu):
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{kefu.url}/healthz") as response:
            assert response.status == 200
        async with http.get(f"{kefu.url}/readyz") as response:
            assert (await response.json())["ready"] is True
        async with http.get(f"{kefu.url}/metrics") as response:
            assert "kefu_messages_total" in await response.text()


async def test_pages_forbid_foreign_scripts_and_frames(kefu):
    async with aiohttp.ClientSession() as http, http.get(f"{kefu.url}/chat") as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'self'" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


# --- found in review ---


async def test_half_an_emoji_is_left_out_and_the_rest_of_the_message_kept(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        stored = await customer.say("快点\ud83d来取")
        assert stored["text"] == "快点来取"


@pytest.mark.parametrize(
    "query", ["wait=nan", "wait=inf", "wait=-1", "after=x", "after=nan", "after=1e300"]
)
async def test_a_number_that_is_none_is_refused(kefu, query):
    async with Customer(kefu) as customer:
        await customer.open()
        path = f"/api/conversations/{customer.conversation}/events?{query}"
        status, answer = await customer.call("GET", path)
        assert (status, answer["error"]["code"]) == (422, "invalid")


async def test_every_reader_of_the_log_refuses_a_number_that_is_none(kefu):
    async with Customer(kefu) as customer, DeskAgent(kefu) as agent:
        await customer.open()
        for who, path in (
            (customer, f"/api/conversations/{customer.conversation}/stream"),
            (agent, f"/api/agent/conversations/{customer.conversation}/events"),
            (agent, f"/desk/partials/conversations/{customer.conversation}/events"),
        ):
            status, answer = await who.call("GET", f"{path}?after=x")
            assert (status, answer["error"]["code"]) == (422, "invalid"), path


async def test_a_token_for_one_order_reopens_no_ticket_of_another(kefu):
    from datetime import UTC, datetime, timedelta

    import jwt

    async with Customer(kefu, "accepted") as customer:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        (ticket,) = customer.tickets
        claims = {"sub": customer.id, "exp": datetime.now(UTC) + timedelta(minutes=5)}
        claims["orders"] = ["another"]
        token = jwt.encode(claims, secret(kefu, "customer_secret"), algorithm="HS256")
        session = await customer.good("POST", "/api/session", {"token": token})
        headers = {"Authorization": f"Bearer {session['token']}"}
        for method, path in (
            ("POST", f"/api/tickets/{ticket}/reopen"),
            ("GET", f"/api/tickets/{ticket}"),
        ):
            status, _ = await customer.call(method, path, None, headers=headers)
            assert status == 404


async def test_an_order_that_went_to_another_customer_takes_its_conversation_out_of_sight(kefu):
    async with Customer(kefu) as old, Customer(kefu) as new:
        await old.open("你好")
        body = {"customer": new.id, "carrier": "yuantong", "waybill": old.waybill}
        headers = {"Authorization": f"Bearer {kefu.service_token}"}
        await new.good("PUT", f"/api/orders/{old.order}", body, headers=headers)
        status, _ = await old.call("GET", f"/api/conversations/{old.conversation}")
        assert status == 404


async def test_another_site_cannot_put_a_visitor_into_its_own_session(kefu):
    async with Person(kefu) as person:
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        status, answer = await person.call("POST", "/api/session", {"token": "x"}, headers=headers)
        assert (status, answer["error"]["code"]) == (403, "foreign_origin")


async def test_a_customer_says_over_http_whether_a_ticket_is_settled(kefu):
    async with Customer(kefu, "accepted") as customer:
        await customer.open("约的今天上门，快递员没来取件，催一下", "pickup_urge")
        await customer.answer()
        (ticket,) = customer.tickets  # its id
        path = f"/api/tickets/{ticket}/settled"
        status, refused = await customer.call("POST", path, {"settled": "perhaps"})
        assert (status, refused["error"]["code"]) == (422, "invalid")
        status, kept = await customer.call("POST", path, {"settled": False})
        assert (status, kept["state"], kept["asked"]) == (200, "open", None)
        status, done = await customer.call("POST", path, {"settled": True})
        assert (status, done["state"], done["completed_by"]) == (200, "completed", "customer")
        async with Customer(kefu, "accepted") as stranger:
            assert (await stranger.call("POST", path, {"settled": True}))[0] == 404
