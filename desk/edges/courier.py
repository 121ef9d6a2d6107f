"""The courier: sends what waits in the outbox, with places of its own beside the job queue.

Any number of processes may each have one: a row is taken by one of them at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from desk.flow import outbox
from desk.flow.desk import Desk
from desk.flow.outbox import Parcel
from desk.rules.notifications import Answer

log = structlog.get_logger("desk.courier")

#: How often it looks for what has become due.
LOOK_EVERY_S = 1.0


class Courier:
    """Takes due deliveries, sends them, writes down what came of it.

    Args:
        send: one try of one delivery; does not raise.
        at_once: how many are under way at most.
    """

    def __init__(
        self, desk: Desk, send: Callable[[Parcel], Awaitable[Answer]], at_once: int
    ) -> None:
        self._desk, self._send, self._at_once = desk, send, at_once

    async def run(self) -> None:
        """Until cancelled. What is under way then is sent again, by whoever runs next."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while True:
                free = self._at_once - len(under_way)
                taken = await outbox.take(self._desk, free) if free else []
                under_way |= {asyncio.create_task(self._deliver(parcel)) for parcel in taken}
                if under_way:
                    _, under_way = await asyncio.wait(
                        under_way, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED
                    )
                else:
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _deliver(self, parcel: Parcel) -> None:
        answer = await self._send(parcel)
        try:
            verdict = await outbox.settle(self._desk, parcel, answer)
        except (SQLAlchemyError, OSError) as error:
            # it was sent and this is not known: it is sent once more, with the same id
            log.warning("delivery not settled", delivery=parcel.id, error=type(error).__name__)
            return
        if verdict.outcome == "dead":
            log.error("delivery is dead", delivery=parcel.id, kind=parcel.kind, tries=parcel.tries)
        elif verdict.outcome == "failed":
            log.warning(
                "delivery failed",
                delivery=parcel.id,
                status=answer.status,
                next_try_in_s=verdict.wait_s,
            )
