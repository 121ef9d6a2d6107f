"""A customer at a browser, and what the tests let them do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@dataclass
class Visit:
    """One customer at one browser. `complaints` must stay empty."""

    url: str
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    #: Set by tests that cut the network or block a route: the browser reports those as errors.
    network_trouble: bool = False

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        where = message.location.get("url", "")
        # The look-up of a conversation that does not exist yet.
        if "404" in message.text and "/api/conversations?order_id=" in where:
            return
        if self.network_trouble and ("net::" in message.text or "Failed to load" in message.text):
            return
        self.complaints.append(f"console: {message.text} ({where})")

    def requested(self, url: str) -> None:
        parts = urlsplit(url)
        if (
            parts.scheme in ("http", "https", "ws", "wss")
            and parts.netloc != urlsplit(self.url).netloc
        ):
            self.complaints.append(f"request to a foreign host: {url}")

    def login(self, customer: str = "demo-wang") -> None:
        """Become a sample customer, with fresh sample orders."""
        self.api("POST", "/api/demo/login", {"customer": customer})
        self.api("POST", "/api/demo/reset", {})

    def api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request with this customer's cookies, past the page; never cut by `offline`."""
        response = self.context.request.fetch(self.url + path, method=method, data=body)
        assert response.ok, f"{method} {path}: {response.status} {response.text()}"
        return response.json()

    def order(self, key: str = "keyboard") -> str:
        """The id of the customer's fresh order whose sample key is `key`."""
        orders = self.api("GET", "/api/orders")["orders"]
        return next(order["id"] for order in orders if order["id"].startswith(f"{key}-"))

    def chat(self, order: str, lang: str = "zh") -> Page:
        """Opens the chat of an order."""
        self.page.goto(f"{self.url}/chat?order={order}&lang={lang}")
        return self.page

    def events(self, order: str) -> list[dict[str, Any]]:
        """The log of the order's conversation, as the desk has it."""
        conversation = self.api("GET", f"/api/conversations?order_id={order}")
        return self.api("GET", f"/api/conversations/{conversation['id']}/events?after=0")["events"]

    def report(self, order: str, code: int) -> dict[str, Any]:
        """The carrier reports `code` about an order, with a signed callback."""
        path = f"/api/demo/orders/{order}/callback"
        return self.api("POST", path, {"source": "order", "code": code})


def say(page: Page, text: str) -> None:
    """Types a message and sends it."""
    page.locator("#kefu-text").fill(text)
    page.locator(".send").click()
