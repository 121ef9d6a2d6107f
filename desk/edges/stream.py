"""Reading the log as it grows: long polling and server-sent events, for customers and agents."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse
from sqlalchemy.exc import SQLAlchemyError

from desk.edges import metrics
from desk.edges.hub import Hub, Wakes
from desk.flow import outbox
from desk.flow.desk import Desk
from desk.store import conversations, events

PING_S = 15.0
#: Streams look for themselves this often: without wake-ups, and with them (one may be lost).
POLL_S, POLL_AWAKE_S = 3.0, 15.0
LONGEST_WAIT_S = 30.0


async def read(
    desk: Desk, conversation_id: str, after: int, *, notes: bool = False
) -> list[dict[str, Any]]:
    """The log after a sequence number; notes only for agents."""
    async with desk.db.begin() as tx:
        return await events.read_after(tx, conversation_id, after, notes=notes)


async def long_poll(
    desk: Desk, hub: Hub, conversation_id: str, after: int, wait_s: float
) -> list[dict[str, Any]]:
    """The log after `after`; when there is nothing new, waits for it up to `wait_s` seconds."""
    deadline = time.monotonic() + min(max(wait_s, 0.0), LONGEST_WAIT_S)
    async with hub.listen(conversation_id) as wakes:
        while True:
            found = await read(desk, conversation_id, after)
            if found:
                return found
            look_at = time.monotonic() + _poll_s(hub)
            while True:
                now = time.monotonic()
                if now >= deadline or hub.stopping.is_set():
                    return []
                if now >= look_at:
                    break
                woken = await _next(wakes, min(deadline, look_at) - now)
                if any(wake["what"] not in ("typing", "queue") for wake in woken):
                    break


def _poll_s(hub: Hub) -> float:
    return POLL_AWAKE_S if hub.connected else POLL_S


async def _next(wakes: Wakes, wait_s: float) -> list[dict[str, Any]]:
    """The wake-ups that have come, waiting for the first; none when none came in time."""
    try:
        woken = [await asyncio.wait_for(wakes.get(), max(wait_s, 0.0))]
    except TimeoutError:
        return []
    while not wakes.empty():
        woken.append(wakes.get_nowait())
    return woken


def sse(data: dict[str, Any], event: str | None = None, event_id: int | None = None) -> str:
    """One server-sent event."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    head += f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def customer_lines(
    desk: Desk, hub: Hub, conversation_id: str, after: int
) -> AsyncGenerator[str, None]:
    """`conversation_lines` for the customer's page; notes that the customer has it open."""
    seen_at = 0.0
    lines = conversation_lines(desk, hub, conversation_id, after)
    try:
        async for line in lines:  # there is one at every ping
            if time.monotonic() - seen_at >= PING_S / 2:
                seen_at = time.monotonic()
                await note_reading(desk, conversation_id)
            yield line
    finally:
        await lines.aclose()
        await note_reading(desk, conversation_id, still=False)


async def note_reading(desk: Desk, conversation_id: str, *, still: bool = True) -> None:
    """The customer has the conversation open; a hint for notifications, which may get lost."""
    with contextlib.suppress(SQLAlchemyError, OSError):
        await outbox.reading(desk, conversation_id, still=still)


async def conversation_lines(
    desk: Desk, hub: Hub, conversation_id: str, after: int
) -> AsyncGenerator[str, None]:
    """Server-sent events of one conversation: the log after `after`, then as it grows.

    Typing and the place in the queue are told as they are now, without an id: they are not in the
    log and need no resuming.
    """
    yield "retry: 2000\n\n"
    shown_place: dict[str, Any] | None = None
    news, moved = True, True
    ping_at = time.monotonic() + PING_S
    look_at = time.monotonic() + _poll_s(hub)
    async with hub.listen(conversation_id) as wakes:
        while not hub.stopping.is_set():
            if news:
                found = await read(desk, conversation_id, after)
                for event in found:
                    after = event["seq"]
                    yield sse(event, event_id=after)
                if len(found) == events.PAGE:
                    continue  # there may be more
            if moved:
                hub.follow_queue(wakes, True)  # before looking: nothing in between is missed
                place = await _place(desk, conversation_id)
                hub.follow_queue(wakes, place is not None)
                if place != shown_place and place is not None:
                    yield sse(place, event="queue")
                shown_place = place
            woken = await _next(wakes, min(look_at, ping_at) - time.monotonic())
            for wake in woken:
                if wake["what"] == "typing":
                    yield sse({"kind": "typing", "author": wake["author"]}, event="typing")
            now = time.monotonic()
            what = {wake["what"] for wake in woken}
            everything = now >= look_at or not what.isdisjoint({"resync", "lost"})
            news = everything or "log" in what
            moved = everything or "queue" in what
            if everything:
                look_at = now + _poll_s(hub)
            if now >= ping_at:
                ping_at = now + PING_S
                yield ": ping\n\n"


async def _place(desk: Desk, conversation_id: str) -> dict[str, Any] | None:
    async with desk.db.begin() as tx:
        conversation = await conversations.get(tx, conversation_id)
        if conversation is None or conversation.owner != "queue":
            return None
        return await desk.queue_info(tx, conversation)


async def agent_lines(
    desk: Desk, hub: Hub, seen: Callable[[], Awaitable[None]]
) -> AsyncGenerator[str, None]:
    """Server-sent events of the console: that the queue or a conversation changed.

    `resync` says that some may have been missed: the page reads everything again.

    Args:
        seen: called every few seconds while the page is open: it keeps the agent online.
    """
    yield "retry: 2000\n\n"
    ping_at, look_at, shown_count = 0.0, 0.0, -1
    async with hub.listen("*") as wakes:
        while not hub.stopping.is_set():
            now = time.monotonic()
            if now >= ping_at:
                ping_at = now + PING_S
                await seen()
                yield ": ping\n\n"
            if now >= look_at:
                look_at = now + _poll_s(hub)
                async with desk.db.begin() as tx:
                    count = await conversations.waiting_count(tx)
                if count != shown_count:
                    shown_count = count
                    yield sse({"waiting": count}, event="queue")
            woken = await _next(wakes, min(look_at, ping_at) - time.monotonic())
            for wake in woken:
                if wake["what"] == "log":
                    data = {"id": wake["conversation"], "seq": wake["seq"]}
                    yield sse(data, event="conversation")
                elif wake["what"] == "typing":
                    data = {"id": wake["conversation"], "author": wake["author"]}
                    yield sse(data, event="typing")
            what = {wake["what"] for wake in woken}
            if "resync" in what:
                yield sse({}, event="resync")
            if not what.isdisjoint({"queue", "resync", "lost"}):
                look_at, shown_count = 0.0, -1  # the same number may be other people


async def respond(
    request: Request, kind: str, lines: AsyncGenerator[str, None]
) -> HTTPResponse | None:
    """Send `lines` as an event stream until the client goes or the process stops."""
    response = await request.respond(
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
    metrics.STREAMS.labels(kind=kind).inc()
    try:
        async for line in lines:
            await response.send(line)
    finally:
        metrics.STREAMS.labels(kind=kind).dec()
        await lines.aclose()
    return None
