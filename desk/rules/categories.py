"""The ticket categories as data: labels, promises, clocks and completion rules.

The file is `data/categories.yml`; its ids and borders are the project's taxonomy. What the rules
mean is `completion.py`'s business; how operations edit them is told in docs/automation.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from desk.rules.keys import check_keys

#: What a fact does to an active ticket: it stands in at most one of these lists.
RULE_LISTS = ("completes_on", "ends_on", "asks_on", "informs_on", "escalates_on")
#: Keys of a row that the desk reads, and those that only the bot's actions read.
KEYS = (
    *("label", "choice", "question", "promise", "due_hours"),
    *RULE_LISTS,
    *("reopens_on", "waits_hours", "reopened_as", "check_after_hours", "dispatch"),
    "call_before_minutes",
)


@dataclass(frozen=True)
class Category:
    """One row of `data/categories.yml`."""

    id: str
    label: Mapping[str, str]
    choice: Mapping[str, str]
    promise: Mapping[str, str]
    due_hours: int
    #: Facts that show the need met: the ticket completes.
    completes_on: frozenset[str] = frozenset()
    #: Facts that leave nothing to do although the need is not met: it completes in other words.
    ends_on: frozenset[str] = frozenset()
    #: Facts after which the customer is asked whether that settles it.
    asks_on: frozenset[str] = frozenset()
    #: Facts the customer is told while the ticket stays open.
    informs_on: frozenset[str] = frozenset()
    #: Facts that call for a person.
    escalates_on: frozenset[str] = frozenset()
    #: Facts that undo an automatic completion within the days for reopening, and call a person.
    reopens_on: frozenset[str] = frozenset()
    #: A completing fact that must stand uncontradicted for so many hours.
    waits_hours: Mapping[str, float] = field(default_factory=dict)
    #: Completed by that fact and reopened all the same -> the category it then belongs to.
    reopened_as: Mapping[str, str] = field(default_factory=dict)
    #: Ask the carrier when there was no news for so long; None = never.
    check_after_hours: float | None = None
    #: Whether the carrier has to be told of the ticket.
    dispatch: Literal["carrier", "none"] = "none"
    #: Open minutes a person has before the promised time; None = as in data/desk.yml.
    call_before_minutes: int | None = None


@dataclass(frozen=True)
class Categories:
    """All categories in menu order."""

    by_id: Mapping[str, Category]

    def __contains__(self, category: object) -> bool:
        return category in self.by_id

    def __getitem__(self, category: str) -> Category:
        return self.by_id[category]

    def label(self, category: str, lang: str) -> str:
        """What people call a category; its id when the file no longer has it.

        Old conversations and tickets outlive an edited file, and must stay workable.
        """
        known = self.by_id.get(category)
        return known.label[lang] if known else category

    def menu(self, lang: str) -> list[dict[str, str]]:
        """The menu the customer ticks from: `[{"id", "label", "choice"}]` in `lang`."""
        return [
            {"id": c.id, "label": c.label[lang], "choice": c.choice[lang]}
            for c in self.by_id.values()
        ]


def read_categories(data: Mapping[str, Any], known_facts: frozenset[str]) -> Categories:
    """Parse and check the content of `data/categories.yml`.

    Args:
        data: the parsed YAML file.
        known_facts: the ids of `data/facts.yml`.

    Raises:
        ValueError: names the category, what was expected and what is there.
    """
    rows = data.get("categories")
    if not isinstance(rows, Mapping) or not rows:
        raise ValueError("data/categories.yml: expected a mapping under `categories:`")
    ids = [str(category_id) for category_id in rows]
    parsed = {}
    for category_id, row in rows.items():
        where = f"data/categories.yml, {category_id}"
        check_keys(row, KEYS, where)
        parsed[str(category_id)] = _category(str(category_id), row, where, known_facts, ids)
    return Categories(parsed)


def _category(
    category_id: str,
    row: Mapping[str, Any],
    where: str,
    known_facts: frozenset[str],
    ids: list[str],
) -> Category:
    for key in ("label", "choice", "promise"):
        texts = row.get(key)
        if not isinstance(texts, Mapping) or not all(texts.get(lang) for lang in ("zh", "en")):
            raise ValueError(f"{where}.{key}: expected texts for zh and en, got {texts!r}")
    hours = row.get("due_hours")
    if not isinstance(hours, int) or isinstance(hours, bool) or hours <= 0:
        raise ValueError(f"{where}.due_hours: expected hours as a positive integer, got {hours!r}")
    lists = {key: _facts(row, key, where, known_facts) for key in (*RULE_LISTS, "reopens_on")}
    _check_lists(lists, where)
    settling = lists["completes_on"] | lists["ends_on"]
    dispatch = row.get("dispatch", "none")
    if dispatch not in ("carrier", "none"):
        raise ValueError(f"{where}.dispatch: expected carrier or none, got {dispatch!r}")
    check_after = row.get("check_after_hours")
    call_before = row.get("call_before_minutes")
    return Category(
        id=category_id,
        label=row["label"],
        choice=row["choice"],
        promise=row["promise"],
        due_hours=hours,
        **lists,
        waits_hours={
            fact: _hours(hours, f"{where}.waits_hours, {fact}")
            for fact, hours in _per_fact(row, "waits_hours", where, settling).items()
        },
        reopened_as={
            fact: _other(other, f"{where}.reopened_as, {fact}", category_id, ids)
            for fact, other in _per_fact(row, "reopened_as", where, settling).items()
        },
        check_after_hours=(
            None if check_after is None else _hours(check_after, f"{where}.check_after_hours")
        ),
        dispatch=dispatch,
        call_before_minutes=(
            None if call_before is None else _minutes(call_before, f"{where}.call_before_minutes")
        ),
    )


def _facts(
    row: Mapping[str, Any], key: str, where: str, known_facts: frozenset[str]
) -> frozenset[str]:
    named = row.get(key) or []
    if not isinstance(named, list) or not all(isinstance(fact, str) for fact in named):
        raise ValueError(f"{where}.{key}: expected a list of facts, got {named!r}")
    unknown = sorted(set(named) - known_facts)
    if unknown:
        raise ValueError(f"{where}.{key}: expected facts of data/facts.yml, got {unknown}")
    return frozenset(named)


def _check_lists(lists: Mapping[str, frozenset[str]], where: str) -> None:
    """One fact has one effect on an open ticket; what completes one cannot also undo it."""
    for number, key in enumerate(RULE_LISTS):
        for other in RULE_LISTS[number + 1 :]:
            twice = sorted(lists[key] & lists[other])
            if twice:
                raise ValueError(
                    f"{where}.{key}: expected each fact in one list, got {twice} in {other} too"
                )
    for key in ("completes_on", "ends_on"):
        twice = sorted(lists[key] & lists["reopens_on"])
        if twice:
            raise ValueError(
                f"{where}.reopens_on: expected facts that do not complete, got {twice} of {key}"
            )


def _per_fact(
    row: Mapping[str, Any], key: str, where: str, settling: frozenset[str]
) -> dict[str, Any]:
    """A mapping whose keys are facts that complete the ticket."""
    given = row.get(key) or {}
    if not isinstance(given, Mapping):
        raise ValueError(f"{where}.{key}: expected a mapping from facts, got {given!r}")
    strange = sorted(str(fact) for fact in given if fact not in settling)
    if strange:
        raise ValueError(f"{where}.{key}: expected facts of completes_on or ends_on, got {strange}")
    return dict(given)


def _hours(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10_000:
        raise ValueError(f"{where}: expected a positive number of hours, got {value!r}")
    return float(value)


def _minutes(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ValueError(f"{where}: expected a positive whole number of minutes, got {value!r}")
    return value


def _other(value: object, where: str, category_id: str, ids: list[str]) -> str:
    if value == category_id:
        raise ValueError(f"{where}: expected another category, got {value!r} itself")
    if value not in ids:
        raise ValueError(f"{where}: expected one of {', '.join(ids)}, got {value!r}")
    return str(value)
