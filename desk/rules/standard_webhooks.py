"""Signatures of signed webhooks, in both directions.

Source: the Standard Webhooks specification 1.0.0 (standardwebhooks.com): headers `webhook-id`,
`webhook-timestamp` (epoch seconds) and `webhook-signature` (`v1,` + base64 of the HMAC-SHA256 of
`id.timestamp.body`; several, separated by blanks, while a secret is being changed). A secret is
written `whsec_` + base64; a repetition has the same id and a new timestamp.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

#: A signature older or newer than this is a replay, or a wrong clock.
TOLERANCE = timedelta(minutes=5)
PREFIX = "whsec_"


def make_secret(random: bytes) -> str:
    """A secret in the specification's form.

    Args:
        random: 24 to 64 unguessable bytes.
    """
    return PREFIX + base64.b64encode(random).decode()


def _key(secret: str) -> bytes:
    """The key's bytes. A secret without the prefix is taken as it is."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"expected base64 after {PREFIX}") from None


def signature(webhook_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """One `v1,...` signature.

    Raises:
        ValueError: the secret begins with `whsec_` and is no base64.
    """
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def headers(webhook_id: str, now: datetime, body: bytes, secret: str) -> dict[str, str]:
    """The three headers of a request sent at `now`.

    Args:
        webhook_id: the same on every repetition; without a full stop.
    """
    timestamp = int(now.timestamp())
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(webhook_id, timestamp, body, secret),
    }


def matches(given: Mapping[str, str], body: bytes, secret: str, now: datetime) -> bool:
    """True if one of the signatures belongs to the body and is not older than the tolerance.

    Args:
        given: the request's headers by lower-case name.
    """
    webhook_id, written = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (webhook_id and written.isascii() and written.isdecimal() and len(written) < 12):
        return False
    if abs(int(written) - now.timestamp()) > TOLERANCE.total_seconds():
        return False
    expected = signature(webhook_id, int(written), body, secret).encode()
    found = given.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected, one.encode()) for one in found)
