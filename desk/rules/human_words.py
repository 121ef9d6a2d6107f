"""Recognising that a message asks for a person, without Rasa: before anything else, always.

The words are data (`data/human.yml`). High precision here; the bot's classifier catches the rest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HumanWords:
    """Compiled patterns; `exact` compares the whole message, `inside` searches in it."""

    exact: frozenset[str]
    inside: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]

    def asks_for_person(self, text: str) -> bool:
        """Whether `text` asks for a person in so many words."""
        normal = normalise(text)
        if normal in self.exact:
            return True
        if any(pattern.search(normal) for pattern in self.unless):
            return False
        return any(pattern.search(normal) for pattern in self.inside)


def normalise(text: str) -> str:
    """Width, case, repeats and punctuation folded: `转人工！！！` and `轉人工` compare alike.

    Traditional characters that the words use are folded by a small table, because this check must
    work with nothing but the standard library.
    """
    folded = unicodedata.normalize("NFKC", text).lower().translate(_TRADITIONAL)
    folded = re.sub(r"[^\w\s]", " ", folded)
    folded = re.sub(r"(.)\1{2,}", r"\1", folded)
    folded = re.sub(r"(?<=[一-鿿])\s+(?=[一-鿿])", "", folded)
    return re.sub(r"\s+", " ", folded).strip()


_TRADITIONAL = str.maketrans(
    "轉請幫員聯絡繫電話機器經領導線個務實找給我對說講換專問這嗎麼們還會",
    "转请帮员联络系电话机器经领导线个务实找给我对说讲换专问这吗么们还会",
)


def read_human_words(data: Mapping[str, Any]) -> HumanWords:
    """Parse and check the content of `data/human.yml`.

    Raises:
        ValueError: a pattern that is not a valid regular expression.
    """
    compiled: dict[str, tuple[re.Pattern[str], ...]] = {}
    for key in ("inside", "unless"):
        patterns = []
        for pattern in data.get(key) or []:
            try:
                patterns.append(re.compile(str(pattern)))
            except re.error as error:
                raise ValueError(
                    f"data/human.yml, {key}: {pattern!r} is not a pattern: {error}"
                ) from error
        compiled[key] = tuple(patterns)
    return HumanWords(
        frozenset(normalise(str(word)) for word in data.get("exact") or []),
        compiled["inside"],
        compiled["unless"],
    )
