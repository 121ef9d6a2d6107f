"""An agent at the console, and a customer who waits: what the console's tests are made of."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import Locator, Page, expect
from visits import Visit

#: Written into the page before anything else: counts the sounds that were due.
COUNT_CHIMES = """
window.chimes = [];
document.addEventListener('desk:chime', (event) => window.chimes.push(event.detail));
"""
LOGINS = {"agent": "kefu-agent", "agent2": "kefu-agent2", "supervisor": "kefu-boss"}


def sign_in(visit: Visit, login: str = "agent") -> Page:
    """Sign in by the form and wait for the console with its live stream."""
    page = visit.page
    page.add_init_script(COUNT_CHIMES)
    page.goto(f"{visit.url}/desk?lang=zh")
    page.locator("#login-name").fill(login)
    page.locator("#login-password").fill(LOGINS[login])
    page.locator("#login-password").press("Enter")
    expect(page.locator("#queue")).to_be_visible()
    # live: the page listens before the test goes on
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    return page


def waiting(customer: Visit, text: str | None = None, key: str = "keyboard") -> str:
    """A customer writes and asks for a person; returns the conversation's id."""
    body: dict[str, Any] = {"order_id": customer.order(key), "client_id": uuid.uuid4().hex}
    opened = customer.api("POST", "/api/conversations", body | ({"text": text} if text else {}))
    customer.api("POST", f"/api/conversations/{opened['id']}/human", {})
    return str(opened["id"])


def writes(customer: Visit, conversation: str, text: str) -> None:
    """The customer writes one more message."""
    body = {"client_id": uuid.uuid4().hex, "text": text}
    customer.api("POST", f"/api/conversations/{conversation}/messages", body)


def log_of(customer: Visit, conversation: str) -> list[dict[str, Any]]:
    """The log as the customer gets it."""
    path = f"/api/conversations/{conversation}/events?after=0"
    return list(customer.api("GET", path)["events"])


def row(page: Page, conversation: str) -> Locator:
    """The conversation's row in the left column."""
    return page.locator(f"#row-{conversation}")


def claim(page: Page, conversation: str) -> None:
    """Claim a waiting conversation by its button, and wait until it is open."""
    row(page, conversation).get_by_role("button", name="接待").click()
    opened = page.locator(f"#conversation[data-conversation={conversation}]")
    expect(opened).to_be_visible()
    expect(page.locator("#head-state")).to_have_attribute("data-mine", "yes")


def send(page: Page, text: str) -> None:
    """Type into the composer and send with Enter."""
    page.locator("#composer-text").fill(text)
    page.locator("#composer-text").press("Enter")
