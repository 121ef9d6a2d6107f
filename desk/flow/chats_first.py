"""Who goes first: a customer who waits for the bot, before work that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class ChatsFirst:
    """The turns of the bot that are under way in this process, and who gives way to them."""

    def __init__(self) -> None:
        self._turns = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn is under way while inside."""
        self._turns += 1
        self._none.clear()
        try:
            yield
        finally:
            self._turns -= 1
            if not self._turns:
                self._none.set()

    async def give_way(self, at_most_s: float) -> None:
        """Return when no turn is under way, or after so many seconds: others wait, too."""
        if self._turns and at_most_s > 0:
            try:
                async with asyncio.timeout(at_most_s):
                    await self._none.wait()
            except TimeoutError:
                return
