"""A desk made of a script: it speaks the API (docs/api.md) and knows no language at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

CUSTOMER_SECRET = "customer-secret-of-the-test-merchant"
SERVICE_TOKEN = "service-token"
LABELS = {"pickup_urge": "催取件", "charge_dispute": "重复收费", "transit_urge": "催物流"}

#: A ticket as its customer may see it: what the review made of them is not among it.
TICKET = {
    "id": "t1",
    "category": "pickup_urge",
    "label": "催取件",
    "state": "open",
    "conversation_id": "c1",
    "order_id": "o1",
    "opened_at": "2026-11-23T08:00:00+00:00",
    "due_at": "2026-11-23T20:00:00+00:00",
    "asked": None,
    "completed_at": None,
    "completed_by": None,
    "completed_because": None,
    "reopen_until": None,
    "events": [],
    "timeline": {},
}

Event = dict[str, Any]


#: The record kept with a ticket, as actions/acts/reviewing.py makes it.
REVIEW = {
    "verdict": "agree",
    "category": "pickup_urge",
    "candidates": [["pickup_urge", 0.91], ["transit_urge", 0.06]],
    "probabilities": {"pickup_urge": 0.91, "transit_urge": 0.06, "charge_dispute": 0.02},
    "reasons": ["the message says pickup_urge 0.90", "ticked: nothing", "a ticket is the cheapest"],
    "message": [["pickup_urge", 0.9], ["transit_urge", 0.05], ["human", 0.01]],
    "stated": None,
    "order_state": "created",
    "model": None,
    "questions_asked": 0,
    "confirmed_by": "agreement",
}


def says(text: str, *choices: str) -> Event:
    """A bot message; `human` is offered with it unless it is left out by `says(..., "-human")`."""
    ids = [one for one in choices if one != "-human"]
    if "-human" not in choices:
        ids.append("human")
    shown = [{"id": one, "label": LABELS.get(one, one)} for one in ids]
    return {"kind": "message", "author": "bot", "text": text, "choices": shown}


def ticket(category: str) -> Event:
    """A ticket appears, or changes its category."""
    held = {"id": "t1", "category": category, "state": "open"}
    return {"kind": "ticket", "author": "system", "ticket": held}


def owner(name: str) -> Event:
    """The conversation changes hands."""
    return {"kind": "owner", "author": "system", "owner": name}


@dataclass
class Conversation:
    """The log of one customer and the turns the script has used up."""

    script: Sequence[Sequence[Event]]
    turns: int = 0
    log: list[Event] = field(default_factory=list)
    client_ids: dict[str, Event] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def offered(self) -> set[str]:
        """Choice ids of the newest message with choices."""
        for event in reversed(self.log):
            if event.get("choices"):
                return {one["id"] for one in event["choices"]}
        return set()

    def append(self, event: Event) -> Event:
        stored = {"seq": len(self.log) + 1, **event}
        self.log.append(stored)
        self.news.set()
        return stored


class FakeDesk:
    """Answers each message by what the script says for it.

    Args:
        scripts: first message -> for each customer turn the events the desk writes.
        failing: paths that answer 503 this many times before they work.
        reviewed: the record kept with a ticket; None: it was opened without a review.
        private: nobody may read the reviews (a proxy that does not pass the route on).
    """

    def __init__(
        self,
        scripts: Mapping[str, Sequence[Sequence[Event]]],
        failing: Mapping[str, int] | None = None,
        reviewed: Mapping[str, Any] | None = REVIEW,
        private: bool = False,
    ) -> None:
        self.scripts = scripts
        self.reviewed = reviewed
        self.failing = dict(failing or {})
        self.orders: dict[str, dict[str, Any]] = {}
        self.opened: list[dict[str, Any]] = []
        self.taps: list[str] = []
        self.reviews_read_at: list[int] = []  #: turns of all customers when reviews were read
        self.conversations: dict[str, Conversation] = {}
        self.app = web.Application(middlewares=[self._fail])
        self.app.add_routes(
            [
                web.get("/api/categories", self._categories),
                web.put("/api/orders/{id}", self._put_order),
                web.post("/api/session", self._session),
                web.post("/api/conversations", self._open),
                web.post("/api/conversations/{id}/messages", self._message),
                web.get("/api/conversations/{id}/events", self._events),
                web.get("/api/tickets/{id}", self._ticket),
            ]
        )
        if not private:
            self.app.router.add_get("/api/bot/conversations/{id}/reviews", self._reviews)

    @web.middleware
    async def _fail(self, request: web.Request, handler: Any) -> web.StreamResponse:
        left = self.failing.get(request.path, 0)
        if left:
            self.failing[request.path] = left - 1
            return _error(503, "busy")
        answer: web.StreamResponse = await handler(request)
        return answer

    async def _categories(self, request: web.Request) -> web.Response:
        rows = [{"id": one, "label": label} for one, label in LABELS.items()]
        return web.json_response({"categories": rows})

    async def _put_order(self, request: web.Request) -> web.Response:
        if not _is_service(request):
            return _error(401, "service_token_wrong")
        self.orders[request.match_info["id"]] = await request.json()
        return web.json_response({})

    async def _session(self, request: web.Request) -> web.Response:
        token = (await request.json())["token"]
        try:
            claims = jwt.decode(token, CUSTOMER_SECRET, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            return _error(401, "bad_token")
        return web.json_response({"token": claims["sub"]})

    async def _open(self, request: web.Request) -> web.Response:
        body = await request.json()
        order = self.orders.get(body["order_id"])
        if order is None or request.headers["Authorization"] != f"Bearer {order['customer']}":
            return _error(404, "not_found")
        self.opened.append(body)
        conversation = Conversation(self.scripts[body["text"]])
        self.conversations[body["order_id"]] = conversation
        self._turn(conversation, {"text": body["text"]}, body["client_id"])
        return web.json_response({"id": body["order_id"]}, status=201)

    async def _message(self, request: web.Request) -> web.Response:
        body = await request.json()
        conversation = self.conversations[request.match_info["id"]]
        if "choice" in body:
            if body["choice"] not in conversation.offered():
                return _error(409, "choice_not_offered")
            self.taps.append(body["choice"])
        said = {"text": body.get("text") or body["choice"]}
        return web.json_response(self._turn(conversation, said, body["client_id"]), status=202)

    def _turn(self, conversation: Conversation, said: Event, client_id: str) -> Event:
        if client_id in conversation.client_ids:
            return conversation.client_ids[client_id]
        stored = conversation.append({"kind": "message", "author": "customer", **said})
        conversation.client_ids[client_id] = stored
        if conversation.turns < len(conversation.script):
            for event in conversation.script[conversation.turns]:
                conversation.append(event)
        conversation.turns += 1
        return stored

    async def _events(self, request: web.Request) -> web.Response:
        conversation = self.conversations[request.match_info["id"]]
        after = int(request.query["after"])
        found = conversation.log[after:]
        if not found:
            conversation.news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(conversation.news.wait(), float(request.query["wait"]))
            found = conversation.log[after:]
        return web.json_response({"events": found})

    async def _ticket(self, request: web.Request) -> web.Response:
        return web.json_response(TICKET)

    async def _reviews(self, request: web.Request) -> web.Response:
        if not _is_service(request):
            return _error(401, "service_token_wrong")
        log = self.conversations[request.match_info["id"]].log
        self.reviews_read_at.append(sum(c.turns for c in self.conversations.values()))
        held = [event["ticket"] for event in log if event.get("kind") == "ticket"]
        kept = {"stated": None, **(self.reviewed or {})}
        person = any(event.get("owner") in ("queue", "agent") for event in log)
        told = {"reason": "asked", "summary": "客户说：叫人来"} if person else None
        tickets = [
            {"id": one["id"], "category": held[-1]["category"], "review": kept} for one in held[:1]
        ]
        return web.json_response({"tickets": tickets, "handover": told})


def _is_service(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {SERVICE_TOKEN}"


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)
