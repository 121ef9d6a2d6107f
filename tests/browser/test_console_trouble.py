"""The console when things go wrong: hostile words, lost claims, cut lines, ended sessions."""

from __future__ import annotations

import pytest
from consoles import claim, log_of, row, send, sign_in, waiting, writes
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">"\'{{7*7}}'


@pytest.fixture
def customer(visit):
    """A sample customer with fresh orders."""
    made = visit()
    made.login()
    return made


def test_hostile_words_are_only_words(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer, HOSTILE)
    expect(row(page, conversation).locator(".words")).to_have_text(HOSTILE)
    claim(page, conversation)
    bubble = page.locator("#log .by-customer .bubble")
    expect(bubble).to_have_text(HOSTILE)
    send(page, HOSTILE)
    expect(page.locator("#log .by-agent .bubble")).to_have_text(HOSTILE)
    writes(customer, conversation, HOSTILE)
    expect(bubble).to_have_text([HOSTILE, HOSTILE])
    assert page.locator("#log script, #log img, #side script, .row img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_of_two_claims_at_once_one_wins_and_the_other_is_told(visit, customer):
    one, two = visit(), visit()
    one.network_trouble = two.network_trouble = True  # the browser reports the 409
    pages = {"小林": sign_in(one, "agent"), "小周": sign_in(two, "agent2")}
    conversation = waiting(customer)
    for page in pages.values():
        expect(row(page, conversation)).to_be_visible()
    for page in pages.values():
        page.evaluate(
            "id => setTimeout(() => document.querySelector(`[data-claim=${id}]`).click(),"
            " 1000 - Date.now() % 1000)",
            conversation,
        )
    told = "已经接待了这位客户"
    for page in pages.values():
        page.wait_for_function(
            "told => document.querySelector('#head-state[data-mine=yes]')"
            " || document.querySelector('#alarms').textContent.includes(told)",
            arg=told,
        )
    won = [n for n, page in pages.items() if page.locator("#head-state[data-mine=yes]").count()]
    assert len(won) == 1
    loser = next(page for name, page in pages.items() if name != won[0])
    expect(loser.locator("#alarms")).to_contain_text(f"{won[0]}{told}")
    expect(row(loser, conversation)).to_have_count(0)


def test_who_only_reads_cannot_reply_but_a_supervisor_can_put_it_back(visit, customer):
    owner, boss = sign_in(visit(), "agent"), sign_in(visit(), "supervisor")
    conversation = waiting(customer)
    row(boss, conversation).locator(".words").click()  # looks before anybody claims
    expect(boss.locator("#head-state")).to_have_attribute("data-owner", "queue")
    claim(owner, conversation)
    expect(boss.locator(".owner")).to_have_text("小林在接待")
    expect(boss.locator("#composer-send")).to_be_disabled()
    boss.get_by_role("tab", name="内部备注").click()
    send(boss, "先查重量")
    expect(owner.locator("#log .note")).to_contain_text("先查重量")
    boss.get_by_role("button", name="放回队列").click()
    expect(owner.locator("#head-state")).to_have_attribute("data-owner", "queue")
    expect(owner.locator("#composer-send")).to_be_disabled()


def test_a_message_that_cannot_be_sent_is_kept_and_sent_later(visit, customer):
    agent = visit()
    agent.network_trouble = True
    page = sign_in(agent)
    conversation = waiting(customer)
    claim(page, conversation)
    agent.context.set_offline(True)
    send(page, "马上为您处理")
    kept = page.locator("#pending li")
    expect(kept).to_contain_text("没发出去")
    agent.context.set_offline(False)
    page.reload()
    expect(kept).to_contain_text("马上为您处理")  # not even a reload loses it
    kept.get_by_role("button", name="重试").click()
    expect(page.locator("#log .by-agent .bubble")).to_have_text("马上为您处理")
    expect(kept).to_have_count(0)
    said = [e["text"] for e in log_of(customer, conversation) if e["author"] == "agent"]
    assert said == ["马上为您处理"]


def test_what_happens_while_the_stream_is_cut_is_found_afterwards(visit, customer):
    agent = visit()
    agent.network_trouble = True
    page = sign_in(agent)
    conversation = waiting(customer)
    claim(page, conversation)
    page.locator("#composer-text").fill("写到一半")
    agent.context.set_offline(True)
    expect(page.locator("#connection")).to_have_attribute("data-state", "retry")
    writes(customer, conversation, "断线时说的话")
    another = waiting(customer, key="books")
    agent.context.set_offline(False)
    expect(page.locator("#log")).to_contain_text("断线时说的话")
    expect(row(page, another)).to_be_visible()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#composer-text")).to_have_value("写到一半")


def test_refreshes_leave_half_written_words_alone(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer)
    claim(page, conversation)
    page.get_by_text("新建工单").click()
    form = page.locator(".new-ticket form")
    form.locator("select").select_option("pickup_urge")
    form.locator("textarea").fill("催取件")
    form.get_by_role("button", name="建工单").click()
    ticket = page.locator("#side-tickets .ticket")
    ticket.get_by_text("办结", exact=True).click()
    ticket.locator("textarea").fill("写到一半的结果")
    page.locator("#composer-text").fill("写到一半的回复")
    with page.expect_response("**/side"):
        customer.report(customer.order(), 1)  # a carrier's news
        writes(customer, conversation, "还在吗")
        page.evaluate("htmx.trigger('#side', 'desk:refresh')")
    expect(page.locator("#log")).to_contain_text("还在吗")
    expect(ticket.locator("textarea")).to_have_value("写到一半的结果")
    expect(page.locator("#composer-text")).to_have_value("写到一半的回复")


def test_without_any_stream_the_page_looks_for_itself(visit, customer):
    agent = visit()
    agent.network_trouble = True
    page = sign_in(agent)
    conversation = waiting(customer)
    claim(page, conversation)
    page.route("**/api/agent/stream", lambda route: route.abort())
    page.reload()
    expect(page.locator("#connection")).to_have_attribute("data-state", "retry")
    writes(customer, conversation, "没有推送也要看到")
    expect(page.locator("#log")).to_contain_text("没有推送也要看到")
    another = waiting(customer, key="books")
    expect(row(page, another)).to_be_visible()


def test_an_ended_session_is_said_and_the_draft_survives_signing_in_again(visit, customer):
    agent = visit()
    agent.network_trouble = True
    page = sign_in(agent)
    conversation = waiting(customer)
    claim(page, conversation)
    page.locator("#composer-text").fill("别丢了这句")
    agent.context.clear_cookies(name="kefu_agent")
    writes(customer, conversation, "你好")
    expect(page.locator("#expired")).to_be_visible()
    with page.expect_navigation():  # until the form's script has loaded, too
        page.get_by_role("link", name="重新登录").click()
    page.locator("#login-name").fill("agent")
    page.locator("#login-password").fill("kefu-agent")
    page.locator("#login-password").press("Enter")
    row(page, conversation).get_by_role("link").click()
    expect(page.locator("#composer-text")).to_have_value("别丢了这句")
    # htmx, too, reports the 401 that this test is about
    agent.complaints = [words for words in agent.complaints if "Error Code 401" not in words]


def test_enter_that_ends_a_composition_does_not_send(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer)
    claim(page, conversation)
    box = page.locator("#composer-text")
    box.fill("拼音")
    for signs in ({"isComposing": True}, {"keyCode": 229}):  # Safari has only the second
        box.evaluate(
            "(box, signs) => box.dispatchEvent(new KeyboardEvent('keydown',"
            " {key: 'Enter', bubbles: true, cancelable: true, ...signs}))",
            signs,
        )
    expect(box).to_have_value("拼音")
    expect(page.locator("#log .by-agent")).to_have_count(0)
