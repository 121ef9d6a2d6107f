"""How fast one customer may send messages."""

from __future__ import annotations

from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter


class Limiter:
    """Counts per customer in this process; generous to people, hard on loops.

    Args:
        per_minute: messages allowed in any 60 seconds.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = parse(f"{per_minute}/minute")
        self._strategy = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def allow(self, customer_id: str) -> bool:
        """Count one message; False when it is one too many."""
        return bool(await self._strategy.hit(self._limit, customer_id))
