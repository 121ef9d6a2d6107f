"""The customer API: sessions, orders, conversations, tickets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import stream
from desk.edges.timeline_shown import shown
from desk.edges.tokens import BadToken, make_session, read_customer_token
from desk.edges.web import (
    CUSTOMER_COOKIE,
    check_origin,
    check_service,
    customer_of,
    desk_of,
    lang_of,
    ok,
    order_allowed,
    query_number,
    read_body,
    set_cookie,
    settings_of,
)
from desk.flow import customer
from desk.flow import orders as order_flow
from desk.flow.agent import order_json
from desk.flow.applying import bring_up_to_date, up_to_date
from desk.flow.desk import Desk
from desk.flow.tickets import ticket_json
from desk.flow.timeline import timeline
from desk.rules.conversation import Conversation
from desk.rules.facts import ORDER_STATES
from desk.rules.refused import Refused
from desk.rules.ticket import Ticket
from desk.rules.timeline import told_history
from desk.store import conversations, orders, tickets

api = Blueprint("customer_api", url_prefix="/api")

#: Printable, without control characters: it becomes a key in the database.
Id = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")


class Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=False)


class SessionBody(Strict):
    token: str


@api.post("/session")
async def open_session(request: Request) -> HTTPResponse:
    """Exchange the merchant's signed customer token for a session (bearer and cookie)."""
    check_origin(request)
    session = new_session(request, read_body(request, SessionBody).token)
    response = ok({"token": session})
    sign_in(response, request, session)
    return response


def new_session(request: Request, token: str) -> str:
    """A session for the merchant's signed customer token.

    Raises:
        Refused: `bad_token`.
    """
    settings = settings_of(request)
    try:
        claims = read_customer_token(
            token, request.app.ctx.customer_secret, settings.customer_public_key
        )
    except BadToken as error:
        raise Refused("bad_token", why=str(error)) from error
    return make_session(
        str(claims["sub"]),
        "customer",
        request.app.ctx.session_secret,
        settings.session_hours,
        claims.get("orders"),
    )


def sign_in(response: HTTPResponse, request: Request, session: str) -> None:
    """The session as a cookie."""
    set_cookie(response, request, CUSTOMER_COOKIE, session, settings_of(request).session_hours)


class Fee(Strict):
    kind: str
    amount: float
    paid: bool = False


class OrderBody(Strict):
    customer: str = Field(min_length=1, max_length=200)
    carrier: str = Field(min_length=1, max_length=100)
    waybill: str | None = Field(None, max_length=100)
    carrier_order_id: str | None = Field(None, max_length=100)
    # pydantic reads the words of ORDER_STATES when it runs; a checker wants them written here
    state: Literal[ORDER_STATES] = "created"  # type: ignore[valid-type]
    fees: list[Fee] = []
    details: dict[str, Any] = {}


@api.put("/orders/<order_id:str>")
async def put_order(request: Request, order_id: str) -> HTTPResponse:
    """How a merchant's system tells Kefu about an order (service token)."""
    check_service(request)
    if len(order_id) > 100:
        raise Refused("invalid", why="order_id: at most 100 characters")
    body = read_body(request, OrderBody)
    desk = desk_of(request)
    values = body.model_dump(exclude={"customer"}) | {"customer_id": body.customer}
    return ok(order_json(await order_flow.put_order(desk, order_id, values)))


@api.get("/orders")
async def list_orders(request: Request) -> HTTPResponse:
    """The orders this customer may see, newest first."""
    customer_id = customer_of(request)
    async with desk_of(request).db.begin() as tx:
        rows = await orders.of_customer(tx, customer_id)
        if await up_to_date(desk_of(request), tx, [row.id for row in rows]):
            rows = await orders.of_customer(tx, customer_id)
    return ok({"orders": [order_json(row) for row in rows if order_allowed(request, row.id)]})


