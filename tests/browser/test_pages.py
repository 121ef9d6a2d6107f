"""What the pages look and feel like: language, phone, keyboard, embedding, privacy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from visits import PHONE, say

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def test_the_english_page_is_english_throughout(visit):
    customer = visit(locale="en-GB")
    customer.login()
    page = customer.chat(customer.order(), lang="en")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    expect(page.locator("[data-category=pickup_urge]")).to_have_text("Pick up my parcel")
    page.locator("[data-category=false_pickup]").click()
    say(page, "My parcel has not been collected yet, so why was I charged?")
    page.locator("[data-choice=pickup_urge]").click()
    expect(page.locator(".ticket")).to_contain_text("Pick up my parcel")
    shown = page.locator("kefu-chat").inner_text().replace("中文", "")
    assert not CHINESE.search(shown), shown
    assert not re.search(r"\b[a-z]+\.[a-z_]+\b", shown), f"a key instead of a sentence: {shown}"


def test_the_language_can_be_switched_and_is_remembered(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()
    page.goto(f"{customer.url}/chat")
    expect(page.get_by_role("button", name="Talk to a person")).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_everything_without_scrolling_sideways(visit, lang, width):
    customer = visit({**PHONE, "viewport": {"width": width, "height": 700}})
    customer.login()
    page = customer.chat(customer.order(), lang=lang)
    page.locator("[data-category=false_pickup]").tap()
    say(page, "这个快递还未取件,怎么就产生费用了?")
    expect(page.locator("[data-choice=pickup_urge]")).to_be_visible()
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    expect(page.locator("[data-human]")).to_be_in_viewport(ratio=1)
    page.goto(f"{customer.url}/demo?lang={lang}")
    expect(page.locator(".card .help").first).to_be_visible()
    assert not page.evaluate(wide)


def test_everything_to_tap_is_at_least_44_pixels_high(visit):
    customer = visit(PHONE)
    customer.login()
    page = customer.chat(customer.order())
    expect(page.locator("[data-category]").first).to_be_visible()
    small = page.locator("button, a, textarea").evaluate_all(
        "nodes => nodes.filter(node => node.getBoundingClientRect().height < 44)"
        ".map(node => node.outerHTML)"
    )
    assert small == []


def test_enter_sends_but_not_while_pinyin_is_being_composed(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    field = page.locator("#kefu-text")
    field.fill("nihao")
    # Chromium says isComposing, Safari only key code 229.
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        event = {"key": "Enter", "bubbles": True, "cancelable": True, **composing}
        field.dispatch_event("keydown", event)
    expect(page.locator(".row[data-author=customer]")).to_have_count(0)
    field.press("Shift+Enter")
    expect(field).to_have_value("nihao\n")
    field.press("Enter")
    expect(page.locator(".row[data-author=customer]")).to_have_count(1)


def test_the_thread_is_a_log_for_screen_readers(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    say(page, "你好")
    log = page.get_by_role("log", name="对话记录")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).to_contain_text("您说：")
    expect(log).to_contain_text("机器人说：")


def test_a_merchants_token_opens_the_session_and_leaves_the_address(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    token = customer.api("POST", "/api/demo/login", {"customer": "demo-wang"})["merchant_token"]
    customer.context.clear_cookies()
    page = customer.page
    page.goto(f"{customer.url}/chat?order={order}&lang=zh&token={token}")
    expect(page.locator("[data-category]").first).to_be_visible()
    assert "token" not in page.url
    page.reload()
    expect(page.locator("[data-category]").first).to_be_visible()


def test_without_a_session_the_page_says_where_to_come_from(visit):
    stranger = visit()
    stranger.network_trouble = True  # the 401
    page = stranger.page
    page.goto(f"{stranger.url}/chat?order=keyboard-000000&lang=zh")
    expect(page.get_by_role("alert")).to_contain_text("请重新进入客服")


def test_somebody_elses_order_is_not_opened(visit):
    customer = visit()
    customer.login("demo-li")
    foreign = customer.order("medicine")
    customer.login("demo-wang")
    page = customer.chat(foreign)
    expect(page.locator(".notice")).to_contain_text("没有找到这个快递")
    expect(page.locator(".order").first).to_be_visible()


def test_nothing_about_the_customer_stays_in_the_browser_but_what_is_unsent(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]")).to_have_count(2)
    assert set(page.evaluate("Object.keys(localStorage)")) <= {"kefu.lang"}
    assert page.evaluate("Object.keys(sessionStorage)") == []


def test_the_widget_takes_the_focus_and_gives_it_back(visit):
    shop = visit()
    shop.login()
    page = shop.page
    page.goto(f"{shop.url}/demo?lang=zh")
    help_button = page.locator("[data-order^=keyboard-] .help")
    help_button.click()
    chat = page.frame_locator("#kefu-panel iframe")
    expect(chat.locator("#kefu-text")).to_be_focused()
    chat.get_by_role("button", name="关闭聊天窗口").click()
    expect(page.locator("#kefu-panel")).to_be_hidden()
    expect(help_button).to_be_focused()


def test_the_page_works_in_the_dark_and_without_motion(visit):
    customer = visit(color_scheme="dark", reduced_motion="reduce")
    customer.login()
    page = customer.chat(customer.order())
    expect(page.locator("[data-category]").first).to_be_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(17, 23, 22)"


def test_a_merchants_page_needs_one_script_tag(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    token = customer.api("POST", "/api/demo/login", {"customer": "demo-wang"})["merchant_token"]
    customer.context.clear_cookies()
    page = customer.page
    attributes = f'data-token="{token}" data-order="{order}" data-lang="zh"'
    shop = (
        "<!doctype html><title>shop</title><link rel=icon href=data:,>"
        f'<h1>shop</h1><script src="/widget.js" {attributes}></script>'
    )
    page.route("**/merchant", lambda route: route.fulfill(body=shop, content_type="text/html"))
    page.goto(f"{customer.url}/merchant")
    launcher = page.get_by_role("button", name="联系客服")
    expect(launcher).to_have_attribute("aria-expanded", "false")
    launcher.click()
    chat = page.frame_locator("#kefu-panel iframe")
    expect(chat.locator("[data-category]").first).to_be_visible()
    expect(chat.locator("#kefu-text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#kefu-panel")).to_be_hidden()
    expect(launcher).to_be_focused()
