"""News for the merchant's own channels (SMS, app push): kinds, quiet hours, and when to try again.

The format is Standard Webhooks (https://www.standardwebhooks.com): what is delivered carries the
same id however often it is sent, so that the receiver can pass over what it has seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from desk.rules.keys import check_keys
from desk.rules.service import read_clock

#: Every kind of news there is: what happened, as `type` in the body.
KINDS = (
    "ticket.opened",
    "ticket.progress",
    "ticket.completed",
    "ticket.reopened",
    "ticket.corrected",
    "ticket.asked",
    "conversation.handed_over",
    "conversation.agent_message",
)

#: Waits before the 2nd, 3rd ... try, in seconds: 9 tries in a little more than a day.
WAITS_S = (5, 60, 300, 900, 3600, 3 * 3600, 8 * 3600, 12 * 3600)
#: A receiver that refuses (most 4xx, and redirections) is asked this often: it is a mistake in
#: somebody's settings, and a supervisor should see it within the hour.
TRIES_IF_REFUSED = 3
#: 4xx that speak of the moment and not of the request.
NOT_NOW = frozenset({408, 425, 429})
#: The longest wait that a receiver can ask for with `Retry-After`, in seconds.
LONGEST_ASKED_S = 3600.0
#: A delivery that has failed this often no longer holds up later ones of its conversation.
GIVES_WAY_AFTER = 4
#: An agent who goes on writing to a customer who is not there is told of once in this time.
AGENT_AGAIN_AFTER = timedelta(minutes=10)


@dataclass(frozen=True)
class QuietHours:
    """When nobody is to be woken by a notification: `quiet_hours` of data/desk.yml."""

    timezone: str = "Asia/Shanghai"
    start: time = time(22, 0)
    end: time = time(8, 0)
    #: Kinds that are sent at any hour.
    may_disturb: frozenset[str] = frozenset({"conversation.agent_message"})

    def earliest(self, kind: str, at: datetime) -> datetime:
        """When news of that kind may be sent that is ready at `at`: then, or when quiet ends."""
        local = at.astimezone(ZoneInfo(self.timezone))
        if kind in self.may_disturb or not self._is_quiet(local.time()):
            return at
        end = local.replace(hour=self.end.hour, minute=self.end.minute, second=0, microsecond=0)
        if end <= local:  # it is evening: the end is tomorrow's
            end += timedelta(days=1)
        return end.astimezone(at.tzinfo)

    def _is_quiet(self, clock: time) -> bool:
        if self.start <= self.end:  # the same time twice: there are no quiet hours
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


def read_quiet_hours(data: Mapping[str, Any]) -> QuietHours:
    """Parse and check `quiet_hours` of `data/desk.yml`; the time zone is that of the service.

    Raises:
        ValueError: names the key, what was expected and what is there.
    """
    where = "data/desk.yml, quiet_hours"
    given = data.get("quiet_hours") or {}
    check_keys(given, ("from", "to", "may_disturb"), where)
    usual = QuietHours()
    try:
        start = read_clock(given["from"]) if "from" in given else usual.start
        end = read_clock(given["to"]) if "to" in given else usual.end
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    kinds = given.get("may_disturb", sorted(usual.may_disturb)) or []
    wrong = [kind for kind in kinds if kind not in KINDS] if isinstance(kinds, list) else [kinds]
    if wrong:
        raise ValueError(f"{where}, may_disturb: expected a list of {KINDS}, got {wrong}")
    zone = str((data.get("service_hours") or {}).get("timezone", usual.timezone))
    return QuietHours(zone, start, end, frozenset(kinds))


@dataclass(frozen=True)
class Answer:
    """What came of one try."""

    #: The HTTP status; None when no answer came.
    status: int | None
    #: What a supervisor reads: `HTTP 500 ...`, `timeout`, `unreachable ...`.
    error: str = ""
    #: What the receiver asked for with `Retry-After`, in seconds.
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What follows from a try; `wait_s` until the next one when it is to be tried again."""

    outcome: Literal["delivered", "failed", "dead"]
    wait_s: float = 0.0


def judge(tries: int, answer: Answer) -> Verdict:
    """What follows from the answer to try number `tries` (1 = the first).

    2xx is taken. 410 says that nobody wants it any more: dead at once. 408, 425, 429, 5xx and no
    answer are tried again with growing waits (`WAITS_S`), or later if the receiver asks for it.
    Everything else is a refusal, which is tried `TRIES_IF_REFUSED` times.
    """
    status = answer.status
    if status is not None and 200 <= status < 300:
        return Verdict("delivered")
    if status == 410:
        return Verdict("dead")
    passing = status is None or status >= 500 or status in NOT_NOW
    if tries > len(WAITS_S) or (not passing and tries >= TRIES_IF_REFUSED):
        return Verdict("dead")
    asked = min(max(answer.retry_after_s or 0.0, 0.0), LONGEST_ASKED_S)
    return Verdict("failed", max(float(WAITS_S[tries - 1]), asked))
