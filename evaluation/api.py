"""The customer API as a shop's site and a browser use it, and one read for the report."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from evaluation.tokens import Merchant

#: Tries of one call; a customer's browser sends again when the line drops or the desk is busy.
TRIES = 4
#: Longest a long poll is asked to wait, seconds.
POLL_S = 20


class ApiError(Exception):
    """The desk answered with an error, or could not be reached (`status` 0)."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code


class Desk:
    """The desk at one address.

    Args:
        http: an open client session.
        url: address without a path, such as http://127.0.0.1:8000.
        merchant: the shop's secrets.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, merchant: Merchant) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._merchant = merchant

    async def labels(self, language: str) -> dict[str, str]:
        """Category id -> what the menu calls it, in `zh` or `en`.

        Raises:
            ApiError: the desk cannot be reached or refuses.
        """
        answer = await self._call("GET", "/api/categories", language=language)
        rows = answer.get("categories", []) if isinstance(answer, dict) else answer
        return {str(row["id"]): str(row["label"]) for row in rows}

    async def put_order(self, order_id: str, order: dict[str, Any]) -> None:
        """Tell the desk about an order, as the shop's system does.

        Raises:
            ApiError: refused or unreachable.
        """
        token = self._merchant.service_token
        await self._call("PUT", f"/api/orders/{order_id}", order, token)

    async def sign_in(self, customer: str, order_id: str, language: str) -> Visitor:
        """A customer arrives from the shop's page of an order.

        Raises:
            ApiError: refused or unreachable.
        """
        token = self._merchant.customer_token(customer, [order_id])
        answer = await self._call("POST", "/api/session", {"token": token}, language=language)
        return Visitor(self, str(answer["token"]), order_id, language)

    async def reviews(self, conversation: str) -> dict[str, Any]:
        """Why the bot did what it did; for the report, when no customer is left (reasons.py).

        Raises:
            ApiError: refused (a proxy need not pass this route on) or unreachable.
        """
        path = f"/api/bot/conversations/{conversation}/reviews"
        answer: dict[str, Any] = await self._call("GET", path, token=self._merchant.service_token)
        return answer

    async def _call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        token: str | None = None,
        language: str = "zh",
    ) -> Any:
        """One call, sent again when the line drops, the desk is busy (429) or fails (5xx).

        Sending again is safe: every write carries an id of ours (`client_id`, order id).
        """
        headers = {"Accept-Language": language}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        failure = ApiError(0, "unreachable", self._url)
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(2.0**attempt / 2)
            try:
                async with self._http.request(
                    method, self._url + path, json=body, headers=headers
                ) as answer:
                    if answer.status < 400:
                        return await answer.json()
                    failure = await _error(answer)
            except (aiohttp.ClientError, TimeoutError) as error:
                failure = ApiError(0, "unreachable", f"{type(error).__name__}: {error}")
            if 0 < failure.status < 500 and failure.status != 429:
                break
        raise failure


class Visitor:
    """A signed-in customer with one order and, once opened, one `conversation` (its id)."""

    def __init__(self, desk: Desk, token: str, order_id: str, language: str) -> None:
        self._desk = desk
        self._token = token
        self._order_id = order_id
        self._language = language
        self.conversation = ""

    async def open(self, category: str | None, text: str, client_id: str) -> None:
        """Open the conversation with the first message, ticking a category when there is one."""
        body = {"order_id": self._order_id, "text": text, "client_id": client_id}
        if category is not None:
            body["category"] = category
        answer = await self._call("POST", "/api/conversations", body)
        self.conversation = str(answer["id"])

    async def write(self, text: str, client_id: str) -> None:
        """Send one message."""
        await self._send({"text": text, "client_id": client_id})

    async def tap(self, choice: str, client_id: str) -> None:
        """Tap one of the offered choices."""
        await self._send({"choice": choice, "client_id": client_id})

    async def events(self, after: int) -> list[dict[str, Any]]:
        """Events with a sequence number above `after`; waits up to POLL_S seconds for the first."""
        path = f"/api/conversations/{self.conversation}/events?after={after}&wait={POLL_S}"
        answer = await self._call("GET", path)
        return list(answer["events"] if isinstance(answer, dict) else answer)

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        """A ticket as the customer may see it."""
        answer: dict[str, Any] = await self._call("GET", f"/api/tickets/{ticket_id}")
        ticket: dict[str, Any] = answer.get("ticket", answer)
        return ticket

    async def _send(self, body: dict[str, Any]) -> None:
        await self._call("POST", f"/api/conversations/{self.conversation}/messages", body)

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await self._desk._call(method, path, body, self._token, self._language)


async def _error(answer: aiohttp.ClientResponse) -> ApiError:
    try:
        error = (await answer.json())["error"]
        return ApiError(answer.status, str(error["code"]), str(error["message"]))
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return ApiError(answer.status, "no_code", (await answer.text())[:200])
