"""Tokens: the merchant's customer token in, the desk's own session token out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

#: Clocks of the merchant's servers may differ by this much.
LEEWAY = timedelta(seconds=60)


class BadToken(Exception):
    """The token is missing, altered, expired, or meant for somebody else."""


def read_customer_token(token: str, secret: str, public_key: str) -> dict[str, Any]:
    """Check a token made by the merchant's site.

    Args:
        token: HS256 (with the shared secret) or RS256 (with the merchant's public key) JWT with
            `sub` (the customer) and `exp`, and optionally `orders` (a list of order ids).

    Raises:
        BadToken: says what is wrong with it.
    """
    key, algorithm = (public_key, "RS256") if public_key else (secret, "HS256")
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[algorithm], leeway=LEEWAY, options={"require": ["sub", "exp"]}
        )
    except jwt.PyJWTError as error:
        raise BadToken(str(error)) from error
    orders = claims.get("orders")
    if orders is not None and not (
        isinstance(orders, list) and all(isinstance(order, str) for order in orders)
    ):
        raise BadToken(f"orders: expected a list of order ids, got {orders!r}")
    return claims


def make_customer_token(customer_id: str, secret: str, hours: float = 1.0) -> str:
    """A token as a merchant's site makes it; used by the demo shop."""
    expires = datetime.now(UTC) + timedelta(hours=hours)
    return jwt.encode({"sub": customer_id, "exp": expires}, secret, algorithm="HS256")


def make_session(
    subject: str, kind: str, secret: str, hours: float, orders: list[str] | None = None
) -> str:
    """The desk's own session token for a customer or an agent (`kind`)."""
    claims: dict[str, Any] = {
        "sub": subject,
        "aud": kind,
        "exp": datetime.now(UTC) + timedelta(hours=hours),
    }
    if orders is not None:
        claims["orders"] = orders
    return jwt.encode(claims, secret, algorithm="HS256")


def read_session(token: str, secret: str, kind: str) -> dict[str, Any]:
    """The claims of a session token of that `kind`.

    Raises:
        BadToken: missing, altered, expired, or of the other kind.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token, secret, algorithms=["HS256"], audience=kind, options={"require": ["sub", "exp"]}
        )
    except jwt.PyJWTError as error:
        raise BadToken(str(error)) from error
    return claims