@api.get("/categories")
async def categories(request: Request) -> HTTPResponse:
    """The menu of categories in the asked language."""
    return ok({"categories": desk_of(request).content.categories.menu(lang_of(request))})


class OpenBody(Strict):
    order_id: str = Id
    category: str | None = None
    text: str | None = None
    client_id: str = Id


@api.post("/conversations")
async def open_conversation(request: Request) -> HTTPResponse:
    """Open the conversation about an order (or return the open one), and say `text` if given."""
    customer_id = customer_of(request)
    body = read_body(request, OpenBody)
    if not order_allowed(request, body.order_id):
        raise Refused("not_found", what="order")
    if body.text is not None:  # opening alone is the first step to a person: never limited
        await _limit(request, customer_id)
    desk = desk_of(request)
    conversation, added = await customer.open_conversation(
        desk,
        customer_id,
        body.order_id,
        lang_of(request),
        body.category or None,
        body.text,
        body.client_id,
    )
    opened = await _conversation_json(desk, conversation.id)
    return ok({**opened, "events": added}, status=201)


@api.get("/conversations")
async def find_conversation(request: Request) -> HTTPResponse:
    """The customer's conversation about `?order_id=`, or 404."""
    customer_id = customer_of(request)
    order_id = request.args.get("order_id") or ""
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        found = await conversations.find(tx, order_id, customer_id)
    if found is None or not order_allowed(request, order_id):
        raise Refused("not_found", what="conversation")
    return ok(await _conversation_json(desk, found.id))


@api.get("/conversations/<conversation_id:str>")
async def show_conversation(request: Request, conversation_id: str) -> HTTPResponse:
    """A conversation: order, owner, place in the queue, tickets."""
    await _own(request, conversation_id)
    return ok(await _conversation_json(desk_of(request), conversation_id))


class MessageBody(Strict):
    client_id: str = Id
    text: str | None = None
    choice: str | None = Field(None, max_length=100)
    category: str | None = None


@api.post("/conversations/<conversation_id:str>/messages")
async def post_message(request: Request, conversation_id: str) -> HTTPResponse:
    """Store a message or a tapped choice; answers at once, the bot is asked by a job."""
    conversation = await _own(request, conversation_id)
    body = read_body(request, MessageBody)
    if body.choice != "human":  # the way to a person is never limited
        await _limit(request, conversation.customer_id)
    desk = desk_of(request)
    if body.choice is not None:
        event = await customer.choose(
            desk, conversation.customer_id, conversation_id, body.choice, body.client_id
        )
    elif body.text is not None:
        event = await customer.say(
            desk,
            conversation.customer_id,
            conversation_id,
            body.text,
            body.client_id,
            body.category or None,
        )
    else:
        raise Refused("invalid", why="expected text or choice, got neither")
    return ok(event, status=202)


@api.get("/conversations/<conversation_id:str>/events")
async def list_events(request: Request, conversation_id: str) -> HTTPResponse:
    """The log after `?after=SEQ`; with `&wait=SECONDS` (30 at most) long-polls for news."""
    await _own(request, conversation_id)
    after, wait = query_number(request, "after"), query_number(request, "wait")
    if wait > 0:  # the page stays and listens
        await stream.note_reading(desk_of(request), conversation_id)
    found = await stream.long_poll(
        desk_of(request), request.app.ctx.hub, conversation_id, int(after), wait
    )
    return ok({"events": found})


@api.get("/conversations/<conversation_id:str>/stream")
async def stream_events(request: Request, conversation_id: str) -> HTTPResponse | None:
    """The log as server-sent events; `Last-Event-ID` or `?after=` resumes."""
    await _own(request, conversation_id)
    after = int(query_number(request, "after", header="last-event-id"))
    lines = stream.customer_lines(desk_of(request), request.app.ctx.hub, conversation_id, after)
    return await stream.respond(request, "customer", lines)


