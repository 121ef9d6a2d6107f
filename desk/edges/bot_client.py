"""Calling the bot: one HTTP request per turn, with a deadline and one retry."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import structlog

from desk.flow.bot import BotFailed

log = structlog.get_logger("desk.bot_client")

#: Wait before the one retry: long enough for a supervisor to have a new process listening.
RETRY_AFTER_S = 1.0
#: A 5xx within this time came at once; a later one has cost the customer enough waiting.
AT_ONCE_S = 1.0


class BotClient:
    """The desk's side of the channel in `bot/channel.py`.

    Args:
        url: where Rasa listens.
        token: the service token.
        timeout_s: the whole call, retry included, takes no longer than this.
    """

    def __init__(self, url: str, token: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(headers=self._headers)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        """One turn; an empty list means that the bot had nothing to say.

        A refused connection or a 5xx that came at once is tried once more: the bot answers a
        message it has seen before with the same answer, so nothing happens twice.

        Raises:
            BotFailed: no usable answer in time.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                began = time.monotonic()
                try:
                    return await self._post(request)
                except aiohttp.ClientConnectionError:
                    pass
                except aiohttp.ClientResponseError as error:
                    if error.status < 500 or time.monotonic() - began > AT_ONCE_S:
                        raise
                await asyncio.sleep(RETRY_AFTER_S)
                return await self._post(request)
        except (TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError) as error:
            log.warning(
                "the bot failed",
                conversation=request["context"]["conversation_id"],
                error=type(error).__name__,
            )
            raise BotFailed(str(error)) from error

    async def _post(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        assert self._session is not None
        async with self._session.post(
            f"{self._url}/webhooks/desk/webhook", json=request
        ) as response:
            response.raise_for_status()
            messages = (await response.json())["messages"]
            if not isinstance(messages, list):
                raise ValueError("expected a list of messages")
            return messages
