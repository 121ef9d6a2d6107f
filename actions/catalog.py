"""The categories as the bot needs them: labels, buttons, questions, promises (data/categories.yml).

Checked when the actions start; a mistake is named with its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.review.yaml_checks import Section, read_yaml_file

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Category:
    """One category; every text is a mapping of language ("zh", "en") to words."""

    id: str
    label: Mapping[str, str]
    choice: Mapping[str, str]
    question: Mapping[str, str]
    promise: Mapping[str, str]
    due_hours: int

    def words(self) -> tuple[str, ...]:
        """Everything that names the category when a customer types it."""
        return tuple({*self.label.values(), *self.choice.values()})


@dataclass(frozen=True)
class Catalog:
    """All categories in menu order."""

    by_id: Mapping[str, Category]
    joining: Mapping[str, Mapping[str, str]]

    def __contains__(self, category: object) -> bool:
        return category in self.by_id

    def __getitem__(self, category: str) -> Category:
        return self.by_id[category]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_id)

    def words(self) -> dict[str, tuple[str, ...]]:
        """Category id -> the words that name it."""
        return {name: category.words() for name, category in self.by_id.items()}

    def labels(self) -> tuple[str, ...]:
        """Every label and button text, in both languages."""
        return tuple(word for words in self.words().values() for word in words)

    def needs(self) -> dict[str, str]:
        """Category id -> what the customer needs, in words for a model."""
        return {
            name: f"{category.label['zh']} ({category.label['en']}): "
            f"the customer wants us to {category.question['en']}"
            for name, category in self.by_id.items()
        }

    def question(self, offered: Sequence[str], lang: str) -> str:
        """One sentence that asks which of the offered categories is meant."""
        join = self.joining[lang]
        *before, last = (self.by_id[name].question[lang] for name in offered)
        if not before:
            return join["start"] + last + join["alone"]
        return join["start"] + join["between"].join(before) + join["last"] + last + join["end"]


def load_catalog(path: Path) -> Catalog:
    """Read data/categories.yml. Raises SettingsError, naming the place."""
    return parse_catalog(read_yaml_file(path), source=str(path))


def parse_catalog(raw: Any, source: str = "data/categories.yml") -> Catalog:
    """The same from parsed YAML."""
    top = Section(raw, source)
    rows = top.section("categories")
    joining = top.section("joining")
    parts = ("start", "between", "last", "end", "alone")
    by_id = {}
    for name in rows.given():
        row = rows.section(name)
        by_id[name] = Category(
            id=name,
            label=_texts(row, "label"),
            choice=_texts(row, "choice"),
            question=_texts(row, "question"),
            promise=_texts(row, "promise"),
            due_hours=row.whole("due_hours", least=1, most=24 * 30),
        )
    words = {lang: joining.section(lang) for lang in LANGUAGES}
    return Catalog(by_id, {lang: {p: words[lang].text(p) for p in parts} for lang in LANGUAGES})


def _texts(row: Section, key: str) -> dict[str, str]:
    texts = row.section(key)
    return {lang: texts.text(lang) for lang in LANGUAGES}
