"""The agent API, used by the console at /desk and by other programs."""

from __future__ import annotations

import asyncio
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pydantic import BaseModel, Field
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import stream
from desk.edges.timeline_shown import shown
from desk.edges.tokens import make_session
from desk.edges.web import (
    AGENT_COOKIE,
    agent_of,
    check_origin,
    desk_of,
    lang_of,
    ok,
    query_number,
    read_body,
    set_cookie,
    supervisor_of,
)
from desk.flow import agent as flow
from desk.flow import dispatch_shown
from desk.flow import unknown_codes as unknown
from desk.flow.agent import Agent
from desk.flow.tickets import ticket_json
from desk.flow.timeline import timeline
from desk.rules.refused import Refused
from desk.store import agents

api = Blueprint("agent_api", url_prefix="/api/agent")

SHIFT_HOURS = 12.0
_hasher = PasswordHasher()
#: Checked against when the login does not exist, so that both cases take the same time.
_DECOY = _hasher.hash("kefu-decoy")


class LoginBody(BaseModel):
    login: str = Field(max_length=100)
    password: str = Field(max_length=200)


@api.post("/login")
async def login(request: Request) -> HTTPResponse:
    """Log in with login and password; sets the console's cookie for one shift."""
    check_origin(request)
    body = read_body(request, LoginBody)
    name, address = body.login.strip(), request.remote_addr or request.ip
    limiter = request.app.ctx.login_limiter
    # by name: nobody tries many passwords; by address: nobody tries one on many names
    if not (await limiter.allow(f"name {name}") and await limiter.allow(f"address {address}")):
        raise Refused("too_many")
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        row = await agents.by_login(tx, name)
    try:
        await asyncio.to_thread(_hasher.verify, row.password_hash if row else _DECOY, body.password)
    except (Argon2Error, InvalidHashError):
        raise Refused("wrong_login") from None
    if row is None:
        raise Refused("wrong_login")
    if _hasher.check_needs_rehash(row.password_hash):
        async with desk.db.begin() as tx:
            await agents.set_hash(tx, row.id, _hasher.hash(body.password))
    token = make_session(row.id, "agent", request.app.ctx.session_secret, SHIFT_HOURS)
    response = ok({"agent": {"id": row.id, "name": row.name, "role": row.role}})
    set_cookie(response, request, AGENT_COOKIE, token, SHIFT_HOURS)
    return response


@api.post("/logout")
async def logout(request: Request) -> HTTPResponse:
    """Log out; the agent no longer counts as online."""
    agent = await agent_of(request)
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        await agents.seen(tx, agent.id, None)
    response = ok({})
    response.cookies.delete_cookie(AGENT_COOKIE, path="/", secure=False)
    return response


@api.get("/me")
async def me(request: Request) -> HTTPResponse:
    """Who is logged in."""
    agent = await agent_of(request)
    return ok({"agent": {"id": agent.id, "name": agent.name, "role": agent.role}})


@api.get("/queue")
async def queue(request: Request) -> HTTPResponse:
    """Who waits, in waiting order, and the agent's own conversations."""
    agent = await agent_of(request)
    return ok(await flow.queue_view(desk_of(request), agent))


@api.get("/categories")
async def categories(request: Request) -> HTTPResponse:
    """The categories in the agent's language, for correcting a ticket."""
    await agent_of(request)
    return ok({"categories": desk_of(request).content.categories.menu(lang_of(request))})


@api.get("/unknown-codes")
async def unknown_codes(request: Request) -> HTTPResponse:
    """Codes that carriers told and `data/carriers/` does not list; for supervisors."""
    await supervisor_of(request)
    return ok({"codes": await unknown.listed(desk_of(request))})


@api.get("/conversations/<conversation_id:str>")
async def show(request: Request, conversation_id: str) -> HTTPResponse:
    """A conversation with its whole log (notes included), its order and its tickets."""
    await agent_of(request)
    return ok(await flow.conversation_view(desk_of(request), conversation_id))


@api.get("/conversations/<conversation_id:str>/events")
async def list_events(request: Request, conversation_id: str) -> HTTPResponse:
    """The log after `?after=SEQ`, notes included."""
    await agent_of(request)
    after = int(query_number(request, "after"))
    found = await stream.read(desk_of(request), conversation_id, after, notes=True)
    return ok({"events": found})


@api.post("/conversations/<conversation_id:str>/claim")
async def claim(request: Request, conversation_id: str) -> HTTPResponse:
    """Take a conversation; exactly one of several claimers gets it."""
    agent = await agent_of(request)
    conversation = await flow.claim(desk_of(request), agent, conversation_id)
    return ok({"owner": conversation.owner, "agent": conversation.agent_name})


