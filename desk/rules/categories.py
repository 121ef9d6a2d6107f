"""The ticket categories as data: labels, promises, clocks and completion rules.

The file is `data/categories.yml`; its ids and borders are the project's taxonomy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Category:
    """One row of `data/categories.yml`."""

    id: str
    label: Mapping[str, str]
    choice: Mapping[str, str]
    promise: Mapping[str, str]
    due_hours: int
    completes_on: frozenset[str] = frozenset()
    informs_on: frozenset[str] = frozenset()
    escalates_on: frozenset[str] = frozenset()


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
    parsed = {}
    for category_id, row in rows.items():
        where = f"data/categories.yml, {category_id}"
        if not isinstance(row, Mapping):
            raise ValueError(f"{where}: expected a mapping, got {row!r}")
        for key in ("label", "choice", "promise"):
            texts = row.get(key)
            if not isinstance(texts, Mapping) or not all(texts.get(lang) for lang in ("zh", "en")):
                raise ValueError(f"{where}.{key}: expected texts for zh and en, got {texts!r}")
        hours = row.get("due_hours")
        if not isinstance(hours, int) or isinstance(hours, bool) or hours <= 0:
            raise ValueError(
                f"{where}.due_hours: expected hours as a positive integer, got {hours!r}"
            )
        facts = {}
        for key in ("completes_on", "informs_on", "escalates_on"):
            named = row.get(key) or []
            unknown = sorted(set(named) - known_facts)
            if unknown:
                raise ValueError(f"{where}.{key}: expected facts of data/facts.yml, got {unknown}")
            facts[key] = frozenset(named)
        parsed[str(category_id)] = Category(
            id=str(category_id),
            label=row["label"],
            choice=row["choice"],
            promise=row["promise"],
            due_hours=hours,
            **facts,
        )
    return Categories(parsed)
