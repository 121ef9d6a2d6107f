"""The desk's reader of wishes for a person: the word list at once, the classifier when it is ready.

A customer who wants a person must not wait for anything, so training runs in a thread of its own,
and whatever goes wrong with it costs only the classifier: the word list reads on alone, and the log
says so.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import opencc
import structlog

from desk.rules.human_words import HumanWords, decide

if TYPE_CHECKING:
    from desk.store.person_classifier import PersonClassifier

log = structlog.get_logger("desk.person")

_TO_SIMPLIFIED = opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Traditional characters as simplified ones."""
    return str(_TO_SIMPLIFIED.convert(text))


@dataclass(frozen=True)
class Reading:
    """How a message was read.

    `words` is what the word list found (None: nothing), `hint` what may be a wish, `probability`
    the classifier's (None: there is no classifier, or the word list was enough).
    """

    asks: bool
    words: str | None
    hint: str | None
    probability: float | None


class PersonReader:
    """Reads messages; `start` it once to have the classifier too."""

    def __init__(self, words: HumanWords, folder: Path) -> None:
        """A reader by `words` alone; `folder` (the checkout's root) is what it may learn from."""
        self.words = words
        self._folder = folder
        self._classifier: PersonClassifier | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Train in the background; returns at once. A second call does nothing."""
        if self._thread is None:
            # a daemon: a desk that is told to stop does not wait for it
            self._thread = threading.Thread(target=self.train, name="person", daemon=True)
            self._thread.start()

    def train(self) -> bool:
        """Train now; returns whether there is a classifier. Failures are logged, not raised."""
        began = time.monotonic()
        try:
            # here and not above: the import alone takes longer than the rest of the desk's start
            from desk.store.person_classifier import train_from

            self._classifier = train_from(self._folder, self.words)
        except Exception as error:
            # Whatever it is (a broken file, no memory): customers still reach a person by words.
            log.warning("no person classifier, words only", reason=f"{error}")
            return False
        if self._classifier is None:
            log.warning("no person classifier, words only", reason="no examples in data/nlu")
            return False
        log.info("person classifier ready", seconds=round(time.monotonic() - began, 1))
        return True

    def read(self, text: str) -> Reading:
        """How a customer's message is read; the classifier is asked only if the words say nothing.

        Args:
            text: the message as it was typed.
        """
        words = self.words
        if (found := words.found(text)) is not None:
            return Reading(True, found, None, None)
        hint, probability = words.hint(text), None
        if (classifier := self._classifier) is not None:
            probability = classifier.probability(words.rest(text))
        asks = decide(hint is not None, probability, words.threshold, words.hint_threshold)
        return Reading(asks, None, hint, probability)

    def asks_for_person(self, text: str) -> bool:
        """Whether a customer's message asks for a person."""
        return self.read(text).asks
