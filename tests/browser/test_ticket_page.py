"""A ticket's page in a real browser: the story on it, on phone and desktop, in both languages."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from consoles import claim, sign_in
from playwright.sync_api import Page, expect
from visits import DESKTOP, PHONE, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WORDS = "约的今天上门，快递员还没来取件"
COLLECTED = 10
#: What the story says on the page.
SAID = {
    "zh": {
        "link": "查看进度",
        "title": "办理进度",
        "completes": "收到“快递已揽收”的消息，就自动办结",
        "done": "已办结：快递已揽收",
        "reopened": "您要求重新处理，按“虚假发货”继续跟进",
        "open": "已登记",
        "completed": "已办结",
    },
    "en": {
        "link": "See the progress",
        "title": "Progress",
        "completes": "Completes by itself once we hear that the parcel was collected",
        "done": "Done: the parcel was collected",
        "reopened": "You reopened it; we go on with it as “Marked as shipped, but it was not”",
        "open": "Registered",
        "completed": "Done",
    },
}


def ticket_of(customer: Visit, token: str, category: str = "pickup_urge") -> tuple[str, str]:
    """A ticket in the customer's own words, as the bot opens it; returns it and its order."""
    order = customer.order()
    body: dict[str, Any] = {"order_id": order, "client_id": uuid.uuid4().hex}
    conversation = customer.api("POST", "/api/conversations", body)["id"]
    asked = {
        "conversation_id": conversation,
        "epoch": 1,
        "category": category,
        "idempotency_key": uuid.uuid4().hex,
        "text": WORDS,
    }
    answer = customer.context.request.post(
        f"{customer.url}/api/bot/tickets",
        data=asked,
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.ok, answer.text()
    return answer.json()["ticket"]["id"], order


def test_abroad_the_chat_and_the_page_tell_the_same_time(visit, kefu):
    customer = visit(PHONE | {"timezone_id": "America/New_York"})
    customer.login()
    _, order = ticket_of(customer, kefu.service_token)
    page = customer.chat(order, "zh")
    promised = page.locator("p", has_text=re.compile(r"\d\d:\d\d 前告诉您进展"))
    clock = re.search(r"\d\d:\d\d", promised.inner_text())
    page.get_by_role("link", name=SAID["zh"]["link"]).click()
    expect(page.locator(".timeline.next")).to_contain_text(f"{clock[0]} 前")


def shown(page: Page) -> tuple[list[str], list[str]]:
    """The sentences under "next" and under "past"."""
    next_ = page.locator(".timeline.next li > p").all_inner_texts()
    return next_, page.locator(".timeline.past li > p").all_inner_texts()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_from_the_chat_to_the_page_completed_before_ones_eyes_and_reopened(
    visit, kefu, device, lang
):
    said = SAID[lang]
    customer = visit(device)
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    page = customer.chat(order, lang)
    page.get_by_role("link", name=said["link"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(said["title"])
    expect(page.locator(".pill")).to_have_text(said["open"])
    expect(page.locator(".timeline.next")).to_contain_text(said["completes"])
    expect(page.locator(".timeline.past blockquote")).to_have_text(WORDS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    customer.report(order, COLLECTED)  # nobody reloads
    expect(page.locator(".pill")).to_have_text(said["completed"])
    expect(page.locator(".timeline.past li").first).to_contain_text(said["done"])
    expect(page.locator("#fresh")).not_to_be_empty()  # said to readers of the screen

    page.locator("#reopen").click()
    expect(page.locator(".timeline.past li").first).to_contain_text(said["reopened"])
    expect(page.locator("#reopen")).to_have_count(0)
    assert customer.api("GET", f"/api/tickets/{ticket}")["state"] == "open"

    page.locator("#talk").click()
    page.wait_for_url(f"**/chat?*order={order}*")
    expect(page.locator(".ticket")).to_have_attribute("data-state", "open")


def test_inside_a_shops_page_it_stays_there_and_finds_back(visit, kefu):
    customer = visit(DESKTOP)
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    page = customer.page
    page.goto(f"{customer.url}/demo?lang=zh")
    page.locator("[data-customer=demo-wang]").click()
    page.locator(f"[data-order={order}] .help").click()
    panel = page.frame_locator("#kefu-panel iframe")
    panel.get_by_role("link", name="查看进度").click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("办理进度")
    frame = page.locator("#kefu-panel iframe").element_handle().content_frame()
    assert frame is not None
    frame.wait_for_load_state()  # its script listens, too
    panel.locator("#language").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#kefu-panel")).to_be_hidden()
    page.locator(f"[data-order={order}] .help").click()
    panel.locator("#back").click()
    expect(panel.locator(f"[data-ticket={ticket}]")).to_be_visible()


def test_it_works_without_any_script(visit, kefu):
    customer = visit(PHONE, java_script_enabled=False)
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    customer.report(order, COLLECTED)
    page = customer.page
    page.goto(f"{customer.url}/chat/tickets/{ticket}?lang=zh")
    expect(page.locator(".timeline.past li").first).to_contain_text("已办结：快递已揽收")
    page.locator("#reopen").click()
    expect(page.locator(".pill")).to_have_text("已登记")
    page.locator("#settled-yes").click()
    expect(page.locator(".timeline.past li").first).to_contain_text("您确认已解决，已办结")


def test_a_person_is_called_from_the_page(visit, kefu):
    customer = visit(PHONE)
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    page = customer.page
    page.goto(f"{customer.url}/chat/tickets/{ticket}?lang=zh")
    page.get_by_role("button", name="转人工").click()
    page.wait_for_url(f"**/chat?*order={order}*")
    expect(page.locator("[data-owner=queue]").first).to_be_visible()
    page.go_back()
    expect(page.locator(".timeline.next")).to_contain_text("已请客服跟进")


def test_news_leaves_focus_and_place_where_they_are(visit, kefu):
    customer = visit(PHONE)
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    page = customer.page
    page.goto(f"{customer.url}/chat/tickets/{ticket}?lang=zh")
    page.locator("#talk").focus()
    before = page.evaluate("scrollY")
    customer.report(order, COLLECTED)
    expect(page.locator(".pill")).to_have_text("已办结")
    assert page.evaluate("document.activeElement.id") == "talk"
    assert abs(page.evaluate("scrollY") - before) < 200


def test_without_a_network_it_stays_and_says_so_and_comes_back(visit, kefu):
    customer = visit(PHONE)
    customer.network_trouble = True
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    page = customer.page
    page.goto(f"{customer.url}/chat/tickets/{ticket}?lang=zh")
    customer.context.set_offline(True)
    expect(page.locator("#network")).to_be_visible()
    expect(page.locator(".timeline.past")).to_contain_text("已为您登记“催取件”")
    customer.report(order, COLLECTED)
    customer.context.set_offline(False)
    expect(page.locator(".pill")).to_have_text("已办结")
    expect(page.locator("#network")).to_be_hidden()


def test_the_keyboard_and_readers_find_it_in_order_and_fingers_hit_it(visit, kefu):
    customer = visit(PHONE)
    customer.login()
    ticket, _ = ticket_of(customer, kefu.service_token)
    page = customer.page
    page.goto(f"{customer.url}/chat/tickets/{ticket}?lang=zh")
    headings = page.get_by_role("heading").all_inner_texts()
    assert headings == ["办理进度", "催取件", "接下来", "已经发生的"]
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert reached == ["back", "language", "human", "talk", "settled-yes"]
    small = page.evaluate(
        "[...document.querySelectorAll('a, button')]"
        ".filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.id)"
    )
    assert small == []
    moves = page.evaluate(
        "[...document.querySelectorAll('*')].filter((one) => "
        "getComputedStyle(one).animationName !== 'none').length"
    )
    assert moves == 0


def test_another_customers_ticket_is_not_there(visit, kefu):
    owner, stranger = visit(), visit()
    owner.login()
    ticket, _ = ticket_of(owner, kefu.service_token)
    stranger.network_trouble = True  # the browser reports the 404
    stranger.login("demo-li")
    stranger.page.goto(f"{stranger.url}/chat/tickets/{ticket}?lang=zh")
    expect(stranger.page.locator("h2")).to_have_text("没有找到这条记录")
    expect(stranger.page.locator(".timeline")).to_have_count(0)


def test_the_agent_has_the_same_with_more_in_the_side_panel(visit, kefu):
    customer = visit()
    customer.login()
    ticket, order = ticket_of(customer, kefu.service_token)
    conversation = customer.api("GET", f"/api/conversations?order_id={order}")["id"]
    customer.api("POST", f"/api/conversations/{conversation}/human", {})
    page = sign_in(visit())
    claim(page, conversation)
    page.locator(f"#timeline-{ticket} > summary").click()
    fold = page.locator(f"#timeline-{ticket}")
    expect(fold).to_contain_text("法定期限")
    expect(fold.locator(".timeline.past li").last).to_contain_text("机器人")
    customer.report(order, COLLECTED)
    expect(fold.locator(".timeline.past")).to_contain_text("已办结：快递已揽收")
    expect(fold).to_have_attribute("open", "")  # still open after the refresh