@api.post("/conversations/<conversation_id:str>/human")
async def ask_for_person(request: Request, conversation_id: str) -> HTTPResponse:
    """Hand over to a person now, from any state; doing it again changes nothing."""
    conversation = await _own(request, conversation_id)
    desk = desk_of(request)
    await customer.ask_for_person(desk, conversation.customer_id, conversation_id)
    return ok(await _conversation_json(desk, conversation_id))


@api.post("/conversations/<conversation_id:str>/typing")
async def typing(request: Request, conversation_id: str) -> HTTPResponse:
    """Tell the agent that the customer is typing; not stored."""
    conversation = await _own(request, conversation_id)
    await customer.typing(desk_of(request), conversation.customer_id, conversation_id)
    return ok({}, status=202)


@api.get("/tickets/<ticket_id:str>")
async def show_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """A ticket: its state, its history, and its timeline: what happened and what comes next."""
    customer_id = customer_of(request)
    desk, lang = desk_of(request), lang_of(request)
    await own_ticket(request, customer_id, ticket_id)
    async with desk.db.begin() as tx:
        found = await timeline(desk, tx, ticket_id)
    lines = [
        {"at": line.at.isoformat(), "kind": line.kind, "text": line.text}
        for line in told_history(found.history)
    ]
    words = shown(desk, found, lang)
    return ok({**ticket_json(desk, found.ticket, lang), "events": lines, "timeline": words})


@api.post("/tickets/<ticket_id:str>/reopen")
async def reopen_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """Reopen a completed ticket within 7 days."""
    customer_id = customer_of(request)
    desk = desk_of(request)
    await own_ticket(request, customer_id, ticket_id)
    ticket = await customer.reopen_ticket(desk, customer_id, ticket_id)
    return ok(ticket_json(desk, ticket, lang_of(request)))


class SettledBody(Strict):
    settled: bool


@api.post("/tickets/<ticket_id:str>/settled")
async def settle_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """Say whether a ticket is settled; asked or not, whoever has the conversation."""
    customer_id = customer_of(request)
    body = read_body(request, SettledBody)
    desk = desk_of(request)
    await own_ticket(request, customer_id, ticket_id)
    ticket = await customer.settle_ticket(desk, customer_id, ticket_id, body.settled)
    return ok(ticket_json(desk, ticket, lang_of(request)))


async def own_ticket(request: Request, customer_id: str, ticket_id: str) -> Ticket:
    """The customer's own ticket.

    Raises:
        Refused: `not_found`, also when it belongs to somebody else.
    """
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        ticket = await tickets.get(tx, ticket_id)
        if ticket is None or not order_allowed(request, ticket.order_id):
            raise Refused("not_found", what="ticket")
        await customer.own_conversation(desk, tx, customer_id, ticket.conversation_id)
    return ticket


async def _own(request: Request, conversation_id: str) -> Conversation:
    customer_id = customer_of(request)
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        conversation = await customer.own_conversation(desk, tx, customer_id, conversation_id)
    if not order_allowed(request, conversation.order_id):
        raise Refused("not_found", what="conversation")
    return conversation


async def _limit(request: Request, customer_id: str) -> None:
    if not await request.app.ctx.limiter.allow(customer_id):
        raise Refused("too_many")


async def _conversation_json(desk: Desk, conversation_id: str) -> dict[str, Any]:
    async with desk.db.begin() as tx:
        await bring_up_to_date(desk, tx, conversation_id)
        conversation = await conversations.get(tx, conversation_id)
        assert conversation is not None
        order = await orders.get(tx, conversation.order_id)
        held = await tickets.of_conversation(tx, conversation_id)
        queue = await desk.queue_info(tx, conversation) if conversation.owner == "queue" else None
    return {
        "id": conversation.id,
        "order": order_json(order) if order else None,
        "owner": conversation.owner,
        "agent": conversation.agent_name,
        "stated": conversation.stated,
        "queue": queue,
        "tickets": [ticket_json(desk, t, conversation.lang) for t in held],
        "last_seq": conversation.last_seq,
    }
