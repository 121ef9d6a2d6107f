"""A ticket's page and timeline over HTTP: the story, its buttons, and who may see them."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jwt
import pytest

from desk.rules.signatures import kuaidi100_sign
from desk.store import embedded
from desk.store.migrate import migrate
from tests.integration.people import Customer, DeskAgent, Person, secret
from tests.integration.test_deliveries_http import LoneDesk

pytestmark = pytest.mark.slow

WORDS = "约的今天上门<b>，还没来</b>"


@pytest.fixture(scope="module")
def system():
    """One desk for this file; each test has customers of its own."""
    with tempfile.TemporaryDirectory(prefix="kefu-page-", ignore_cleanup_errors=True) as folder:
        server, url = embedded.start(Path(folder) / "db")
        migrate(url)
        made = LoneDesk(Path(folder), url, "")
        try:
            asyncio.run(made.start())
            yield made
        finally:
            made.kill()
            server.cleanup()


async def ticket_of(customer: Customer, category: str = "pickup_urge") -> str:
    """Opens a ticket in the customer's own words, as the bot does."""
    await customer.open()
    body = {
        "conversation_id": customer.conversation,
        "epoch": 1,
        "category": category,
        "idempotency_key": uuid.uuid4().hex,
        "text": WORDS,
    }
    headers = {"Authorization": f"Bearer {customer.system.service_token}"}
    answer = await customer.good("POST", "/api/bot/tickets", body, headers=headers)
    return str(answer["ticket"]["id"])


async def carrier_says(customer: Customer, code: int, **more: str) -> None:
    """An order callback of Kuaidi100."""
    body = {"kuaidinum": customer.waybill, "status": "200", "data": {"status": code, **more}}
    param = json.dumps(body)
    sign = kuaidi100_sign(param, secret(customer.system, "kuaidi100_salt"))
    form = {"param": param, "sign": sign}
    async with customer.http.post(f"{customer.url}/hooks/kuaidi100/order", data=form) as response:
        assert response.status == 200


async def timeline(person: Person, path: str, lang: str = "zh") -> dict[str, Any]:
    return dict((await person.good("GET", f"{path}?lang={lang}"))["timeline"])


def texts(steps: list[dict[str, Any]]) -> list[str]:
    return [step["text"] for step in steps]


async def page(
    person: Person, path: str, form: dict[str, str] | None = None, **options: Any
) -> tuple[int, str, Any]:
    """Status, body and headers of a page, or of a form posted by it; redirects are not followed."""
    method = "GET" if form is None else "POST"
    if form is not None:
        options = {"data": form or {"_": ""}, "headers": {"Origin": person.url}, **options}
    async with person.http.request(
        method, person.url + path, allow_redirects=False, **options
    ) as response:
        return response.status, await response.text(), response.headers


async def test_it_tells_what_happened_and_what_comes_next(system):
    async with Customer(system) as customer:
        ticket = await ticket_of(customer)
        path = f"/api/tickets/{ticket}"
        told = await timeline(customer, path)
        assert texts(told["past"]) == ["已为您登记“催取件”"]
        assert told["past"][0]["quote"] == WORDS
        assert told["next"][0]["text"] == "收到“快递已揽收”的消息，就自动办结"
        due = told["next"][-1]
        assert (due["kind"], due["when"][-1], due["sure"]) == ("due", "前", True)

        await carrier_says(customer, 10)
        told = await timeline(customer, path)
        assert texts(told["past"])[1:] == ["收到消息：快递已揽收", "已办结：快递已揽收"]
        assert [step["kind"] for step in told["next"]] == ["reopen", "closes"]
        english = await timeline(customer, path, "en")
        assert english["past"][-1]["text"] == "Done: the parcel was collected"

        async with DeskAgent(system) as agent:
            for_agent = await timeline(agent, f"/api/agent/tickets/{ticket}")
        news = next(step for step in for_agent["past"] if step["kind"] == "fact")
        assert news["rule"] == "complete: pickup_urge completes on parcel.collected"
        assert "rule" not in json.dumps(told)

        await customer.good("POST", f"{path}/reopen", {})
        told = await timeline(customer, path)
        assert texts(told["past"])[-1] == "您要求重新处理，按“虚假发货”继续跟进"


