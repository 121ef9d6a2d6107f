"""Finds messages that are the same or nearly the same."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from opencc import OpenCC

GRAM = 5
#: Two messages sharing more than this part of their character 5-grams count as one.
LIMIT = 0.5


@dataclass(frozen=True)
class Line:
    """A message and where it stands: `source` is the set it belongs to, `place` is for people."""

    source: str
    place: str
    message: str


@dataclass(frozen=True)
class Pair:
    """Two lines that are too alike; `overlap` is the Jaccard index of their 5-grams, 0..1."""

    first: Line
    second: Line
    overlap: float


@cache
def _converter() -> OpenCC:
    return OpenCC("t2s")


def normalise(message: str) -> str:
    """NFKC, simplified characters, lower case, without punctuation, spaces and control marks.

    Emoji stay: they carry meaning. A message of punctuation only is kept as it is.
    """
    text = _converter().convert(unicodedata.normalize("NFKC", message)).lower()
    kept = "".join(char for char in text if unicodedata.category(char)[0] not in "PZC")
    return kept or text.strip()


def grams(text: str) -> frozenset[str]:
    """Character 5-grams of a normalised text; a shorter text is its own single gram."""
    return frozenset(text[i : i + GRAM] for i in range(len(text) - GRAM + 1)) or frozenset({text})


def pairs(lines: Iterable[Line], limit: float = LIMIT) -> Iterator[Pair]:
    """Every pair of lines whose overlap is above the limit, or that are equal when normalised.

    Args:
        lines: all messages of all sets.
        limit: Jaccard index above which two messages count as one.
    """
    read: list[tuple[Line, str, frozenset[str]]] = []
    where: dict[str, list[int]] = defaultdict(list)
    for line in lines:
        text = normalise(line.message)
        own = grams(text)
        shared = Counter(index for gram in own for index in where[gram])
        for index, count in sorted(shared.items()):
            other, other_text, theirs = read[index]
            overlap = count / (len(own) + len(theirs) - count)
            if overlap > limit or text == other_text:
                yield Pair(other, line, overlap)
        for gram in own:
            where[gram].append(len(read))
        read.append((line, text, own))
