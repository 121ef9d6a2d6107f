"""Signatures of incoming callbacks, and of our own calls to Kuaidi100.

Source: Kuaidi100's public SDK (SignUtils): always the upper-case hex MD5 of plain concatenation.
The push signature is over the raw `param` string followed by the salt. Its case is not promised,
so it is compared without case; and always over the string as received, because re-serialising JSON
changes it.
"""

from __future__ import annotations

import hashlib
import hmac


def kuaidi100_sign(param: str, salt: str) -> str:
    """The signature Kuaidi100 sends beside `param`: 32 upper-case hex digits."""
    return _md5(param + salt)


def kuaidi100_customer_sign(param: str, key: str, customer: str) -> str:
    """The signature of a query: over `param` exactly as it is sent, the key, and the customer."""
    return _md5(param + key + customer)


def kuaidi100_secret_sign(param: str, t: str, key: str, secret: str) -> str:
    """The signature of orders and tickets; `t` is the epoch in milliseconds, as it is sent."""
    return _md5(param + t + key + secret)


def kuaidi100_sign_matches(param: str, sign: str, salt: str) -> bool:
    """True if `sign` belongs to `param`; compared in constant time and without case."""
    expected = kuaidi100_sign(param, salt)
    return hmac.compare_digest(expected.encode(), sign.strip().upper().encode())


def hmac_sign(body: bytes, secret: str) -> str:
    """Hex HMAC-SHA256 of a raw request body, as `POST /hooks/facts` expects it."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def hmac_sign_matches(body: bytes, sign: str, secret: str) -> bool:
    """True if `sign` (hex, optionally prefixed `sha256=`) belongs to `body`."""
    given = sign.strip().lower().removeprefix("sha256=")
    return hmac.compare_digest(hmac_sign(body, secret).encode(), given.encode())


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
