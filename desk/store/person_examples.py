"""What the classifier of a wish for a person learns from: files that designers write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from desk.store.nlu_examples import nlu_files, nlu_rows, parsed

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
    return [
        *nlu_files(folder / "data" / "nlu"),
        *([folder / EXTRA] if (folder / EXTRA).exists() else []),
    ]


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
    for path in nlu_files(folder / "data" / "nlu"):
        for row in nlu_rows(path):
            if text := row.message:
                found.setdefault(text, Example(text, row.intent))
    if found and (folder / EXTRA).exists():
        found.update((one.text, one) for one in extra_examples(folder / EXTRA))
    return list(found.values())


def extra_examples(path: Path) -> list[Example]:
    """The messages of `data/human_examples.yml`, at `path`.

    Raises:
        ValueError: it is not as it has to be; names the file.
    """
    told = parsed(path) or {}
    if not isinstance(told, dict) or not set(told) <= {"asks", "does_not"}:
        raise ValueError(f"{path}: expected the lists asks and does_not, and nothing else")
    for key, texts in told.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"{path}, {key}: expected a list of messages, numbers in quotes")
    needs = {"asks": _LABEL, "does_not": "none"}
    return [Example(text, need) for key, need in needs.items() for text in told.get(key) or []]
