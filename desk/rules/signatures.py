"""Signatures of incoming callbacks.

Source: Kuaidi100's public SDK (SignUtils): the push signature is the upper-case hex MD5 of the raw
`param` string followed by the salt. The case is not promised, so it is compared without case; and
always over the string as received, because re-serialising JSON changes it.
"""

from __future__ import annotations

import hashlib
import hmac


def kuaidi100_sign(param: str, salt: str) -> str:
    """The signature Kuaidi100 sends beside `param`: 32 upper-case hex digits."""
    return hashlib.md5((param + salt).encode(), usedforsecurity=False).hexdigest().upper()


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
