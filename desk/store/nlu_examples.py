"""The messages in Rasa's NLU files: read here for the desk's classifier and for all checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class Row:
    """One line of an `examples: |` list, as it stands there, and the intent it stands under."""

    intent: str
    text: str

    @property
    def listed(self) -> bool:
        """Whether it begins with `- `, as Rasa wants it."""
        return self.text.startswith("- ")

    @property
    def message(self) -> str | None:
        """The message; None for a payload of buttons (`/choose`) and for what is no list's line."""
        said = self.text[2:].strip()
        return said if self.listed and not said.startswith("/") else None


def nlu_files(folder: Path) -> list[Path]:
    """Every NLU file under a folder, in a fixed order."""
    return sorted(folder.rglob("*.yml"))


def nlu_rows(path: Path) -> list[Row]:
    """The rows of a file that are not blank; look-up tables and synonyms have none.

    Raises:
        ValueError: not a file of Rasa's examples; names the file.
    """
    try:
        blocks = [item for item in (parsed(path) or {}).get("nlu") or [] if item.get("intent")]
        return [
            Row(str(item["intent"]), line)
            for item in blocks
            for line in str(item["examples"]).splitlines()
            if line.strip()
        ]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a file of Rasa's examples: {error}") from error


def parsed(path: Path) -> Any:
    """A YAML file's content.

    Raises:
        ValueError: it is not YAML; names the file.
    """
    # the C parser where there is one: 16,000 lines take 10 ms instead of 100
    try:
        return yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
