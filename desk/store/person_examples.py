"""What the classifier of a wish for a person learns from: files that designers write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXTRA = Path("data") / "human_examples.yml"
_LABEL = "human"


@dataclass(frozen=True)
class Example:
    """A training message; `need` is the intent it stands under, `human` = asks for a person."""

    text: str
    need: str

    @property
    def asks(self) -> bool:
        """Whether the message asks for a person."""
        return self.need == _LABEL


def example_files(folder: Path) -> list[Path]:
    """Every file that `read_examples` reads; `folder` is the checkout's root."""
    return [*_nlu_files(folder), *([folder / EXTRA] if (folder / EXTRA).exists() else [])]


def _nlu_files(folder: Path) -> list[Path]:
    return sorted((folder / "data" / "nlu").rglob("*.yml"))


def read_examples(folder: Path) -> list[Example]:
    """The messages of `data/nlu`, if it exists, and `data/human_examples.yml`.

    Args:
        folder: the checkout's root.

    Returns:
        Every message once, in the files' order; empty when there is nothing to learn from.

    Raises:
        ValueError: a file is not as it has to be; names the file.
    """
    found: dict[str, Example] = {}
    for path in _nlu_files(folder):
        for intent, rows in _intents(path):
            for row in rows:
                if row.startswith("- ") and not row[2:].lstrip().startswith("/"):
                    found.setdefault(row[2:].strip(), Example(row[2:].strip(), intent))
    if found and (folder / EXTRA).exists():
        for need, texts in _extra(folder / EXTRA):
            found.update((text, Example(text, need)) for text in texts)
    return list(found.values())


def _parsed(path: Path) -> Any:
    # the C parser where there is one: 16,000 lines take 10 ms instead of 100
    try:
        return yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error


def _extra(path: Path) -> list[tuple[str, list[str]]]:
    told = _parsed(path) or {}
    if not isinstance(told, dict) or not set(told) <= {"asks", "does_not"}:
        raise ValueError(f"{path}: expected the lists asks and does_not, and nothing else")
    for key, texts in told.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{path}, {key}: expected a list of messages, numbers in quotes")
    return [(_LABEL, told.get("asks") or []), ("none", told.get("does_not") or [])]


def _intents(path: Path) -> list[tuple[str, list[str]]]:
    try:
        blocks = [item for item in (_parsed(path) or {}).get("nlu") or [] if item.get("intent")]
        return [(str(item["intent"]), str(item["examples"]).splitlines()) for item in blocks]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a file of Rasa's examples: {error}") from error
