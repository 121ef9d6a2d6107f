"""Half an hour of a festival's callbacks at once, while people go on chatting with the bot."""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from pathlib import Path

import aiohttp
import psycopg

from evaluation.api import Desk
from evaluation.bench_automation.figures import Figure
from evaluation.bench_automation.seed import seed
from evaluation.bench_automation.sending import Plan, Sending
from evaluation.bench_automation.world import SALT, warmed_up
from evaluation.measure import percentile
from evaluation.tokens import Merchant
from ops.system import System

#: Orders a day, and news of each on its way, that the half hour is taken from.
DAY, NEWS = 10_000_000, 8
SAID = (
    "约了今天上午，快递员一直没来取件",
    "我的快递三天没动了",
    "运费多扣了我一次",
    "怎么还没派送",
)


def waiting(scale: float) -> int:
    """Callbacks of 30 minutes of a day of 10M orders, scaled."""
    return int(DAY * NEWS * 30 / 1440 * scale)


class Chats:
    """Customers who write one message each, one after the other, and wait for the bot's answer."""

    def __init__(self, system: System, http: aiohttp.ClientSession) -> None:
        secret = (Path(system.data_dir) / "secrets" / "customer_secret").read_text().strip()
        self._desk = Desk(http, system.url, Merchant(secret, system.service_token))

    async def turns(self, count: int = 0, until: asyncio.Event | None = None) -> list[float]:
        """Seconds of each turn, of `count` turns or until the event; 20 where none came."""
        took: list[float] = []
        while len(took) < count or (until is not None and not until.is_set()):
            took.append(await self._turn(SAID[len(took) % len(SAID)]))
        return took

    async def _turn(self, text: str) -> float:
        number = uuid.uuid4().hex[:10]
        order = {"carrier": "yuantong", "waybill": f"ZT{number}", "state": "accepted", "fees": []}
        await self._desk.put_order(f"chat-{number}", {"customer": f"c-{number}", **order})
        visitor = await self._desk.sign_in(f"c-{number}", f"chat-{number}", "zh")
        sent = time.monotonic()
        await visitor.open(None, text, "m1")
        seq = said = 0
        while time.monotonic() - sent < 20:
            for event in await visitor.events(seq):
                seq = event["seq"]
                if event["author"] == "customer":
                    said = seq
                elif said and (event["author"] == "bot" or event["kind"] == "owner"):
                    return time.monotonic() - sent
        return 20.0


async def measure(orders: int, scale: float, quiet_turns: int) -> list[Figure]:
    """Start a whole system, chat with it in quiet, then let the callbacks come.

    Args:
        orders: orders in the database; 1 in 10 has an open ticket.
        scale: 1 = the whole half hour of a day of 10M orders.
    """
    with tempfile.TemporaryDirectory(prefix="kefu-bench-", ignore_cleanup_errors=True) as folder:
        settings = {"KEFU_KUAIDI100_SALT": SALT, "KEFU_DEMO": "0"}
        system = System(Path(folder) / "var", demo=False, env=settings)
        await asyncio.to_thread(system.start)
        try:
            await seed(system.database_url, orders, orders // 10)
            async with aiohttp.ClientSession() as http:
                return await _measure(system, Chats(system, http), orders, scale, quiet_turns)
        finally:
            await asyncio.to_thread(system.stop)


async def _measure(
    system: System, chats: Chats, orders: int, scale: float, quiet_turns: int
) -> list[Figure]:
    assert system.ports
    count, tickets = waiting(scale), orders // 10
    await chats.turns(5)  # the first ones load things
    await warmed_up(lambda: system.logs("desk"))
    quiet = await chats.turns(quiet_turns)
    plan = Plan(system.ports.desk, SALT, count, (tickets + 1, orders + 1), (1, tickets + 1))
    sending = await Sending.prepare(plan)
    over = asyncio.Event()
    busy = asyncio.create_task(chats.turns(quiet_turns, over))
    began = time.monotonic()
    told = await sending.go()
    taken = time.monotonic() - began
    await _worked_off(system)
    worked_off = time.monotonic() - began
    over.set()
    loaded = await busy
    stored = await _scalar(system, "select count(*) from callbacks")
    failed = await _scalar(system, "select count(*) from callbacks where result like 'failed%'")
    part = "festival"
    slow = percentile(loaded, 95) / percentile(quiet, 95)
    return [
        Figure(part, f"callbacks at once (half an hour, scale {scale:g})", count),
        Figure(part, "accepted within", taken, "s"),
        Figure(part, "all worked off within", worked_off, "s"),
        Figure(part, "lost", told["accepted"] - stored, "", 0),
        Figure(part, "given up", failed, "", 0),
        Figure(part, "out of order for their waybill", await _scalar(system, DISORDER), "", 0),
        Figure(part, "turns of the bot meanwhile", len(loaded)),
        Figure(part, "a turn of the bot in quiet, p95", percentile(quiet, 95), "s"),
        Figure(part, "a turn of the bot meanwhile, p95", percentile(loaded, 95), "s"),
        Figure(part, "meanwhile / quiet", slow, "", 2.0),
    ]


async def _worked_off(system: System) -> None:
    """Wait until no callback waits any more.

    Raises:
        TimeoutError: some still do after half an hour.
    """
    for _ in range(1800):
        if not await _scalar(system, "select count(*) from callbacks where applied_at is null"):
            return
        await asyncio.sleep(1)
    raise TimeoutError("callbacks still wait after half an hour")


#: Neighbours of one order that were stored or applied in another order than they were sent in.
DISORDER = """
select count(*) from (
    select number, fact,
        lag(number) over each as number_before, lag(fact) over each as fact_before
    from (
        select c.id, c.order_id,
            coalesce(substr(c.body::jsonb->'data'->>'orderId', 2),
                c.body::jsonb->>'message')::bigint as number,
            (select min(f.id) from facts f where f.callback_id = c.id) as fact
        from callbacks c
    ) as told
    window each as (partition by order_id order by id)
) as pairs
where number < number_before or fact < fact_before
"""


async def _scalar(system: System, query: str) -> int:
    async with await psycopg.AsyncConnection.connect(system.database_url) as connection:
        row = await (await connection.execute(query.encode())).fetchone()
        assert row
        return int(row[0])
