"""A real Chromium on the running system, watched: script errors and foreign requests fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright
from visits import DESKTOP, Visit

#: Chromium without the calls home that a desktop browser makes by itself.
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Rasa's first turn after a start may take a while on a busy machine.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser per file: Playwright keeps an event loop running, other tests need their own."""
    path = os.environ.get("KEFU_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium found: install Debian's `chromium` or set KEFU_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(kefu: Any, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Makes visits (`visit()`, `visit(PHONE)`); after the test none may have complaints."""
    visits: list[Visit] = []

    def make(device: dict[str, Any] = DESKTOP, **options: Any) -> Visit:
        context = browser.new_context(**{"locale": "zh-CN", **device, **options})
        made = Visit(kefu.url, context, context.new_page())
        made.watch(made.page)
        context.on("request", lambda request: made.requested(request.url))
        visits.append(made)
        return made

    yield make
    for made in visits:
        made.context.close()
    complaints = [complaint for made in visits for complaint in made.complaints]
    assert not complaints, "\n".join(complaints)
