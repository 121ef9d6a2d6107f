"""The sentences people see, read from `domain.yml` so that designers have one place to edit.

Rasa speaks from the same `responses:`; the desk uses only `text` and the language condition
(a conditional response variation on the slot `lang`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Sentences:
    """Response name -> language -> text with `{placeholders}`."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def say(self, name: str, lang: str, /, **values: object) -> str:
        """The sentence `name` in `lang` ("zh" or "en"; Chinese when the English one is missing).

        Raises:
            KeyError: no such response in domain.yml, or a placeholder without a value.
        """
        variants = self.texts[name]
        text = variants.get(lang) or variants["zh"]
        for key, value in values.items():
            text = text.replace("{" + key + "}", str(value))
        return text.strip()  # what stands at the end may be empty


def read_sentences(responses: Mapping[str, Any]) -> Sentences:
    """Parse the `responses:` mapping of a Rasa domain.

    Args:
        responses: response name -> list of variations as Rasa's domain format has them.

    Raises:
        ValueError: a response whose unconditioned (Chinese) variation is missing.
    """
    texts: dict[str, dict[str, str]] = {}
    for name, variations in responses.items():
        by_lang: dict[str, str] = {}
        for variation in variations or []:
            if "text" in variation:
                by_lang.setdefault(_language_of(variation), str(variation["text"]).strip())
        if by_lang and "zh" not in by_lang:
            raise ValueError(
                f"domain.yml, response {name}: expected a variation without a `lang` condition "
                f"(the Chinese text), got only {sorted(by_lang)}"
            )
        if by_lang:
            texts[name] = by_lang
    return Sentences(texts)


def _language_of(variation: Mapping[str, Any]) -> str:
    for condition in variation.get("condition") or []:
        if condition.get("name") == "lang":
            return str(condition.get("value"))
    return "zh"
