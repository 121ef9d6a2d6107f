"""A customer's ticket as a page: `/chat/tickets/{id}`, drawn by the server, its buttons are forms.

It works on old phones and bad networks: no script is needed, and the small one there is
(`static/chat/progress.js`) only fetches the same content again when something has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any
from urllib.parse import urlencode

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, redirect

from desk.edges import stream
from desk.edges.http_customer import new_session, own_ticket, sign_in
from desk.edges.pages import VERSION, texts
from desk.edges.timeline_shown import shown
from desk.edges.web import (
    STATUS,
    customer_of,
    desk_of,
    lang_of,
    page,
    query_number,
    refusal_words,
    settings_of,
)
from desk.flow import customer
from desk.flow.desk import Desk
from desk.flow.tickets import ticket_json
from desk.flow.timeline import Timeline, timeline
from desk.rules.refused import Refused
from desk.rules.ticket import ACTIVE

pages = Blueprint("ticket_page", url_prefix="/chat/tickets")

#: Of the address, what every link and form of the page carries on: language, embedding page.
KEPT = ("lang", "embed", "parent")
LONGEST_WAIT_S = 25.0


@pages.get("/<ticket_id:str>")
async def show(request: Request, ticket_id: str) -> HTTPResponse:
    """The page; `?token=` signs in with the merchant's token first, as the chat does."""
    token = request.args.get("token")
    if token:
        answer = redirect(request.path + _kept(request))
        with contextlib.suppress(Refused):  # a session from before may still do
            sign_in(answer, request, new_session(request, token))
        return answer
    return await _answer(request, ticket_id, "ticket.html")


@pages.get("/<ticket_id:str>/part")
async def part(request: Request, ticket_id: str) -> HTTPResponse:
    """The page's content, for an open page: 204 while it is what the page `known` has.

    Waits for news of the conversation up to `wait` seconds.
    """
    wait_s = min(query_number(request, "wait"), LONGEST_WAIT_S)
    if wait_s > 0:
        ticket = await own_ticket(request, customer_of(request), ticket_id)
        after = int(query_number(request, "after"))
        # not counted as reading the conversation: here nobody sees its messages
        hub = request.app.ctx.hub
        await stream.long_poll(desk_of(request), hub, ticket.conversation_id, after, wait_s)
    answer = await _answer(request, ticket_id, "_ticket.html")
    if answer.status == 200 and request.args.get("known") == answer.headers["X-Known"]:
        headers = {name: answer.headers[name] for name in ("X-Known", "X-After", "Cache-Control")}
        return HTTPResponse(status=204, headers=headers)
    return answer


@pages.post("/<ticket_id:str>/reopen")
async def reopen(request: Request, ticket_id: str) -> HTTPResponse:
    """Not solved: open it again."""
    return await _act(request, ticket_id, "reopen")


@pages.post("/<ticket_id:str>/settled")
async def settled(request: Request, ticket_id: str) -> HTTPResponse:
    """The customer's word on whether it is settled: form field `settled`, yes or no."""
    return await _act(request, ticket_id, "settled")


@pages.post("/<ticket_id:str>/human")
async def human(request: Request, ticket_id: str) -> HTTPResponse:
    """A person, now; the conversation shows the place in line."""
    return await _act(request, ticket_id, "human")


async def _act(request: Request, ticket_id: str, action: str) -> HTTPResponse:
    """Do what a button says, then show the page anew: reloading it does nothing twice."""
    desk = desk_of(request)
    try:
        customer_id = customer_of(request)
        ticket = await own_ticket(request, customer_id, ticket_id)
        if action == "reopen":
            await customer.reopen_ticket(desk, customer_id, ticket_id)
        elif action == "settled":
            yes = request.form is not None and request.form.get("settled") == "yes"
            await customer.settle_ticket(desk, customer_id, ticket_id, yes)
        else:
            await customer.ask_for_person(desk, customer_id, ticket.conversation_id)
            return redirect(_chat(request, ticket.order_id), status=303)
    except Refused as refused:
        return await _answer(request, ticket_id, "ticket.html", refused)
    return redirect(f"/chat/tickets/{ticket_id}{_kept(request)}", status=303)


async def _answer(
    request: Request, ticket_id: str, template: str, refused: Refused | None = None
) -> HTTPResponse:
    """The page, or the one that says why there is none."""
    lang = lang_of(request)
    values: dict[str, Any] = {
        "lang": lang,
        "i18n": texts("", lang),
        "demo": settings_of(request).demo,
        "version": VERSION,
        "keep": _kept(request),
        "chat": _chat(request),
        "other_language": _kept(request, lang="en" if lang == "zh" else "zh"),
    }
    try:
        await own_ticket(request, customer_of(request), ticket_id)
        desk = desk_of(request)
        async with desk.db.begin() as tx:
            found = await timeline(desk, tx, ticket_id)
    except Refused as why:
        lost = why.code != "not_found"
        answer = page(template, **values, lost=lost)
        answer.status = STATUS.get(why.code, 409)
        return answer
    values |= _shown(desk, found, lang) | {"chat": _chat(request, found.ticket.order_id)}
    if refused is not None:
        values["refusal"] = refusal_words(request, refused.code, refused.detail)
    body = page("_ticket.html", **values).body
    assert body is not None
    known, after = hashlib.sha256(body).hexdigest()[:16], str(found.conversation.last_seq)
    answer = page(template, **values, known=known, after=after)
    answer.headers.update({"X-Known": known, "X-After": after})
    if refused is not None:
        answer.status = STATUS.get(refused.code, 409)
    return answer


def _shown(desk: Desk, found: Timeline, lang: str) -> dict[str, Any]:
    """What the template shows of a ticket."""
    ticket, owner, now = found.ticket, found.conversation.owner, desk.now()
    words = shown(desk, found, lang)
    asked = [step["text"] for step in words["next"] if step["kind"] == "your_answer"]
    words["next"] = [step for step in words["next"] if step["kind"] != "your_answer"]
    return {
        "ticket": ticket_json(desk, ticket, lang),
        "timeline": words,
        "owner": owner,
        "order_line": _order_line(found.order, lang),
        "asked": asked[0] if asked else None,
        # with an agent at it, they have their own words for it
        "late": ticket.state in ACTIVE and ticket.due_at <= now and owner != "agent",
        "settleable": ticket.state in ACTIVE,
        "reopenable": any(step["kind"] == "reopen" for step in words["next"]),
    }


def _order_line(order: Any, lang: str) -> str:
    """The order in a line: its state, its goods or carrier, its waybill."""
    if order is None:
        return ""
    words = texts("", lang)
    goods = (order.details or {}).get("goods")
    goods = goods.get(lang) if isinstance(goods, dict) else goods
    carrier = words.get(f"carrier.{order.carrier}", order.carrier)
    state = words.get(f"state.{order.state}", order.state)
    return " · ".join(str(part) for part in (state, goods or carrier, order.waybill) if part)


def _kept(request: Request, **changed: str) -> str:
    given = {name: request.args.get(name) for name in KEPT} | changed
    kept = {name: value for name, value in given.items() if value}
    return f"?{urlencode(kept)}" if kept else ""


def _chat(request: Request, order_id: str | None = None) -> str:
    """The conversation's address."""
    kept = _kept(request, **({"order": order_id} if order_id else {}))
    return f"/chat{kept}"
