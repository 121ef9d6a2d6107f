"""Sends one delivery to the merchant's system, signed as Standard Webhooks.

Format: https://github.com/standard-webhooks/standard-webhooks (`webhook-id`, `webhook-timestamp`,
`webhook-signature: v1,<base64 HMAC-SHA256 of "id.timestamp.body">`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
from standardwebhooks.webhooks import Webhook

from desk.flow.outbox import Parcel
from desk.rules.notifications import Answer

#: The whole exchange, connecting included. Standard Webhooks asks for 15 to 30 s; a receiver that
#: puts the news into a queue of its own needs none of it, and another try follows in any case.
TIMEOUT_S = 5.0
#: Deliveries under way at once in one process.
AT_ONCE = 8
#: How much of a receiver's answer is read, for the supervisor to see.
READ_BYTES = 300
PREFIX = "whsec_"


def check(url: str, secret: str, setting: str = "KEFU_WEBHOOK") -> None:
    """Raises ValueError when the URL or the secret cannot be used; says which and why.

    Args:
        setting: what the names of the two settings begin with.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{setting}_URL: expected https://host/path, got {url!r}")
    expected = f"{setting}_SECRET: expected whsec_ and 24 to 64 bytes in base64"
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{expected}, got something that is not base64") from None
    if not 24 <= len(key) <= 64:
        raise ValueError(f"{expected}, got {len(key)} bytes")


class SignedClient:
    """One address of the merchant's system; what is posted there is signed.

    Args:
        url: where requests are posted.
        secret: `whsec_...`
        now: the clock of the signatures.

    Raises:
        ValueError: the URL or the secret cannot be used.
    """

    #: What the names of its two settings begin with; the whole exchange; connections at once.
    setting, timeout_s, at_once = "KEFU_WEBHOOK", TIMEOUT_S, 100

    def __init__(
        self, url: str, secret: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        check(url, secret, self.setting)
        self._url, self._signer, self._now = url, Webhook(secret), now
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.timeout_s),
            connector=aiohttp.TCPConnector(limit=self.at_once),
            headers={"Content-Type": "application/json", "User-Agent": "kefu"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    def _signed(self, name: str, text: str, now: datetime) -> dict[str, str]:
        """The headers of request `name` (repetitions have the same) with this body."""
        return {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(name, now, text),
        }


class WebhookClient(SignedClient):
    """The merchant's endpoint for notifications."""

    at_once = AT_ONCE

    async def send(self, parcel: Parcel) -> Answer:
        """One try, never more; never raises but for the caller's own mistakes."""
        assert self._session is not None
        headers = self._signed(parcel.id, parcel.body, self._now().astimezone(UTC))
        try:
            async with self._session.post(
                self._url, data=parcel.body.encode(), headers=headers, allow_redirects=False
            ) as response:
                if 200 <= response.status < 300:
                    return Answer(response.status)
                said = (await response.content.read(READ_BYTES)).decode("utf-8", "replace")
                asked = response.headers.get("Retry-After", "").strip()
                return Answer(
                    response.status,
                    f"HTTP {response.status} {said}",
                    float(asked) if asked.isascii() and asked.isdecimal() else None,
                )
        except TimeoutError:
            return Answer(None, f"timeout {self.timeout_s:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, f"unreachable {type(error).__name__}")
