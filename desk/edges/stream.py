"""Reading the log as it grows: long polling and server-sent events, for customers and agents."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from desk.edges import metrics
from desk.edges.hub import Hub
from desk.flow.desk import Desk
from desk.store import conversations, events

PING_S = 15.0
#: Streams look at the log this often even without a wake-up.
POLL_S = 3.0
LONGEST_WAIT_S = 30.0


async def read(
    desk: Desk, conversation_id: str, after: int, *, notes: bool
) -> list[dict[str, Any]]:
    """The log after a sequence number."""
    async with desk.db.begin() as tx:
        return await events.read_after(tx, conversation_id, after, notes=notes)


async def long_poll(
    desk: Desk, hub: Hub, conversation_id: str, after: int, wait_s: float, *, notes: bool = False
) -> list[dict[str, Any]]:
    """The log after `after`; when there is nothing new, waits for it up to `wait_s` seconds."""
    deadline = time.monotonic() + min(max(wait_s, 0.0), LONGEST_WAIT_S)
    async with hub.listen(conversation_id) as wakes:
        while True:
            found = await read(desk, conversation_id, after, notes=notes)
            left = deadline - time.monotonic()
            if found or left <= 0 or hub.stopping.is_set():
                return found
            try:
                await asyncio.wait_for(wakes.get(), min(left, POLL_S))
            except TimeoutError:
                continue


def sse(data: dict[str, Any], event: str | None = None, event_id: int | None = None) -> str:
    """One server-sent event."""
    head = f"id: {event_id}\n" if event_id is not None else ""
    head += f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def conversation_lines(
    desk: Desk, hub: Hub, conversation_id: str, after: int, *, notes: bool = False
) -> AsyncIterator[str]:
    """Server-sent events of one conversation: the log after `after`, then as it grows.

    Typing and the place in the queue are told as they are now, without an id: they are not in the
    log and need no resuming.
    """
    yield "retry: 2000\n\n"
    shown_queue: dict[str, Any] | None = None
    last_ping = time.monotonic()
    async with hub.listen(conversation_id) as wakes:
        while not hub.stopping.is_set():
            for event in await read(desk, conversation_id, after, notes=notes):
                after = event["seq"]
                yield sse(event, event_id=after)
            queue = await _place(desk, conversation_id)
            if queue != shown_queue and queue is not None:
                yield sse(queue, event="queue")
            shown_queue = queue
            try:
                wake = await asyncio.wait_for(wakes.get(), POLL_S)
                while wake.get("what") == "typing":
                    yield sse({"kind": "typing", "author": wake["author"]}, event="typing")
                    wake = await asyncio.wait_for(wakes.get(), POLL_S)
            except TimeoutError:
                pass
            if time.monotonic() - last_ping > PING_S:
                last_ping = time.monotonic()
                yield ": ping\n\n"


async def _place(desk: Desk, conversation_id: str) -> dict[str, Any] | None:
    async with desk.db.begin() as tx:
        conversation = await conversations.get(tx, conversation_id)
        if conversation is None or conversation.owner != "queue":
            return None
        return await desk.queue_info(tx, conversation)


async def agent_lines(
    desk: Desk, hub: Hub, seen: Callable[[], Awaitable[None]]
) -> AsyncIterator[str]:
    """Server-sent events of the console: that the queue or a conversation changed.

    Args:
        seen: called every few seconds while the page is open: it keeps the agent online.
    """
    yield "retry: 2000\n\n"
    last_ping, last_count = 0.0, -1
    async with hub.listen("*") as wakes:
        while not hub.stopping.is_set():
            if time.monotonic() - last_ping > PING_S:
                last_ping = time.monotonic()
                await seen()
                yield ": ping\n\n"
            async with desk.db.begin() as tx:
                count = await conversations.waiting_count(tx)
            if count != last_count:
                last_count = count
                yield sse({"waiting": count}, event="queue")
            try:
                wake = await asyncio.wait_for(wakes.get(), POLL_S)
            except TimeoutError:
                continue
            what = wake.get("what")
            if what in ("queue", "resync"):
                last_count = -1  # the same number may be other people
            elif what == "log":
                data = {"id": wake["conversation"], "seq": wake["seq"]}
                yield sse(data, event="conversation")
            elif what == "typing":
                data = {"id": wake["conversation"], "author": wake["author"]}
                yield sse(data, event="typing")


async def respond(request: Request, kind: str, lines: AsyncIterator[str]) -> HTTPResponse | None:
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
        await lines.aclose()  # type: ignore[attr-defined]
    return None


def resume_point(request: Request) -> int:
    """Where to resume: `Last-Event-ID` (the browser's own reconnect) or `?after=`."""
    given = request.headers.get("last-event-id") or request.args.get("after") or "0"
    return int(given) if given.isdecimal() else 0
