"""Accepted messages as training data in Rasa's format: data/nlu/learned/<label>.yml. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_HEAD = """\
# Accepted in data/learned/candidates.yml. Written by `make learn`: change it there, not here.
version: "3.1"

nlu:
  - intent: {label}
    examples: |
"""
#: To Rasa `[x](y)` is an entity, `{...}` its details, `${x}` a variable. The bot's first step makes
#: full-width signs plain again (NFKC), so that the classifier reads what the customer wrote.
_LITERAL = str.maketrans({"[": "［", "]": "］", "{": "｛", "}": "｝", "$": "＄"})


def example(text: str) -> str:
    """A message as one line that Rasa takes literally; empty when nothing is left of it."""
    visible = "".join(
        char if unicodedata.category(char)[0] != "C" else " " if char in "\n\r\t" else ""
        for char in text
    )
    line = " ".join(visible.split())
    # A leading slash would be a command, a leading hyphen is taken for the list's own.
    line = line.lstrip("/／⁄∕⧸ -").rstrip(" -")
    return line.translate(_LITERAL)


def as_line(text: str) -> str:
    """The message as it stands in a file."""
    return f"      - {example(text)}"


def files(messages: Iterable[tuple[str, str]]) -> dict[str, str]:
    """File name -> content, for (label, text) pairs. In a fixed order, each message once."""
    by_label: dict[str, dict[str, None]] = {}
    for label, text in messages:
        if example(text):
            by_label.setdefault(label, {})[as_line(text)] = None
    return {
        f"{label}.yml": _HEAD.format(label=label) + "".join(f"{line}\n" for line in lines)
        for label, lines in sorted(by_label.items())
    }
