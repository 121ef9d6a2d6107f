"""What actions and evaluation may ask of the desk (service token, private network)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges.web import check_service, desk_of, ok, read_body
from desk.flow import bot
from desk.flow.agent import conversation_view

api = Blueprint("bot_api", url_prefix="/api/bot")


class TicketBody(BaseModel):
    conversation_id: str = Field(min_length=1, max_length=100)
    epoch: int
    category: str = Field(min_length=1, max_length=100)
    idempotency_key: str = Field(min_length=1, max_length=200)
    text: str = Field(max_length=10_000)
    review: dict[str, Any] = {}
    correct_ticket_id: str | None = None


@api.post("/tickets")
async def open_ticket(request: Request) -> HTTPResponse:
    """Open a ticket for the conversation's order, or correct the category of one."""
    check_service(request)
    body = read_body(request, TicketBody)
    result = await bot.bot_opens_ticket(desk_of(request), body.model_dump())
    return ok(result, status=201 if result["outcome"] == "created" else 200)


class HandoverBody(BaseModel):
    conversation_id: str = Field(min_length=1, max_length=100)
    epoch: int
    reason: str
    summary: str = ""


@api.post("/handover")
async def hand_over(request: Request) -> HTTPResponse:
    """Hand the conversation to a person; the desk tells the customer."""
    check_service(request)
    body = read_body(request, HandoverBody)
    result = await bot.bot_hands_over(
        desk_of(request), body.conversation_id, body.epoch, body.reason, body.summary
    )
    return ok(result)


@api.get("/conversations/<conversation_id:str>/reviews")
async def show_reviews(request: Request, conversation_id: str) -> HTTPResponse:
    """Why the bot did what it did: the review behind each ticket, and why a person has it."""
    check_service(request)
    seen = await conversation_view(desk_of(request), conversation_id)
    conversation = seen["conversation"]
    return ok(
        {
            "tickets": [
                {"id": one["id"], "category": one["category"], "review": one["review"]}
                for one in seen["tickets"]
            ],
            "handover": {"reason": conversation["reason"], "summary": conversation["summary"]}
            if conversation["reason"]
            else None,
        }
    )
