"""Killed at random points: each callback that got its 成功 has had its effect exactly once."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Sequence
from datetime import UTC, datetime

from evaluation.bench_automation.bodies import PICKED_UP, callback, order_id
from evaluation.bench_automation.figures import Figure
from evaluation.bench_automation.sender import Sender
from evaluation.bench_automation.sending import Plan
from evaluation.bench_automation.world import SALT, World

PARTS = ("desk", "worker", "postgres")


class Killer:
    """Kills a part (kill -9) whenever so many callbacks have been accepted, and starts it again."""

    def __init__(self, world: World, points: Sequence[int], rng: random.Random) -> None:
        self.world, self.points, self.rng = world, sorted(points), rng
        self.killed: dict[str, int] = dict.fromkeys(PARTS, 0)
        self._accepted = asyncio.Event()
        self._count = 0

    def accepted(self, count: int) -> None:
        """So many callbacks have been accepted by now."""
        self._count = count
        self._accepted.set()

    async def run(self) -> None:
        """Kill a random part at each point, one after the other."""
        for point in self.points:
            while self._count < point:
                self._accepted.clear()
                await self._accepted.wait()
            await self._kill(self.rng.choice(PARTS))

    async def _kill(self, part: str) -> None:
        self.killed[part] += 1
        if part == "postgres":
            await asyncio.to_thread(self.world.postgres.kill)
            await asyncio.to_thread(self.world.postgres.start)
        elif part == "desk":
            self.world.end("desk", signal.SIGKILL)
            await self.world.begin_desk(worker=False, warm=False)
        else:
            self.world.end("worker", signal.SIGKILL)
            self.world.begin("worker", "worker")


async def measure(world: World, count: int, kills: int, rate: float, seed: int) -> list[Figure]:
    """`count` orders get one callback each, a quarter of them with an open ticket.

    The desk leaves the jobs to a worker process; both are started here.
    """
    await world.begin_desk(worker=False)
    world.begin("worker", "worker")
    rng = random.Random(seed)
    hot = list(range(1, count // 4 + 1))
    cold = list(range(world.tickets + 1, world.tickets + 1 + count - len(hot)))
    numbers = hot + cold
    rng.shuffle(numbers)
    now = datetime.now(UTC)
    news = [callback(n, PICKED_UP, unique, SALT, now) for unique, n in enumerate(numbers)]
    points = rng.sample(range(1, count), kills)
    killer = Killer(world, points, rng)
    plan = Plan(world.port, SALT, count, (0, 0), connections=8, rate=rate)
    told, _ = await asyncio.gather(Sender(plan, news, killer.accepted).run(), killer.run())
    lag = await world.worked_off(120)
    await asyncio.sleep(1)
    part = "soak"
    return [
        Figure(part, "callbacks accepted", told["accepted"]),
        Figure(part, "tries refused or cut off, and repeated", told["refused"]),
        *(Figure(part, f"kill -9 of {name}", times) for name, times in killer.killed.items()),
        Figure(part, "all worked off after the last answer", lag, "s"),
        *await asyncio.to_thread(_check, world, hot, cold),
    ]


def _check(world: World, hot: list[int], cold: list[int]) -> list[Figure]:
    """Effects missing or doubled; every line has to be 0."""
    orders = [order_id(n) for n in hot + cold]
    tickets = [f"t_{n}" for n in hot]
    lost = (
        "select count(*) from unnest(%s::text[]) as told (order_id) where not exists "
        "(select from callbacks c where c.order_id = told.order_id and c.applied_at is not null)"
    )
    facts = (
        "select count(*) from unnest(%s::text[]) as told (order_id) where 1 <> "
        "(select count(*) from facts f where f.order_id = told.order_id "
        "and f.fact = 'parcel.collected')"
    )
    states = "select count(*) from orders where id = any(%s) and state <> 'collected'"
    open_ = "select count(*) from tickets where id = any(%s) and state <> 'completed'"
    entries = (
        "select count(*) from unnest(%s::text[]) as t (id) where 1 <> (select count(*) "
        "from ticket_entries e where e.ticket_id = t.id and e.kind = 'completed')"
    )
    words = (
        "select count(*) from tickets t where t.id = any(%s) and 1 <> (select count(*) from "
        "events e where e.conversation_id = t.conversation_id and e.author = 'system' "
        "and e.kind = 'message')"
    )
    checks = [
        ("callbacks lost", lost, orders),
        ("orders without exactly one fact", facts, orders),
        ("orders in a wrong state", states, orders),
        ("tickets not completed", open_, tickets),
        ("tickets not completed exactly once", entries, tickets),
        ("customers not told exactly once", words, tickets),
    ]
    return [
        Figure("soak", name, world.query(text, values)[0][0], "", 0)
        for name, text, values in checks
    ]
