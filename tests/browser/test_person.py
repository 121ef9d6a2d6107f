"""转人工 is there at every moment, and one tap is enough."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from visits import PHONE, say

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def handovers(events):
    """The events by which the conversation went to the queue."""
    return [e for e in events if e["kind"] == "owner" and e.get("owner") == "queue"]


def test_a_person_can_be_the_very_first_act(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    page.get_by_role("button", name="转人工").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    assert len(handovers(customer.events(order))) == 1


def test_ten_taps_are_one_handover(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    button = page.locator("[data-human]")
    button.evaluate("button => { for (let i = 0; i < 5; i += 1) button.click(); }")
    for _ in range(5):
        page.locator("[data-human]").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    assert len(handovers(customer.events(order))) == 1
    expect(page.locator("[data-human]")).to_be_visible()


def test_a_tap_before_the_script_has_loaded_is_kept(visit):
    customer = visit(PHONE)
    customer.login()
    order = customer.order()
    page = customer.page

    def late(route):
        page.wait_for_timeout(1500)
        route.continue_()

    page.route("**/kefu-chat.js*", late)
    page.goto(f"{customer.url}/chat?order={order}", wait_until="commit")
    page.locator("kefu-chat:not(:defined) [data-human]").tap()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    assert len(handovers(customer.events(order))) == 1


def test_a_tap_without_network_is_carried_out_when_it_is_back(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    order = customer.order()
    page = customer.chat(order)
    expect(page.locator("[data-category]").first).to_be_visible()
    customer.context.set_offline(True)
    page.locator("[data-human]").click()
    expect(page.locator("[data-human]")).to_contain_text("正在转人工")
    customer.context.set_offline(False)
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    assert len(handovers(customer.events(order))) == 1


def test_the_way_to_a_person_works_without_any_stream(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    customer.page.route("**/stream?**", lambda route: route.abort())
    page = customer.chat(customer.order())
    page.locator("[data-human]").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()


def test_in_the_middle_of_a_question_the_button_beside_the_choices_does_the_same(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    page.locator("[data-category=false_pickup]").click()
    say(page, "这个快递还未取件,怎么就产生费用了?")
    page.locator("[data-choice=human]").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    expect(page.locator("[data-choice]")).to_have_count(0)
    assert len(handovers(customer.events(order))) == 1


def test_from_the_list_of_orders_a_person_is_one_more_tap_away(visit):
    customer = visit(PHONE)
    customer.login()
    order = customer.order()
    page = customer.page
    page.goto(f"{customer.url}/chat")
    expect(page.locator(".order").first).to_be_visible()
    page.locator("[data-human]").tap()
    page.locator(".order", has_text="机械键盘").first.tap()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    assert len(handovers(customer.events(order))) == 1


def test_a_slow_bot_is_admitted_and_a_person_offered(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    order = customer.order()
    page = customer.page

    def without_the_bot(route):
        answer = route.fetch()
        events = [event for event in answer.json()["events"] if event["author"] != "bot"]
        route.fulfill(response=answer, json={"events": events})

    page.route("**/stream?**", lambda route: route.abort())
    page.route("**/events?**", without_the_bot)
    customer.chat(order)
    say(page, "你好")
    waiting = page.locator(".waiting")
    expect(waiting).to_contain_text("还在处理，您也可以转人工")
    waiting.get_by_role("button", name="转人工").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


def test_the_customer_sees_who_the_person_is_and_what_they_write(visit):
    customer, agent = visit(), visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    page.locator("[data-human]").click()
    expect(page.locator("[data-owner=queue]")).to_be_visible()
    conversation = customer.api("GET", f"/api/conversations?order_id={order}")["id"]

    agent.api("POST", "/api/agent/login", {"login": "agent", "password": "kefu-agent"})
    path = f"/api/agent/conversations/{conversation}"
    agent.api("POST", f"{path}/claim", {})
    expect(page.locator("[data-owner=agent]")).to_contain_text("小林")
    expect(page.locator("[data-human]")).to_have_text("人工服务中")
    agent.api("POST", f"{path}/typing", {})
    expect(page.locator(".waiting")).to_be_visible()
    agent.api("POST", f"{path}/messages", {"client_id": "browser-test-1", "text": "我来帮您查"})
    expect(page.locator(".row[data-author=agent]")).to_contain_text("我来帮您查")
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".menu")).to_have_count(0)
    agent.api("POST", f"{path}/resolve", {})
    expect(page.locator("[data-owner=bot]")).to_be_visible()
