"""The real data files, and a ticket that lives through facts without a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from desk.rules.categories import read_categories
from desk.rules.completion import Case, Ruling, decide_on, repeats
from desk.rules.facts import Fact, order_state, read_code_map, read_fact_kinds
from desk.rules.ticket import Ask, Complete, Deny, Reopen, Tell, Ticket, Wait, decide

ROOT = Path(__file__).resolve().parents[3]
KINDS = read_fact_kinds(yaml.safe_load((ROOT / "data/facts.yml").read_text("utf-8")))
CODES = read_code_map(
    yaml.safe_load((ROOT / "data/carriers/kuaidi100.yml").read_text("utf-8")), KINDS
)
CATEGORIES = read_categories(
    yaml.safe_load((ROOT / "data/categories.yml").read_text("utf-8")), frozenset(KINDS)
)
#: When every ticket here is opened.
OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So many hours after the opening."""
    return OPENED + timedelta(hours=hours)


def fact(name: str, happened: float | None, came: float = 1, source: str = "kuaidi100.x") -> Fact:
    """A fact that happened and was told so many hours after the opening; None = no time given."""
    return Fact(name, source, name, at(came), None if happened is None else at(happened))


def ticket(category: str, **more: object) -> Ticket:
    made = Ticket("t", "o", "c", category, "", OPENED, at(24), active_since=OPENED, spoke_at=OPENED)
    return replace(made, **more)


@dataclass
class Life:
    """A ticket, its order, and everything that is done to them."""

    ticket: Ticket
    told_state: str = "accepted"
    facts: list[Fact] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    #: (effect, fact) of every ruling that did something.
    done: list[tuple[str, str]] = field(default_factory=list)
    now: datetime = OPENED

    @property
    def state(self) -> str:
        return order_state(self.told_state, self.facts, KINDS, at(-100))

    @property
    def case(self) -> Case:
        category = CATEGORIES[self.ticket.category]
        return Case(
            self.ticket, category, KINDS, tuple(self.facts), self.state,
            frozenset(self.told), frozenset(self.asked),
        )  # fmt: skip

    def hear(self, *news: Fact) -> Ruling:
        """One callback with these facts; repetitions in it are passed over."""
        self.now = max([self.now, *(fact.received_at for fact in news)])
        fresh: list[Fact] = []
        for one in news:
            same = {(f.source, f.code, f.occurred_at) for f in self.facts if f.occurred_at}
            again = (one.source, one.code, one.occurred_at) in same
            if not again and not repeats(one, self.facts, KINDS):
                self.facts.append(one)
                fresh.append(one)
        return self._rule(fresh)

    def wait(self, hours: float) -> Ruling:
        """Time passes."""
        self.now += timedelta(hours=hours)
        return self._rule([])

    def say_no(self) -> None:
        self._do(Deny())
        self.asked.clear()

    def reopen(self) -> None:
        as_ = CATEGORIES[self.ticket.category].reopened_as
        category = as_.get(self.ticket.completed_because or "")
        self._do(Reopen("", at(48), category=category))
        self.told.clear()
        self.asked.clear()

    def _rule(self, news: Sequence[Fact]) -> Ruling:
        ruling = decide_on(self.case, news, self.now)
        name = ruling.fact.fact if ruling.fact else ""
        if ruling.effect != "nothing":
            self.done.append((ruling.effect, name))
        match ruling.effect:
            case "complete":
                self._do(Complete("fact", name))
            case "reopen":
                self._do(Reopen(name, at(48), complains=False))
                if (again := decide_on(self.case, news, self.now)).effect == "ask":
                    self._do(Ask(again.fact.fact))
                    self.asked.add(again.fact.fact)
            case "ask":
                self._do(Ask(name))
                self.asked.add(name)
                self.told.add(name)
            case "wait":
                self._do(Wait(name, ruling.until))
            case "inform" | "escalate":
                self._do(Tell(name, ruling.effect == "escalate", self.case.moot))
                self.told.add(name)
        return ruling

    def _do(self, command: object) -> None:
        self.ticket, _ = decide(self.ticket, command, self.now)


def live(category: str, news: Iterable[Fact], told_state: str = "accepted", **more: object) -> Life:
    """A ticket after these facts, each in a callback of its own."""
    life = Life(ticket(category, **more), told_state)
    for one in news:
        life.hear(one)
    return life
