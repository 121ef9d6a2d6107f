"""Answers to dispatched tickets, by callback and signed webhook; and what agents do by hand."""

from __future__ import annotations

import json
from typing import Any, Literal

import structlog
from pydantic import BaseModel, Field
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import metrics
from desk.edges.merchant import signed
from desk.edges.web import agent_of, desk_of, ok, read_body
from desk.flow import dispatch_agent
from desk.flow.dispatch_answers import answered
from desk.rules.dispatch import Accept, Answer, Hear, Refuse
from desk.rules.dispatch_request import plain
from desk.rules.kuaidi100_tickets import LIMIT, Said, raw, read_said
from desk.rules.refused import Refused

hooks = Blueprint("dispatch_hooks", url_prefix="/hooks")
agents = Blueprint("dispatch_agents", url_prefix="/api/agent")
log = structlog.get_logger("desk.hooks")

#: Kuaidi100 repeats what is not answered so; its order pages and its ticket page differ in form.
TAKEN = {"result": True, "returnCode": "200", "code": 200, "success": True, "message": "成功"}


async def _kuaidi100(
    request: Request, dispatch_id: str, command: type[Hear | Answer]
) -> HTTPResponse:
    """How these callbacks look is not public, and nothing says that they are signed.

    So the address is the key (only Kuaidi100 was told it), and whatever comes is kept.
    """
    body = _body_of(request)
    said = read_said(body)
    try:
        fresh = await answered(
            desk_of(request), dispatch_id, "kuaidi100", said, command, raw=raw(body)
        )
    except Refused:
        metrics.CALLBACKS.labels(source="kuaidi100.ticket", outcome="unknown_dispatch").inc()
        log.warning("ticket callback for no dispatch of ours", ip=request.remote_addr or request.ip)
        raise
    metrics.CALLBACKS.labels(
        source="kuaidi100.ticket", outcome="kept" if fresh else "repeated"
    ).inc()
    return ok(TAKEN)


def _body_of(request: Request) -> dict[str, Any]:
    """The callback's object: in the form field `param`, as the body, or as form fields."""
    form = {name: values[0] for name, values in (request.form or {}).items()}
    text = form.get("param") or request.body.decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if isinstance(read, dict):
        return read
    return dict(form) if form else {"body": text}


@hooks.post("/kuaidi100/ticket/<dispatch_id:str>")
async def kuaidi100_result(request: Request, dispatch_id: str) -> HTTPResponse:
    """Kuaidi100's callback with the result of a ticket (`callBackUrl`)."""
    return await _kuaidi100(request, dispatch_id, Answer)


@hooks.post("/kuaidi100/ticket/<dispatch_id:str>/message")
async def kuaidi100_message(request: Request, dispatch_id: str) -> HTTPResponse:
    """Kuaidi100's callback with a message on a ticket (`msgCallBackUrl`)."""
    return await _kuaidi100(request, dispatch_id, Hear)


class DispatchBody(BaseModel):
    dispatch: str = Field(min_length=1, max_length=100)
    type: Literal["accepted", "refused", "message", "result"]
    #: What the merchant's system calls it.
    id: str | None = Field(None, max_length=100)
    #: For the customer (message, result) or for agents (refused).
    text: str = Field("", max_length=5000)


@hooks.post("/dispatch")
async def dispatch(request: Request) -> HTTPResponse:
    """The merchant's system on a ticket it was sent; signed like the webhook it got.

    Body: `{"dispatch", "type": "accepted"|"refused"|"message"|"result", "id"?, "text"?}`.
    """
    if not signed(request.body, dict(request.headers), request.app.ctx.dispatch_secret):
        metrics.CALLBACKS.labels(source="dispatch", outcome="wrong_sign").inc()
        log.warning(
            "dispatch answer refused: wrong signature", ip=request.remote_addr or request.ip
        )
        raise Refused("wrong_sign")
    body = read_body(request, DispatchBody)
    text = plain(body.text, LIMIT)
    if body.type != "accepted" and not text:
        raise Refused("invalid", why=f"text: expected words with type {body.type}")
    # a no is for agents, and goes into the dispatch's own words
    quoted = (text,) if body.type in ("message", "result") else ()
    commands: dict[str, type[Accept | Hear | Answer] | Refuse] = {
        "accepted": Accept,
        "message": Hear,
        "result": Answer,
        "refused": Refuse(text),
    }
    said = Said(remote_id=body.id, texts=quoted)
    fresh = await answered(desk_of(request), body.dispatch, "webhook", said, commands[body.type])
    metrics.CALLBACKS.labels(source="dispatch", outcome="kept" if fresh else "repeated").inc()
    return ok({"result": True}, status=202)


class ActionBody(BaseModel):
    action: Literal["mark_sent", "again"]
    #: The ticket's number there, where the agent knows it.
    number: str = Field("", max_length=64)


@agents.post("/tickets/<ticket_id:str>/dispatch")
async def act(request: Request, ticket_id: str) -> HTTPResponse:
    """Say of a dispatch that is stuck: it is there (looked up, sent by hand), or send it again."""
    agent = await agent_of(request)
    body = read_body(request, ActionBody)
    number = body.number.strip() or None
    view = await dispatch_agent.act(desk_of(request), agent, ticket_id, body.action, number)
    return ok({"dispatch": view})
