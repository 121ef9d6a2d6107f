"""From an accepted fact to a completed ticket and its message in the customer's log."""

from __future__ import annotations

import asyncio
import json
import time

import psycopg

from desk.store.db import CHANNEL
from evaluation.bench_automation.figures import Figure
from evaluation.bench_automation.sending import Plan, Sending
from evaluation.bench_automation.world import SALT, World
from evaluation.measure import percentile


async def measure(world: World, rate: float, seconds: float, first: int) -> list[Figure]:
    """Send at that rate; the desk's own wake-ups say when a log has grown.

    Args:
        rate: callbacks a second, 2% of them completing a ticket.
        first: number of the first callback, so that all are new.
    """
    hot = (world.tickets // 2 + 1, world.tickets + 1)
    count = int(rate * seconds)
    cold = (world.tickets + 1, world.orders + 1)
    plan = Plan(world.port, SALT, count, cold, hot, first=first, rate=rate)
    sending = await Sending.prepare(plan)
    shown: dict[int, float] = {}
    listening = asyncio.create_task(_listen(world.url, shown))
    told = await sending.go()
    answered: dict[int, float] = dict(told["hot"])
    for _ in range(300):
        if answered.keys() <= shown.keys():
            break
        await asyncio.sleep(0.1)
    listening.cancel()
    done = await asyncio.to_thread(_completed, world, list(answered))
    waits = [max(0.0, shown[n] - at) for n, at in answered.items() if n in shown]
    part = "completing"
    return [
        Figure(part, "rate sent", told["rate"], "/s"),
        Figure(part, "facts that complete a ticket", len(answered)),
        Figure(part, "not completed or without a message", len(answered) - done, "", 0),
        Figure(part, "accepted -> message in the log, p50", percentile(waits, 50), "s"),
        Figure(part, "accepted -> message in the log, p95", percentile(waits, 95), "s", 1.0),
    ]


async def _listen(url: str, shown: dict[int, float]) -> None:
    """Note when each conversation's log has grown: notifications come with the commit."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"listen {CHANNEL}".encode())
        async for wake in connection.notifies():
            told = json.loads(wake.payload)
            if told["what"] == "log" and told["conversation"][2:].isdigit():
                shown.setdefault(int(told["conversation"][2:]), time.time())


def _completed(world: World, numbers: list[int]) -> int:
    """How many of these have a ticket completed by a fact, and one message that says so."""
    ((count,),) = world.query(
        "select count(*) from tickets t where t.id = any(%s) and t.state = 'completed' "
        "and t.completed_by = 'fact' and 1 = (select count(*) from events e "
        "where e.conversation_id = t.conversation_id and e.author = 'system' "
        "and e.kind = 'message')",
        [f"t_{number}" for number in numbers],
    )
    return int(count)
