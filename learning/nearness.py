"""Messages that are taken already: in the training data, the case files, or learned before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from evaluation.similar import LIMIT, grams, normalise


class Taken:
    """A growing set of messages, which says whether another is too like one of them.

    The measure is that of `evaluation.check_cases`, which would refuse what is let through here.

    Args:
        messages: taken from the start.
        beside: another set whose messages count as taken too; it is not changed.
    """

    def __init__(self, messages: Iterable[str] = (), beside: Taken | None = None) -> None:
        self._beside = beside
        self._sizes: list[int] = []
        self._texts: set[str] = set()
        self._where: dict[str, list[int]] = defaultdict(list)
        for message in messages:
            self.add(message)

    def add(self, message: str) -> None:
        """Take a message."""
        text = normalise(message)
        own = grams(text)
        for gram in own:
            self._where[gram].append(len(self._sizes))
        self._sizes.append(len(own))
        self._texts.add(text)

    def has(self, message: str) -> bool:
        """Whether a taken message is nearly the same."""
        if self._beside is not None and self._beside.has(message):
            return True
        text = normalise(message)
        if text in self._texts:
            return True
        own = grams(text)
        shared = Counter(index for gram in own for index in self._where.get(gram, ()))
        return any(n / (len(own) + self._sizes[i] - n) > LIMIT for i, n in shared.items())

    def takes(self, message: str) -> bool:
        """Whether it is known already; if not, it is from now on."""
        if self.has(message):
            return True
        self.add(message)
        return False
