"""Notifications that were not delivered: the supervisors' API, and their page in the console."""

from __future__ import annotations

from typing import Any

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, redirect

from desk.edges.console import page_words, remember_lang
from desk.edges.web import desk_of, ok, page, supervisor_of
from desk.flow import outbox
from desk.rules.refused import Refused

api = Blueprint("deliveries_api", url_prefix="/api/agent/deliveries")
pages = Blueprint("deliveries_pages", url_prefix="/desk")

STATES = ("dead", "waiting")


@api.get("")
async def list_deliveries(request: Request) -> HTTPResponse:
    """Dead and waiting deliveries (`?state=dead|waiting`: only these), and how many there are."""
    await supervisor_of(request)
    state = request.args.get("state")
    if state is not None and state not in STATES:
        raise Refused("invalid", why=f"state: expected one of {STATES}, got {state[:20]!r}")
    return ok(await outbox.deliveries_view(desk_of(request), (state,) if state else STATES))


@api.post("/again")
async def send_all_again(request: Request) -> HTTPResponse:
    """Send dead deliveries again, 1,000 at a time; of several about one ticket only the newest."""
    await supervisor_of(request)
    return ok(await outbox.send_all_again(desk_of(request)))


@api.post("/<delivery_id:str>/again")
async def send_again(request: Request, delivery_id: str) -> HTTPResponse:
    """Send a dead delivery again, or one that has failed now instead of later."""
    await supervisor_of(request)
    return ok(await outbox.send_again(desk_of(request), delivery_id))


async def _shown(request: Request, template: str, **values: Any) -> HTTPResponse:
    view = await outbox.deliveries_view(desk_of(request))
    return page(template, view=view, **page_words(request), **values)


@pages.get("/deliveries")
async def deliveries_page(request: Request) -> HTTPResponse:
    """The page of dead and waiting deliveries; whoever is no supervisor lands at the console."""
    try:
        agent = await supervisor_of(request)
    except Refused:
        return redirect("/desk")
    return remember_lang(request, await _shown(request, "desk/deliveries.html", agent=agent))


@pages.get("/partials/deliveries")
async def deliveries_partial(request: Request) -> HTTPResponse:
    """The lists of that page."""
    await supervisor_of(request)
    return await _shown(request, "desk/_deliveries.html")