async def test_news_that_came_late_is_shown_with_both_times_and_blames_nobody(system):
    async with Customer(system) as customer:
        path = f"/api/tickets/{await ticket_of(customer)}"
        an_hour_ago = datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(hours=1)
        await carrier_says(customer, 10, updateTime=f"{an_hour_ago:%Y-%m-%d %H:%M:%S}")
        for lang, words in (
            ("zh", r"订单记录：快递已揽收（今天 \d\d:\d\d 收到消息）"),
            ("en", r"On record: the parcel was collected \(reached us today \d\d:\d\d\)"),
        ):
            told = texts((await timeline(customer, path, lang))["past"])
            assert any(re.fullmatch(words, text) for text in told), told


async def test_the_page_shows_it_escaped_and_its_buttons_need_no_script(system):
    async with Customer(system) as customer:
        ticket = await ticket_of(customer)
        path = f"/chat/tickets/{ticket}"
        status, html, _ = await page(customer, f"{path}?lang=zh&embed=1")
        assert status == 200
        assert "约的今天上门&lt;b&gt;，还没来" in html and "<b>" not in html
        assert f'href="/chat?lang=zh&amp;embed=1&amp;order={customer.order}"' in html
        assert f'action="/chat/tickets/{ticket}/human?lang=zh&amp;embed=1"' in html

        await carrier_says(customer, 10)
        _, html, _ = await page(customer, f"{path}?lang=en")
        assert "Done: the parcel was collected" in html and "Not solved, reopen" in html
        for _ in range(2):  # tapped twice
            status, _, headers = await page(customer, f"{path}/reopen?lang=en", {})
            assert (status, headers["Location"]) == (303, f"{path}?lang=en")
        assert (await customer.good("GET", f"/api/tickets/{ticket}"))["state"] == "open"


async def test_the_customer_says_whether_it_is_settled(system):
    async with Customer(system) as customer:
        path = f"/chat/tickets/{await ticket_of(customer)}"
        assert (await page(customer, f"{path}/settled", {"settled": "no"}))[0] == 303
        _, html, _ = await page(customer, f"{path}?lang=zh")
        assert "您说还没解决，我们继续跟进" in html
        assert (await page(customer, f"{path}/settled", {"settled": "yes"}))[0] == 303
        _, html, _ = await page(customer, f"{path}?lang=zh")
        assert "您确认已解决，已办结" in html


async def test_a_person_is_a_tap_away_and_the_conversation_shows_the_place(system):
    async with Customer(system) as customer:
        path = f"/chat/tickets/{await ticket_of(customer)}"
        status, _, headers = await page(customer, f"{path}/human?lang=zh", {})
        assert (status, headers["Location"]) == (303, f"/chat?lang=zh&order={customer.order}")
        _, html, _ = await page(customer, f"{path}?lang=zh")
        assert "已请客服跟进，会在对话里回复您" in html and "人工排队中" in html


async def test_what_is_too_late_is_said_on_the_page(system):
    async with Customer(system) as customer:
        ticket = await ticket_of(customer)
        await carrier_says(customer, 10)
        await customer.good("GET", f"/api/tickets/{ticket}")
        await system.sql(
            f"update tickets set completed_at = now() - interval '8 days' where id = '{ticket}'"
        )
        status, html, _ = await page(customer, f"/chat/tickets/{ticket}/reopen?lang=zh", {})
        assert status == 409
        assert 'role="alert"' in html and "催取件" in html


async def test_an_open_page_hears_of_news_and_else_of_nothing(system):
    async with Customer(system) as customer:
        path = f"/chat/tickets/{await ticket_of(customer)}"
        _, _, headers = await page(customer, f"{path}?lang=zh")
        asked = f"{path}/part?lang=zh&known={headers['X-Known']}&after={headers['X-After']}"
        status, html, again = await page(customer, f"{asked}&wait=1")
        assert (status, html, again["X-Known"]) == (204, "", headers["X-Known"])

        waiting = asyncio.create_task(page(customer, f"{asked}&wait=20"))
        await asyncio.sleep(0.5)
        await carrier_says(customer, 10)
        status, html, fresh = await asyncio.wait_for(waiting, 12)
        assert status == 200 and fresh["X-Known"] != headers["X-Known"]
        assert "已办结：快递已揽收" in html and "<html" not in html


