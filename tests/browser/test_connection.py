"""Nothing lost, nothing twice: reloads, dead networks, blocked streams."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from visits import say

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def texts(events, author="customer"):
    """What `author` said, in order."""
    return [e["text"] for e in events if e["kind"] == "message" and e["author"] == author]


def test_a_reload_brings_the_whole_conversation_back(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    say(page, "快递员一直不来取件，帮我催一下")
    expect(page.locator(".ticket")).to_be_visible()
    before = page.locator(".row p").all_inner_texts()
    page.reload()
    expect(page.locator(".ticket")).to_be_visible()
    assert page.locator(".row p").all_inner_texts()[: len(before)] == before


def test_what_is_written_offline_survives_a_reload_and_arrives_exactly_once(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    order = customer.order()
    page = customer.chat(order)
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]")).to_have_count(2)

    customer.context.set_offline(True)
    say(page, "断网时写的第一句")
    say(page, "断网时写的第二句")
    expect(page.locator(".row[data-pending]")).to_have_count(2)
    expect(page.locator(".network")).to_contain_text("网络断开")

    # The page is closed in the tunnel and opened again outside.
    page.close()
    customer.context.set_offline(False)
    customer.page = customer.context.new_page()
    customer.watch(customer.page)
    page = customer.chat(order)
    expect(page.locator(".row[data-author=customer]:not([data-pending])")).to_have_count(3)
    assert texts(customer.events(order)) == ["你好", "断网时写的第一句", "断网时写的第二句"]
    assert page.evaluate("localStorage.getItem('kefu.outbox')") is None


def test_a_message_whose_answer_was_lost_is_not_stored_twice(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    order = customer.order()
    page = customer.chat(order)
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]")).to_have_count(2)
    lost = []

    def lose_the_answer(route):
        if lost:
            return route.continue_()
        lost.append(route.fetch().status)  # the desk has stored it
        return route.abort("connectionreset")

    page.route("**/messages", lose_the_answer)
    say(page, "谢谢")
    expect(page.locator(".row[data-author=customer]:not([data-pending])")).to_have_count(2)
    expect(page.locator(".row")).to_have_count(5)  # the bot has answered both
    assert lost == [202]
    assert texts(customer.events(order)) == ["你好", "谢谢"]
    assert page.evaluate("localStorage.getItem('kefu.outbox')") is None


def test_news_from_the_time_without_network_arrives_when_it_is_back(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    order = customer.order()
    page = customer.chat(order)
    say(page, "快递员一直不来取件，帮我催一下")
    expect(page.locator(".ticket")).to_have_attribute("data-state", "open")
    customer.context.set_offline(True)
    expect(page.locator(".network")).to_contain_text("网络断开")
    assert customer.report(order, 10)["status"] == 200
    customer.context.set_offline(False)
    expect(page.locator(".ticket")).to_have_attribute("data-state", "completed")
    expect(page.locator(".network")).to_be_empty()


def test_the_chat_works_where_streams_do_not_get_through(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    customer.page.route("**/stream?**", lambda route: route.abort())
    order = customer.order()
    page = customer.chat(order)
    say(page, "快递员一直不来取件，帮我催一下")
    expect(page.locator(".ticket")).to_have_attribute("data-state", "open")
    assert customer.report(order, 10)["status"] == 200
    expect(page.locator(".ticket")).to_have_attribute("data-state", "completed")


def test_two_tabs_show_the_same_conversation(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    other = customer.context.new_page()
    customer.watch(other)
    other.goto(page.url)
    expect(other.locator("[data-category]").first).to_be_visible()
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]")).to_have_count(2)
    say(other, "我是同一个人")
    expect(page.locator(".row[data-author=customer]")).to_have_count(2)
    assert texts(customer.events(order)) == ["你好", "我是同一个人"]


def test_a_refused_message_stays_with_a_way_to_retry_or_remove_it(visit):
    customer = visit()
    customer.login()
    customer.network_trouble = True
    page = customer.chat(customer.order())
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]")).to_have_count(2)
    refusal = {"error": {"code": "text_blank", "message": "这条不行"}}
    page.route("**/messages", lambda route: route.fulfill(status=422, json=refusal))
    say(page, "再见")
    failed = page.locator(".row[data-failed]")
    expect(failed).to_contain_text("这条不行")
    page.unroute("**/messages")
    failed.get_by_role("button", name="重新发送").click()
    expect(failed).to_have_count(0)
    expect(page.locator(".row[data-author=customer]:not([data-pending])")).to_have_count(2)