class ReleaseBody(BaseModel):
    to: Literal["queue", "bot"]


@api.post("/conversations/<conversation_id:str>/release")
async def release(request: Request, conversation_id: str) -> HTTPResponse:
    """Give a conversation back to the queue or to the bot."""
    agent = await agent_of(request)
    body = read_body(request, ReleaseBody)
    after = await flow.release(desk_of(request), agent, conversation_id, body.to, resolved=False)
    return ok({"owner": after.owner})


@api.post("/conversations/<conversation_id:str>/resolve")
async def resolve(request: Request, conversation_id: str) -> HTTPResponse:
    """Say goodbye and give the conversation back to the bot."""
    agent = await agent_of(request)
    after = await flow.release(desk_of(request), agent, conversation_id, "bot", resolved=True)
    return ok({"owner": after.owner})


class WriteBody(BaseModel):
    client_id: str = Field(min_length=1, max_length=100)
    text: str


async def _write(request: Request, conversation_id: str, *, note: bool) -> HTTPResponse:
    agent = await agent_of(request)
    body = read_body(request, WriteBody)
    event = await flow.write(
        desk_of(request), agent, conversation_id, body.text, body.client_id, note=note
    )
    return ok(event, status=202)


@api.post("/conversations/<conversation_id:str>/messages")
async def post_message(request: Request, conversation_id: str) -> HTTPResponse:
    """Write to the customer."""
    return await _write(request, conversation_id, note=False)


@api.post("/conversations/<conversation_id:str>/notes")
async def post_note(request: Request, conversation_id: str) -> HTTPResponse:
    """Write a private note that no customer sees."""
    return await _write(request, conversation_id, note=True)


@api.post("/conversations/<conversation_id:str>/typing")
async def typing(request: Request, conversation_id: str) -> HTTPResponse:
    """Tell the customer that the agent is typing; not stored."""
    agent = await agent_of(request)
    await flow.typing(desk_of(request), agent, conversation_id)
    return ok({}, status=202)


class TicketBody(BaseModel):
    category: str
    text: str
    client_id: str = Field(min_length=1, max_length=100)


@api.post("/conversations/<conversation_id:str>/tickets")
async def open_ticket(request: Request, conversation_id: str) -> HTTPResponse:
    """Open a ticket in the customer's name."""
    agent = await agent_of(request)
    body = read_body(request, TicketBody)
    result = await flow.agent_opens_ticket(
        desk_of(request), agent, conversation_id, body.category, body.text, body.client_id
    )
    return ok(result, status=201)


@api.get("/tickets/<ticket_id:str>")
async def show_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """A ticket with its timeline, in the version for agents."""
    await agent_of(request)
    desk, lang = desk_of(request), lang_of(request)
    async with desk.db.begin() as tx:
        found = await timeline(desk, tx, ticket_id, for_agent=True)
        sent = await dispatch_shown.shown(tx, ticket_id)
    words = shown(desk, found, lang, for_agent=True)
    return ok({**ticket_json(desk, found.ticket, lang), "timeline": words, "dispatch": sent})


class CategoryBody(BaseModel):
    category: str


@api.post("/tickets/<ticket_id:str>/category")
async def correct_category(request: Request, ticket_id: str) -> HTTPResponse:
    """Give a ticket the right category."""
    agent = await agent_of(request)
    body = read_body(request, CategoryBody)
    return ok(await flow.correct_category(desk_of(request), agent, ticket_id, body.category))


class ResolveBody(BaseModel):
    text: str = ""


@api.post("/tickets/<ticket_id:str>/resolve")
async def resolve_ticket(request: Request, ticket_id: str) -> HTTPResponse:
    """Complete a ticket by hand; the text tells the customer what was done."""
    agent = await agent_of(request)
    body = read_body(request, ResolveBody)
    return ok(await flow.resolve_ticket(desk_of(request), agent, ticket_id, body.text))


@api.get("/stream")
async def stream_events(request: Request) -> HTTPResponse | None:
    """Server-sent events: that the queue or a conversation changed. Keeps the agent online."""
    agent: Agent = await agent_of(request)
    desk = desk_of(request)

    async def seen() -> None:
        async with desk.db.begin() as tx:
            await agents.seen(tx, agent.id, desk.now())

    return await stream.respond(
        request, "agent", stream.agent_lines(desk, request.app.ctx.hub, seen)
    )
