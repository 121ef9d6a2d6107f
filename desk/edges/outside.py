"""What the desk calls beyond its database, opened and closed together."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from desk.edges.bot_client import BotClient
from desk.settings import Settings


@dataclass(frozen=True)
class Outside:
    """The clients of other programs: made once for each process by `open_outside`."""

    bot: BotClient

    async def close(self) -> None:
        """Close every connection; never fails."""
        for close in (self.bot.close,):
            with contextlib.suppress(Exception):
                await close()


async def open_outside(settings: Settings) -> Outside:
    """Make the clients of this process.

    Raises:
        OSError: a secret cannot be read or made.
    """
    bot = BotClient(settings.bot_url, settings.secret("service_token"), settings.bot_timeout_s)
    await bot.open()
    return Outside(bot=bot)
