"""Tickets that need the carrier, for the merchant's own system: one signed webhook for each.

Standard Webhooks (https://www.standardwebhooks.com): a repetition has the same `webhook-id`, so
the receiver can know it by that, and what may have been received may be sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from desk.edges import webhook
from desk.rules.carrier_api import (
    CarrierLimit,
    CarrierRefused,
    CarrierUnknown,
    CarrierUnreachable,
)
from desk.rules.dispatch_request import plain

#: The whole exchange: less than the time after which a call counts as lost.
TIMEOUT_S = 10.0
#: How much of an answer is read; and how much of a refusal an agent is shown.
READ_BYTES, SHOWN = 65_536, 200
#: Clear noes: the same request would be refused again.
NOES = frozenset({400, 410, 422})
#: The longest wait a receiver may ask for with `Retry-After`, seconds.
LONGEST_ASKED_S = 3600


class MerchantClient(webhook.SignedClient):
    """Implements `flow.dispatch_steps.MerchantApi`."""

    setting, timeout_s = "KEFU_DISPATCH", TIMEOUT_S

    async def send(self, dispatch_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """One try.

        Returns:
            The JSON object of the answer; {} when the answer is another kind of yes.

        Raises:
            CarrierFailed: one of its four kinds.
        """
        assert self._session is not None
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        now = self._now().astimezone(UTC)
        headers = self._signed(dispatch_id, text, now)
        try:
            async with self._session.post(
                self._url, data=text.encode(), headers=headers, allow_redirects=False
            ) as response:
                said = (await response.content.read(READ_BYTES)).decode("utf-8", "replace")
                asked = response.headers.get("Retry-After", "").strip()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise CarrierUnreachable(type(error).__name__) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierUnknown(type(error).__name__) from None
        return _read(response.status, said, asked, now)


def _read(status: int, said: str, asked: str, now: datetime) -> Mapping[str, Any]:
    """What an answer amounts to; what is neither a yes nor a clear no is tried again."""
    if 200 <= status < 300:
        try:
            answer = json.loads(said)
        except (ValueError, RecursionError):
            return {}
        return answer if isinstance(answer, dict) else {}
    if status in NOES:
        raise CarrierRefused(str(status), plain(said, SHOWN))
    if asked.isascii() and asked.isdecimal():
        wait = timedelta(seconds=min(int(asked[:9]), LONGEST_ASKED_S))
        raise CarrierLimit(now + wait, f"HTTP {status}")
    raise CarrierUnknown(f"HTTP {status}")


def signed(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether a request to POST /hooks/dispatch is signed with the secret, and not a replay."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: no base64, no two parts, no UTF-8
        return False
    return True
