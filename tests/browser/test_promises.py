"""Promised times at the console: what is near or overdue says so in words, and comes first."""

from __future__ import annotations

import re
import uuid
from typing import Any

import psycopg
import pytest
from consoles import claim, row, sign_in, waiting
from playwright.sync_api import expect

from desk.store.db import libpq_url

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def customer(visit):
    """A sample customer with fresh orders."""
    made = visit()
    made.login()
    return made


def opens_ticket(agent: Any, conversation: str) -> None:
    """The agent opens a ticket in the customer's name."""
    body = {"category": "pickup_urge", "text": "还没来取", "client_id": uuid.uuid4().hex}
    agent.api("POST", f"/api/agent/conversations/{conversation}/tickets", body)


def time_passes(kefu: Any, conversation: str, due_in: str, complained: str = "1 day") -> None:
    """As if the ticket had been opened earlier: due in so long, complained of so long ago."""
    with psycopg.connect(libpq_url(kefu.database_url)) as connection:
        connection.execute(
            "update tickets set due_at = now() + %s::interval, promised_at = now() - %s::interval,"
            " complained_at = now() - %s::interval where conversation_id = %s",
            (due_in, complained, complained, conversation),
        )


def test_a_promise_that_is_near_comes_first_and_says_so_in_words(kefu, visit, customer):
    agent = visit()
    page = sign_in(agent)
    before, promised = waiting(customer), waiting(customer, "请快点", key="books")
    opens_ticket(agent, promised)
    expect(row(page, promised)).to_contain_text("时限")
    time_passes(kefu, promised, "20 minutes")
    # a minute may pass before it is shown
    near = re.compile(r"^(20|19) 分钟后到承诺时间$")
    expect(row(page, promised).locator(".mark")).to_have_text(near)
    spoken = row(page, promised).get_attribute("aria-label") or ""
    assert spoken.endswith("，承诺时间快到了")
    order = page.locator("#queue-rows > li").evaluate_all("all => all.map((one) => one.id)")
    assert order.index(f"row-{promised}") < order.index(f"row-{before}")

    time_passes(kefu, promised, "-10 minutes")
    over = re.compile(r"超过承诺时间 1\d 分钟")
    expect(row(page, promised).locator(".mark")).to_contain_text(over)
    claim(page, promised)
    expect(page.locator("#side-tickets .mark")).to_contain_text(over)
    expect(page.locator("#log")).to_contain_text("很抱歉，我们答应")
    page.goto(f"{agent.url}/desk?lang=en&c={promised}")
    expect(row(page, promised).locator(".mark")).to_contain_text(
        re.compile(r"Promise overdue by 1\d min")
    )


def test_an_agent_is_told_and_supervisors_see_what_the_law_has_a_time_for(kefu, visit, customer):
    agent, boss = visit(), visit()
    page = sign_in(agent)
    conversation = waiting(customer, "东西坏了", key="books")
    claim(page, conversation)
    opens_ticket(agent, conversation)
    watching = sign_in(boss, "supervisor")
    time_passes(kefu, conversation, "-1 day", complained="5 days 1 hour")
    expect(page.locator("#log")).to_contain_text("“催取件”已超过承诺时间")
    mark = page.locator("#side-tickets .mark").last
    expect(mark).to_contain_text("1 天 23 小时后到法定期限")
    expect(page.locator("#law")).to_have_count(0)
    watching.reload()
    listed = watching.locator("#law li").first
    expect(listed).to_contain_text("小林在接待")
    expect(listed).to_contain_text("后到法定期限")
