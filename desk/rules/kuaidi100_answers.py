"""What an answer of Kuaidi100's API means: the answer itself, or one of four failures.

Sources: the code tables of Kuaidi100's API pages for real-time query, subscription and orders, and
codes that its users report (408, 504). One number means different things in different services
(500 is "no result" of a query and "server error" elsewhere; 501 is "server error" of a query,
"already subscribed" and "sent twice"), so a code never stands without its service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from desk.rules.carrier_api import CarrierLimit, CarrierRefused, CarrierUnknown

Service = Literal["query", "subscribe", "order", "workorder"]

#: Pause of a service that said "busy" or "too often"; longer when it says so again.
BUSY_S = 30.0
#: Pause of a service after a wrong key or signature, or a used-up quota: people must mend that.
ACCOUNT_S = 900.0
#: Failures in a row that are borne before a service is left alone, and for how long then.
BORNE, FIRST_PAUSE_S, LONGEST_PAUSE_S = 2, 10.0, 600.0

_LIMITS = {"502": BUSY_S, "504": BUSY_S, "601": ACCOUNT_S}
WRONG_SIGN = "503"
#: A no to everything we may send, until somebody corrects the settings.
_ACCOUNT = (WRONG_SIGN, "600")
_UNKNOWN = {
    "query": ("501",),
    "subscribe": ("500",),
    "order": ("500",),
    "workorder": ("500", "501", "502"),
}
#: Codes that are a yes.
_DONE = {
    "query": ("200",),
    "subscribe": ("200", "501"),  # 501: it is subscribed already
    "order": ("200",),
    "workorder": ("200",),
}
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Trouble:
    """How long a failure keeps the whole service closed, and whether people must mend it."""

    pause_s: float
    account: bool = False


def read_answer(service: Service, status: int, text: str, now: datetime) -> Mapping[str, Any]:
    """The JSON object that Kuaidi100 answered, if it is a yes.

    Args:
        status: of HTTP.
        now: aware UTC; a limit says from it when to come back.

    Raises:
        CarrierLimit, CarrierUnknown, CarrierRefused.
    """
    if status == 429:
        raise CarrierLimit(now + timedelta(seconds=BUSY_S), "HTTP 429", sent=True)
    if status >= 500:
        raise CarrierUnknown(f"HTTP {status}")
    if status != 200:
        raise CarrierRefused(f"http_{status}", "")
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise CarrierUnknown("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise CarrierUnknown(f"the answer is no JSON object but {type(answer).__name__}")
    code = _code(answer)
    if not code:
        raise CarrierUnknown(f"the answer has no code, its keys are {sorted(answer)[:8]}")
    if code in _DONE[service]:
        return answer
    words = _LONG_NUMBER.sub("…", str(answer.get("message") or ""))[:200]
    # "too busy" of a service that changes something may come from behind the work
    if code in _UNKNOWN[service]:
        raise CarrierUnknown(f"{code} {words}".strip())
    if code in _LIMITS:
        retry_at = now + timedelta(seconds=_LIMITS[code])
        raise CarrierLimit(retry_at, f"{code} {words}".strip(), sent=True)
    raise CarrierRefused(code, words)


def _code(answer: Mapping[str, Any]) -> str:
    """The code of an answer: `returnCode`, `code` (tickets), or `status` (a good query's)."""
    for key in ("returnCode", "code", "status"):
        value = answer.get(key)
        if value not in (None, "") and not isinstance(value, bool):
            return str(value)
    if answer.get("result") is False or answer.get("success") is False:
        return "no code"
    return ""


def is_health(failure: Exception) -> bool:
    """Whether a failure is a sign of a service that works: a clear no to one request."""
    return isinstance(failure, CarrierRefused) and failure.code not in _ACCOUNT


def trouble_of(failure: Exception, failures: int, now: datetime) -> Trouble | None:
    """Whether a failure closes its service for a while, to all callers.

    Args:
        failures: how many calls of the service failed in a row, this one included.
    """
    if isinstance(failure, CarrierLimit):
        told = (failure.retry_at - now).total_seconds()
        return Trouble(max(told, _growing(failures)), account=told >= ACCOUNT_S - 1)
    if isinstance(failure, CarrierRefused):
        # one wrong signature may be due to one odd request; two in a row are due to the secret
        borne = failures < 2 and failure.code == WRONG_SIGN
        return None if borne else Trouble(ACCOUNT_S, account=True)
    return Trouble(_growing(failures - BORNE)) if failures > BORNE else None


def _growing(failures: int) -> float:
    """10, 20, 40 ... 600 s."""
    return min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE_S)
