"""The agent's day at the console: sign in, claim, talk, note, work on tickets, give back."""

from __future__ import annotations

import re

import pytest
from consoles import claim, log_of, row, send, sign_in, waiting, writes
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def customer(visit):
    """A sample customer with fresh orders."""
    made = visit()
    made.login()
    return made


def test_a_wrong_password_is_said_and_a_right_one_opens_the_desk(visit):
    agent = visit()
    agent.network_trouble = True  # the browser reports the 401
    page = agent.page
    page.goto(f"{agent.url}/desk?lang=zh")
    page.locator("#login-name").fill("agent")
    page.locator("#login-password").fill("wrong")
    page.get_by_role("button", name="登录").click()
    expect(page.locator("#login-error")).to_have_text("账号或密码不对，请再试一次。")
    page.locator("#login-password").fill("kefu-agent")
    page.get_by_role("button", name="登录").click()
    expect(page.locator(".who")).to_contain_text("小林")
    expect(page.locator(".who")).to_contain_text("客服")
    page.get_by_role("button", name="退出登录").click()
    expect(page.locator("#login")).to_be_visible()


def test_a_new_arrival_is_seen_and_heard(visit, customer):
    page = sign_in(visit())
    page.locator("body").click(position={"x": 700, "y": 400})  # sound needs a gesture
    before = len(page.evaluate("window.chimes"))
    conversation = waiting(customer, "快递员一直没来，帮我催一下")
    arrived = row(page, conversation)
    expect(arrived).to_contain_text("王女士")
    expect(arrived).to_contain_text("快递员一直没来，帮我催一下")
    expect(arrived).to_contain_text("圆通速递 · 已接单，待揽收")
    # it ticks; no certain second, because a look each second may miss one
    expect(arrived.locator("[data-wait-value]")).to_have_text(re.compile(r"^\d+:(0[3-9]|[1-5]\d)$"))
    page.wait_for_function(f"window.chimes.length > {before}")
    chime = page.evaluate("window.chimes.at(-1)")
    assert chime["why"] == "new"
    assert chime["heard"] is True
    count = page.locator("#queue-rows > li").count()
    assert page.title().startswith(f"({count}) ")


def test_the_alert_comes_again_while_nobody_claims(visit, customer):
    waiting(customer)
    agent = visit()
    agent.page.clock.install()
    page = sign_in(agent)
    page.clock.fast_forward(31_000)
    page.wait_for_function("window.chimes.some((chime) => chime.why === 'again')")


def test_a_muted_console_stays_silent_and_remembers_it(visit, customer):
    page = sign_in(visit())
    page.get_by_role("button", name="提示音").click()
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.locator("#sound")).to_have_attribute("aria-pressed", "false")
    conversation = waiting(customer)
    expect(row(page, conversation)).to_be_visible()
    assert not any(chime["heard"] for chime in page.evaluate("window.chimes"))


def test_from_claim_to_giving_back(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer, "重量不对，多收了我的钱")
    claim(page, conversation)
    log = page.locator("#log")
    expect(log).to_contain_text("重量不对，多收了我的钱")
    expect(log.locator(".day").first).to_have_text("今天")

    send(page, "您好，我来帮您核实重量。")
    expect(log.locator(".by-agent .bubble")).to_have_text("您好，我来帮您核实重量。")
    writes(customer, conversation, "好的，单子上写的是两公斤")
    expect(log.locator(".by-customer").last).to_contain_text("单子上写的是两公斤")
    agent_words = [e["text"] for e in log_of(customer, conversation) if e["author"] == "agent"]
    assert agent_words == ["您好，我来帮您核实重量。"]

    page.get_by_role("tab", name="内部备注").click()
    send(page, "网点说称重设备坏了")
    expect(log.locator(".note")).to_contain_text("网点说称重设备坏了")
    assert "称重设备" not in str(log_of(customer, conversation))

    page.get_by_text("新建工单").click()
    form = page.locator(".new-ticket form")
    form.locator("select").select_option("charge_dispute")
    form.locator("textarea").fill("多收运费")
    form.get_by_role("button", name="建工单").click()
    ticket = page.locator("#side-tickets .ticket")
    expect(ticket.locator("h4")).to_have_text("重复收费")
    ticket.get_by_text("更正类别").click()
    confirm = ticket.get_by_role("button", name="确认更正")
    expect(confirm).to_be_disabled()
    ticket.locator("select").select_option("weight_dispute")
    confirm.click()
    expect(ticket.locator("h4")).to_have_text("重量不符")
    ticket.get_by_text("办结", exact=True).click()
    ticket.locator("textarea").fill("已按两公斤重算，差额原路退回")
    ticket.get_by_role("button", name="办结工单").click()
    expect(ticket.locator(".state-tag")).to_have_text("已办结")
    assert "已按两公斤重算" in str(log_of(customer, conversation))

    page.get_by_role("button", name="处理完成，交还机器人").click()
    expect(page.locator("#head-state")).to_have_attribute("data-owner", "bot")
    expect(row(page, conversation)).to_have_count(0)
    assert log_of(customer, conversation)[-2]["owner"] == "bot"


def test_put_back_into_the_queue_the_waiting_time_goes_on(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer)
    claim(page, conversation)
    page.get_by_role("button", name="放回队列").click()
    expect(row(page, conversation)).to_contain_text("同事放回队列")
    expect(page.locator("#composer-send")).to_be_disabled()
    expect(page.locator("#composer-locked")).to_contain_text("接待后才能回复")


def test_the_keyboard_alone_is_enough(visit, customer):
    page = sign_in(visit())
    conversation = waiting(customer, "还有人吗")
    row(page, conversation).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#composer-text")).to_be_focused()
    page.keyboard.type("在的")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("请讲")
    page.keyboard.press("Enter")
    expect(page.locator("#log .by-agent .bubble")).to_have_text("在的\n请讲")
    page.keyboard.press("Escape")
    another = waiting(customer, key="books")
    expect(row(page, another)).to_be_visible()
    first = page.locator("#queue-rows > li").first.get_attribute("data-conversation")
    page.keyboard.press("n")
    expect(page.locator("#conversation")).to_have_attribute("data-conversation", first or "")


def test_the_page_speaks_english_too(visit):
    page = sign_in(visit())
    page.get_by_role("link", name="English").click()
    expect(page.locator("#queue-title")).to_contain_text("Waiting")
    page.goto(page.url.split("?")[0])
    expect(page.locator("#queue-title")).to_contain_text("Waiting")  # kept in the cookie
    page.get_by_role("link", name="中文").click()
    expect(page.locator("#queue-title")).to_contain_text("排队中")
