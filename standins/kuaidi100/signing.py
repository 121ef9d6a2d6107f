"""The platform's signatures, checked to the letter: upper-case MD5, plain concatenation.

Source: the signing helper of Kuaidi100's public SDKs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """Whom the platform serves."""

    key: str
    customer: str
    secret: str


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def signed_with_customer(form: Mapping[str, str], account: Account) -> bool:
    """Queries: fields customer, sign, param."""
    expected = md5(form.get("param", "") + account.key + account.customer)
    return form.get("customer") == account.customer and form.get("sign") == expected


def signed_with_secret(form: Mapping[str, str], account: Account) -> bool:
    """Orders and tickets: fields key, t (epoch milliseconds), sign, param."""
    when = form.get("t", "")
    if form.get("key") != account.key or not (when.isdigit() and len(when) == 13):
        return False
    return form.get("sign") == md5(form.get("param", "") + when + account.key + account.secret)
