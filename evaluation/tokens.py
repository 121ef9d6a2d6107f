"""The two secrets a merchant's system has: the customer-token key and the service token."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import jwt


class NoSecret(Exception):
    """Neither the environment nor the data directory has the secret."""


@dataclass(frozen=True)
class Merchant:
    """What a shop needs to talk to the desk about its customers."""

    customer_secret: str
    service_token: str

    def customer_token(self, customer: str, orders: list[str], seconds: int = 3600) -> str:
        """A short-lived HS256 token that says who the customer is, as a shop's site signs it.

        Args:
            customer: the shop's id of the customer, claim `sub`.
            orders: order ids they may speak about, claim `orders`.
            seconds: life of the token, claim `exp`.
        """
        now = int(time.time())
        claims = {"sub": customer, "orders": orders, "iat": now, "exp": now + seconds}
        return jwt.encode(claims, self.customer_secret, algorithm="HS256")


def merchant_from_environment() -> Merchant:
    """Secrets from KEFU_CUSTOMER_SECRET and KEFU_SERVICE_TOKEN, else from $KEFU_DATA_DIR/secrets.

    Raises:
        NoSecret: one of them is nowhere to be found (the desk makes them when it first starts).
    """
    return Merchant(_secret("customer_secret"), _secret("service_token"))


def _secret(name: str) -> str:
    if value := os.environ.get(f"KEFU_{name.upper()}"):
        return value
    path = Path(os.environ.get("KEFU_DATA_DIR") or "var") / "secrets" / name
    try:
        return path.read_text().strip()
    except OSError as error:
        raise NoSecret(f"KEFU_{name.upper()} is not set and {path} cannot be read") from error
