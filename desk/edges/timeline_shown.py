"""A ticket's timeline in words: sentences of domain.yml for everybody, console words for agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from desk.edges.pages import texts
from desk.flow.desk import Desk
from desk.flow.handover import NEAR_DAYS, clock_words
from desk.flow.timeline import Timeline
from desk.rules.timeline import Step

#: Steps by whose time we do something at the latest; until when something can be done; and those
#: whose time is not exact.
BY = ("due", "in_queue")
UNTIL = ("reopen",)
ABOUT = ("check", "person", "dispatch_next")
#: Steps without a time that are going on.
NOW = ("your_answer", "with_agent", "in_queue", "calling", "dispatching", "answer", "asking")


def shown(
    desk: Desk, timeline: Timeline, lang: str, *, for_agent: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """The timeline as JSON values.

    Returns:
        `{"past": [...], "next": [...]}` of steps `{at, when, kind, text, sure}`: `at` is ISO or
        None, `when` the same in words ("by 16:00 today") or empty; with `quote` where somebody's
        own words belong to it, for agents also `by` (the author of a line
        of history), `rule` (what the rules make of news, in English) and `facts` (all that a rule
        names).
    """
    words = _Words(desk, lang, texts("console.", lang) if for_agent else {})
    return {
        "past": [words.step(step) for step in timeline.past],
        "next": [words.step(step) for step in timeline.next],
    }


class _Words:
    """The words of one timeline.

    Args:
        console: the console's words; empty for a customer.
    """

    def __init__(self, desk: Desk, lang: str, console: Mapping[str, str]) -> None:
        self._desk, self._lang, self._console = desk, lang, console
        self._now = desk.now()

    def step(self, step: Step) -> dict[str, Any]:
        values = step.values
        return {
            "at": step.at.astimezone(UTC).isoformat() if step.at else None,
            "when": self._when(step),
            "kind": step.kind,
            "text": self._text(step),
            "sure": step.sure,
            **({"quote": values["quote"]} if values.get("quote") else {}),
            **({"by": self._author(values["author"])} if values.get("author") else {}),
            **({"ticket": values["ticket"]} if values.get("ticket") else {}),
            **({"rule": values["rule"]} if values.get("rule") else {}),
            **({"facts": values["all_facts"]} if self._console and "all_facts" in values else {}),
        }

    def _when(self, step: Step) -> str:
        if step.at is None:
            return self._say(_untimed(step)) if step.kind != "ended" else ""
        if step.kind in BY:
            return clock_words(self._desk, step.at, self._lang)
        day, clock = day_and_clock(self._desk, step.at, self._lang, self._now)
        if step.kind in ABOUT or step.kind in UNTIL:
            name = "about" if step.kind in ABOUT else "until"
            return self._say(name, day=day, clock=clock)
        return f"{day} {clock}"

    def _say(self, name: str, **values: object) -> str:
        return self._desk.say(f"utter_timeline_{name}", self._lang, **values)

    def _text(self, step: Step) -> str:
        if step.kind == "fact":
            return self._fact(step)
        values: dict[str, object] = {}
        if "category" in step.values:
            values["label"] = self._desk.content.categories.label(
                step.values["category"], self._lang
            )
        if "fact" in step.values:
            values["because"] = self._because(step.values["fact"])
        if "facts" in step.values:
            values["facts"] = self._either(step.values["facts"])
        if "hours" in step.values:
            values["hours"] = hours_words(step.values["hours"], self._lang)
        if f"timeline.{step.kind}" in self._console:
            return self._for_agents(step, values)
        return self._say(step.kind, **values)

    def _fact(self, step: Step) -> str:
        because = self._because(step.values["fact"])
        parts = [self._say("fact" if step.sure else "fact_news", because=because)]
        if "times" in step.values:
            parts.append(self._say("times", times=step.values["times"]))
        if "told_at" in step.values:
            day_clock = day_and_clock(self._desk, step.values["told_at"], self._lang, self._now)
            parts.append(self._say("told_late", told=" ".join(day_clock)))
        return ("" if self._lang == "zh" else " ").join(parts)

    def _for_agents(self, step: Step, values: Mapping[str, object]) -> str:
        """A step that only agents see: its codes in the console's words."""
        text = self._console[f"timeline.{step.kind}"]
        named = {key: self._named(key, str(value)) for key, value in step.values.items()}
        for key, value in {**named, **values}.items():
            text = text.replace("{" + key + "}", str(value))
        why = named.get("why")
        return f"{text} · {why}" if why else text

    def _named(self, key: str, code: str) -> str:
        groups = {
            "state": "timeline.state",
            "via": "timeline.via",
            "entry": "ticket.entry",
            "delivery": "delivery.kind",
        }
        if key == "text" and code in self._desk.content.facts:
            return self._because(code)
        return self._console.get(f"{groups[key]}.{code}", code) if key in groups else code

    def _author(self, author: str) -> str:
        """An agent by name, the others by what they are."""
        return self._console.get(f"thread.{author}", author.removeprefix("agent:"))

    def _because(self, fact: str) -> str:
        known = self._desk.content.facts.get(fact)
        return known.label[self._lang] if known else fact

    def _either(self, facts: Sequence[str]) -> str:
        """Several facts as alternatives."""
        labels = [self._because(fact) for fact in facts]
        if self._lang == "en":
            return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} or {labels[-1]}"
        quoted = [f"“{label}”" for label in labels]
        return quoted[0] if len(quoted) == 1 else f"{'、'.join(quoted[:-1])}或{quoted[-1]}"


def _untimed(step: Step) -> str:
    """What stands in the place of a time."""
    if step.kind == "person_completes":
        return "once_done"
    return "now" if step.kind in NOW else "any_time"


def day_and_clock(desk: Desk, at: datetime, lang: str, now: datetime) -> tuple[str, str]:
    """A moment as people say it, in the desk's own time zone: 今天 or 10月3日, and 09:58."""
    zone = ZoneInfo(desk.content.service.timezone)
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    other = f"{local.day} {local:%b}" if lang == "en" else f"{local.month}月{local.day}日"
    return NEAR_DAYS[lang].get((local.date() - today).days, other), f"{local:%H:%M}"


def hours_words(hours: float, lang: str) -> str:
    """A stretch of hours as people say it: 4 小时, 3 天; 4 hours, 1 day."""
    whole_days = hours >= 48 and hours % 24 == 0
    number = hours / 24 if whole_days else hours
    if lang == "en":
        unit = "day" if whole_days else "hour"
        return f"{number:g} {unit}{'' if number == 1 else 's'}"
    return f"{number:g} {'天' if whole_days else '小时'}"
