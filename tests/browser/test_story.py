"""The story of the design in a real browser: shop, chat, question, ticket, callback, reopen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from visits import PHONE, say

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SEED = "这个快递还未取件,怎么就产生费用了?"


def test_a_wrongly_ticked_request_is_asked_about_ticketed_completed_and_reopened(visit):
    shop = visit()
    shop.login()
    page = shop.page
    page.goto(f"{shop.url}/demo?lang=zh")
    page.locator("[data-customer=demo-wang]").click()
    card = page.locator("[data-order^=keyboard-]")
    card.locator(".help").click()

    chat = page.frame_locator("#kefu-panel iframe")
    chat.locator("[data-category=false_pickup]").click()
    expect(chat.locator("[data-category=false_pickup]")).to_have_attribute("aria-pressed", "true")
    chat.locator("#kefu-text").fill(SEED)
    chat.locator(".send").click()

    # One question, in the customer's own terms, with none-of-these and a person beside the answers.
    choices = chat.locator("[data-choice]")
    expect(chat.locator("[data-choice=pickup_urge]")).to_be_visible()
    offered = choices.evaluate_all("nodes => nodes.map(node => node.dataset.choice)")
    assert {"pickup_urge", "charge_dispute", "none", "human"} <= set(offered)
    expect(chat.locator('.row[data-author="customer"]')).to_have_count(1)
    expect(chat.locator(".row[data-author=customer] .ticked")).to_have_text("虚假发货")

    chat.locator("[data-choice=pickup_urge]").click()
    ticket = chat.locator(".ticket")
    expect(ticket).to_have_attribute("data-state", "open")
    expect(ticket).to_contain_text("催取件")
    expect(chat.locator("[data-choice=pickup_urge]")).to_have_count(0)

    page.keyboard.press("Escape")
    card.locator("summary").click()
    card.locator("[data-push='10']").click()
    outcome = card.locator(".outcome")
    expect(outcome).to_have_attribute("data-accepted", "yes")
    expect(outcome).to_contain_text('"returnCode": "200"')
    expect(card.locator(".pill")).to_have_attribute("data-state", "collected")

    card.locator(".help").click()
    expect(ticket).to_have_attribute("data-state", "completed")
    ticket.locator(".reopen").click()
    expect(ticket).to_have_attribute("data-state", "open")
    expect(ticket.locator(".reopen")).to_have_count(0)


def test_a_question_about_the_carriers_word_is_answered_with_one_tap(visit):
    customer = visit()
    customer.login()
    order = customer.order()
    page = customer.chat(order)
    say(page, "快递员一直没来取件，帮我催一下")
    ticket = page.locator(".ticket")
    expect(ticket).to_have_attribute("data-state", "open")
    expect(ticket.locator("[data-settled]")).to_have_count(0)
    customer.report(order, 99)  # the carrier called it off: perhaps it is still wanted
    expect(ticket.locator("[data-settled=yes]")).to_have_text("已解决")
    expect(page.locator(".row").last).to_contain_text("订单已被快递公司取消")
    ticket.locator("[data-settled=no]").click()
    expect(ticket.locator("[data-settled]")).to_have_count(0)
    expect(page.locator(".row").filter(has_text="我们继续跟进")).to_be_visible()
    expect(ticket).to_have_attribute("data-state", "open")
    owners = [event["owner"] for event in customer.events(order) if event["kind"] == "owner"]
    assert owners == ["queue"]  # nothing more can come from the carrier


def test_a_wrongly_signed_callback_is_refused_and_the_shop_says_so(visit):
    shop = visit()
    shop.login()
    page = shop.page
    page.goto(f"{shop.url}/demo?lang=zh")
    card = page.locator("[data-order^=keyboard-]")
    card.locator("summary").click()
    card.locator("[data-push=bad]").click()
    expect(card.locator(".outcome")).to_have_attribute("data-accepted", "no")
    expect(card.locator(".pill")).to_have_attribute("data-state", "accepted")


def test_the_shop_opens_the_chat_as_a_page_on_a_phone(visit):
    shop = visit(PHONE)
    shop.login()
    page = shop.page
    page.goto(f"{shop.url}/demo?lang=zh")
    page.locator("[data-order^=keyboard-] .help").click()
    page.wait_for_url("**/chat?order=keyboard-*")
    expect(page.locator("[data-category]").first).to_be_visible()


def test_the_first_message_of_the_bot_says_that_it_is_one(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    expect(page.locator("[data-owner=bot]").first).to_contain_text("机器人")
    say(page, "你好")
    expect(page.locator(".row[data-author=bot]").first).to_contain_text("机器人")


def test_choices_disappear_once_the_customer_writes_instead(visit):
    customer = visit()
    customer.login()
    page = customer.chat(customer.order())
    page.locator("[data-category=false_pickup]").click()
    say(page, SEED)
    expect(page.locator("[data-choice=pickup_urge]")).to_be_visible()
    stale = page.locator("[data-choice=pickup_urge]").element_handle()
    say(page, "催快递员来取件")
    expect(page.locator(".row[data-author=customer]")).to_have_count(2)
    assert stale is not None
    expect(page.locator(".ticket")).to_be_visible()
    assert not stale.is_visible()
