"""When people are there, how long the wait is, and what is promised when nobody is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from desk.rules.keys import check_keys

#: Keys of data/desk.yml, and those of the sections that are read here.
KEYS = (
    *("service_hours", "minutes_per_conversation", "minutes_until_somebody_comes", "timeouts"),
    *("quiet_hours", "promises"),
)
HOURS_KEYS = ("timezone", "opens", "closes", "answer_within_minutes_of_opening")
TIMEOUT_KEYS = ("bot_answers_within_s", "agent_gone_after_s")
_CLOCK = re.compile(r"(24(?=:00)|2[0-3]|[01]?\d):([0-5]\d)")


@dataclass(frozen=True)
class Service:
    """The content of `data/desk.yml`."""

    timezone: str = "Asia/Shanghai"
    opens: time = time(8, 0)
    closes: time = time(22, 0)
    #: Out of hours, a person answers this long after opening at the latest.
    answer_within_minutes_of_opening: int = 60
    #: Mean time an agent spends on a conversation, for the estimate of the wait.
    minutes_per_conversation: float = 4.0
    #: While nobody is online in opening hours, somebody is expected within this time.
    minutes_until_somebody_comes: float = 5.0
    #: The bot has this long to answer before a person gets the conversation.
    bot_answers_within_s: float = 12.0
    #: An agent whose page has been gone this long, while the customer waits, loses it.
    agent_gone_after_s: float = 90.0

    def is_open(self, now: datetime) -> bool:
        """Whether agents are on duty at `now` by the published hours."""
        local = now.astimezone(ZoneInfo(self.timezone)).time()
        if self.opens == self.closes:  # round the clock
            return True
        if self.opens < self.closes:
            return self.opens <= local < self.closes
        return local >= self.opens or local < self.closes

    def promised_answer(self, now: datetime) -> datetime:
        """By when a person answers a conversation that arrives at `now` out of hours."""
        local = now.astimezone(ZoneInfo(self.timezone))
        opening = local.replace(
            hour=self.opens.hour, minute=self.opens.minute, second=0, microsecond=0
        )
        if opening <= local:
            opening += timedelta(days=1)
        return opening + timedelta(minutes=self.answer_within_minutes_of_opening)

    def wait_s(self, position: int, agents_online: int) -> int:
        """Estimated seconds until the conversation at `position` (1 = next) is claimed."""
        first = 30 if agents_online else self.minutes_until_somebody_comes * 60
        per_agent = self.minutes_per_conversation * 60 / max(agents_online, 1)
        return round(first + per_agent * max(position - 1, 0))


def read_service(data: Mapping[str, Any]) -> Service:
    """Parse and check the content of `data/desk.yml`.

    Raises:
        ValueError: names the key, what was expected and what is there.
    """
    hours = data.get("service_hours") or {}
    timeouts = data.get("timeouts") or {}
    check_keys(data, KEYS, "data/desk.yml")
    check_keys(hours, HOURS_KEYS, "data/desk.yml, service_hours")
    check_keys(timeouts, TIMEOUT_KEYS, "data/desk.yml, timeouts")
    try:
        opens = read_clock(hours.get("opens", "08:00"))
        closes = read_clock(hours.get("closes", "22:00"))
        ZoneInfo(str(hours.get("timezone", "Asia/Shanghai")))
    except (ValueError, KeyError) as error:
        raise ValueError(f"data/desk.yml, service_hours: {error}") from error
    numbers = {
        "answer_within_minutes_of_opening": hours.get("answer_within_minutes_of_opening", 60),
        "minutes_per_conversation": data.get("minutes_per_conversation", 4),
        "minutes_until_somebody_comes": data.get("minutes_until_somebody_comes", 5),
        "bot_answers_within_s": timeouts.get("bot_answers_within_s", 12),
        "agent_gone_after_s": timeouts.get("agent_gone_after_s", 90),
    }
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"data/desk.yml, {key}: expected a positive number, got {value!r}")
    return Service(
        timezone=str(hours.get("timezone", "Asia/Shanghai")), opens=opens, closes=closes, **numbers
    )


def read_clock(text: object) -> time:
    """A clock time as people write it in a data file.

    Raises:
        ValueError: it is none.
    """
    # YAML 1.1 reads 22:00 without quotes as minutes
    told = f"{text // 60}:{text % 60:02}" if isinstance(text, int) and text >= 60 else str(text)
    found = _CLOCK.fullmatch(told)
    if found is None:
        raise ValueError(f'expected a clock time like "08:00", got {text!r}')
    return time(int(found[1]) % 24, int(found[2]))
