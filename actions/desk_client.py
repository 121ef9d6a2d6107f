"""Asking the desk for a ticket or a person. The desk's yes is the only proof that there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

TOTAL_TIMEOUT_S = 3.0  # both tries together; an action as a whole has 4 s


class DeskUnavailable(Exception):
    """The desk did not give a usable answer: nobody knows of a ticket."""


class DeskRefused(Exception):
    """The desk said no. `code` is its reason."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the desk refused: {code}")
        self.code = code


class StaleEpoch(DeskRefused):
    """Somebody else owns the conversation by now: the bot must say nothing more."""

    def __init__(self) -> None:
        super().__init__("stale_epoch")


@dataclass(frozen=True)
class TicketAnswer:
    """The desk's yes."""

    id: str
    category: str
    state: str
    outcome: str  #: created, added, corrected or same


class DeskClient:
    """One HTTP session to the desk. `token` is asked at each call: it may appear after start."""

    def __init__(
        self, url: str, token: Callable[[], str], timeout_s: float = TOTAL_TIMEOUT_S
    ) -> None:
        self._url = url
        self._token = token
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def open_ticket(
        self,
        *,
        conversation_id: str,
        epoch: int,
        category: str,
        idempotency_key: str,
        text: str,
        review: dict[str, Any],
        correct_ticket_id: str | None = None,
    ) -> TicketAnswer:
        """A ticket of `category`, or another category for `correct_ticket_id`.

        The same idempotency key again gives the same ticket, so a retry never makes a second one.
        Raises StaleEpoch, DeskRefused, DeskUnavailable.
        """
        body: dict[str, Any] = {
            "conversation_id": conversation_id,
            "epoch": epoch,
            "category": category,
            "idempotency_key": idempotency_key,
            "text": text,
            "review": review,
        }
        if correct_ticket_id:
            body["correct_ticket_id"] = correct_ticket_id
        answer = await self._post("/api/bot/tickets", body)
        try:
            ticket = answer["ticket"]
            return TicketAnswer(
                id=str(ticket["id"]),
                category=str(ticket["category"]),
                state=str(ticket["state"]),
                outcome=str(answer["outcome"]),
            )
        except (KeyError, TypeError) as error:
            raise DeskUnavailable("the desk's answer names no ticket") from error

    async def hand_over(
        self, *, conversation_id: str, epoch: int, reason: str, summary: str
    ) -> None:
        """A person for the conversation; the desk tells the customer.

        Raises StaleEpoch, DeskRefused, DeskUnavailable.
        """
        body = {
            "conversation_id": conversation_id,
            "epoch": epoch,
            "reason": reason,
            "summary": summary,
        }
        answer = await self._post("/api/bot/handover", body)
        if not isinstance(answer, dict) or "owner" not in answer:
            raise DeskUnavailable("the desk's answer names no owner")

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        """One POST, tried again once if the connection broke; one deadline for both."""
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    return await self._try(path, body)
                except aiohttp.ClientConnectionError:
                    return await self._try(path, body)
        except TimeoutError as error:
            raise DeskUnavailable(f"no answer within {self._timeout_s:g} s") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise DeskUnavailable(type(error).__name__) from error

    async def _try(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self._token()}"}
        session = self._open_session()
        async with session.post(
            self._url + path, json=body, headers=headers, allow_redirects=False
        ) as response:
            if response.status in (200, 201):
                return await response.json()
            if 400 <= response.status < 500:
                code = await _error_code(response)
                raise StaleEpoch if code == "stale_epoch" else DeskRefused(code)
            raise DeskUnavailable(f"HTTP {response.status}")

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        return self._session


async def _error_code(response: aiohttp.ClientResponse) -> str:
    try:
        return str((await response.json())["error"]["code"])
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return f"http_{response.status}"