async def test_nobody_else_sees_it_or_taps_its_buttons(system):
    async with Customer(system) as owner, Customer(system) as stranger, Person(system) as nobody:
        path = f"/chat/tickets/{await ticket_of(owner)}"
        for who, status, words in (
            (stranger, 404, "没有找到这条记录"),
            (nobody, 401, "请重新进入客服"),
        ):
            for part in ("", "/part", "/part?wait=1"):
                got, html, _ = await page(who, f"{path}{part}")
                if part == "":
                    assert words in html
                assert got == status, part
                assert "催取件" not in html and "约的今天" not in html
            for action in ("reopen", "settled", "human"):
                assert (await page(who, f"{path}/{action}", {}))[0] == status
        told = await owner.good("GET", f"/api/tickets/{path.rsplit('/', 1)[1]}")
        assert len(told["timeline"]["past"]) == 1


async def test_the_merchants_token_signs_in_and_leaves_the_address(system):
    async with Customer(system) as owner, Person(system) as browser:
        path = f"/chat/tickets/{await ticket_of(owner)}"
        claims = {"sub": owner.id, "exp": datetime.now(UTC) + timedelta(minutes=5)}
        token = jwt.encode(claims, secret(system, "customer_secret"), algorithm="HS256")
        status, _, headers = await page(browser, f"{path}?lang=zh&token={token}")
        assert (status, headers["Location"]) == (302, f"{path}?lang=zh")
        assert (await page(browser, f"{path}?lang=zh"))[0] == 200
        foreign = {"headers": {"Origin": "https://elsewhere.example"}}
        assert (await page(browser, f"{path}/human", {}, **foreign))[0] == 403
        assert (await page(browser, f"{path}?token=wrong"))[0] == 302


async def test_a_ticket_that_was_joined_to_another_leads_to_it(system):
    async with Customer(system) as customer, DeskAgent(system) as agent:
        gone, stays = await ticket_of(customer), await ticket_of(customer, "transit_urge")
        body = {"category": "transit_urge"}
        await agent.good("POST", f"/api/agent/tickets/{gone}/category", body)
        _, html, _ = await page(customer, f"/chat/tickets/{gone}?lang=zh")
        assert "与您登记的另一件事合并办理" in html
        assert f'href="/chat/tickets/{stays}?lang=zh"' in html


async def test_agents_see_more_and_customers_nothing_of_it(system):
    async with Customer(system) as customer, DeskAgent(system) as agent:
        await customer.open()
        await customer.human()
        path = f"/api/agent/conversations/{customer.conversation}"
        await agent.good("POST", f"{path}/claim", {})
        body = {"category": "damage_claim", "text": "客户很急，先安抚", "client_id": "1"}
        ticket = (await agent.good("POST", f"{path}/tickets", body))["ticket"]["id"]
        await agent.good("POST", f"/api/agent/tickets/{ticket}/resolve", {})

        told = await agent.good("GET", f"/api/agent/tickets/{ticket}?lang=en")
        opened, done = told["timeline"]["past"]
        assert (opened["by"], opened["quote"]) == ("小林", "客户很急，先安抚")
        assert (done["by"], done["text"]) == ("小林", "Done: our team dealt with it")
        shown = json.dumps(
            {
                key: value
                for key, value in (await customer.good("GET", f"/api/tickets/{ticket}")).items()
                if key != "completed_because"
            },
            ensure_ascii=False,
        )
        assert "客服为您登记了“破损理赔”" in shown
        assert "小林" not in shown and "安抚" not in shown
        async with Person(system) as nobody:
            status, _ = await nobody.call("GET", f"/api/agent/tickets/{ticket}")
            assert status == 401
