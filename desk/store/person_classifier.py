"""A small classifier of a wish for a person: trained at start from what designers wrote.

It reads what the word list misses ("有没有上班的，出个声"). Logistic regression and naive Bayes
over character n-grams and Latin words, because they train in two seconds, answer in a millisecond,
and need neither Rasa nor a stored model that could be older than the examples.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import MultinomialNB

from desk.rules.human_words import CUT, HumanWords
from desk.store.person_examples import example_files, read_examples

#: Longer messages are read at both ends: that is where people say what they want.
_LONGEST_END = 300
_LATIN = r"[a-z]+|#|\d+"
#: The share of naive Bayes in the probability. Out of fold, with as many messages wrongly heard,
#: the two together miss a quarter fewer wishes than the regression alone.
_BAYES = 0.25


@dataclass(frozen=True)
class PersonClassifier:
    """A trained classifier; it may be asked from any thread."""

    vectorizers: tuple[TfidfVectorizer, ...]
    models: _Models

    def probability(self, rest: str) -> float:
        """How likely a message asks for a person, 0..1.

        Args:
            rest: the message as `HumanWords.rest` gives it. Without any word left: 0.
        """
        if not re.search(r"\w", rest):
            return 0.0
        features = hstack([v.transform([_shaped(rest)]) for v in self.vectorizers], format="csr")
        return float(self.models.probabilities(features)[0])


class _Models:
    """The two models; each errs where the other does not."""

    def __init__(self, features: csr_matrix, asks: NDArray[np.bool_]) -> None:
        # Stochastic: a quarter of a second, where an exact solver takes two and reads no better.
        # Asking is rare among the examples (one in 18), must not be missed: it weighs five times.
        self._regression = SGDClassifier(
            loss="log_loss",
            alpha=2e-5,
            max_iter=30,
            tol=None,
            average=True,
            class_weight={True: 5.0, False: 1.0},
            random_state=0,
        ).fit(features, asks)
        self._bayes = MultinomialNB(alpha=0.05).fit(features, asks)

    def probabilities(self, features: csr_matrix) -> NDArray[np.float64]:
        """How likely each message asks for a person, 0..1, of shape (messages,)."""
        regression = self._regression.predict_proba(features)[:, 1]
        bayes = self._bayes.predict_proba(features)[:, 1]
        both: NDArray[np.float64] = (1 - _BAYES) * regression + _BAYES * bayes
        return both


def train(texts: Sequence[str], asks: Sequence[bool]) -> PersonClassifier:
    """Learn from messages.

    Args:
        texts: messages as `HumanWords.rest` gives them.
        asks: for each, whether it asks for a person.

    Raises:
        ValueError: there are not both kinds.
    """
    if len(set(asks)) < 2:
        raise ValueError("needs messages that ask for a person and messages that do not")
    vectorizers, features = _features(texts)
    return PersonClassifier(vectorizers, _Models(features, np.asarray(asks)))


def out_of_fold(texts: Sequence[str], asks: Sequence[bool], folds: int = 5) -> list[float]:
    """For each message the probability by a classifier that was trained without it."""
    _, features = _features(texts)
    wanted = np.asarray(asks)
    scores = np.zeros(len(texts))
    for seen, unseen in StratifiedKFold(folds, shuffle=True, random_state=0).split(texts, wanted):
        scores[unseen] = _Models(features[seen], wanted[seen]).probabilities(features[unseen])
    return [float(score) for score in scores]


def _features(texts: Sequence[str]) -> tuple[tuple[TfidfVectorizer, ...], csr_matrix]:
    common: dict[str, Any] = {
        "min_df": 2,
        "sublinear_tf": True,
        "lowercase": False,
        "dtype": np.float32,
    }
    shaped = [_shaped(text) for text in texts]
    fitted = []
    for vectorizer in (
        TfidfVectorizer(analyzer="char", ngram_range=(1, 3), **common),
        TfidfVectorizer(token_pattern=_LATIN, ngram_range=(1, 3), **common),
    ):
        # examples in Chinese alone have no Latin words to count
        with contextlib.suppress(ValueError):
            fitted.append((vectorizer, vectorizer.fit_transform(shaped)))
    if not fitted:
        raise ValueError("the examples have nothing in common to learn from")
    return tuple(v for v, _ in fitted), hstack([f for _, f in fitted], format="csr")


def _shaped(rest: str) -> str:
    """Numbers alike, both ends marked, the middle of a very long message left out."""
    text = re.sub(r"\d{3,}", "#", rest.replace(CUT, "\n")).strip()
    if len(text) > 2 * _LONGEST_END:
        text = f"{text[:_LONGEST_END]}\n{text[-_LONGEST_END:]}"
    return f"\n{text}\n"


def train_from(folder: Path, words: HumanWords) -> PersonClassifier | None:
    """A classifier of the examples below `folder`, or None when there are none.

    The same files give the same classifier without training twice in one process.

    Raises:
        ValueError: the files are wrong, or hold only one kind.
    """
    stamps = tuple((str(path), path.stat().st_mtime_ns) for path in example_files(folder))
    return _trained(folder, words, stamps)


@lru_cache(maxsize=2)
def _trained(
    folder: Path, words: HumanWords, stamps: tuple[tuple[str, int], ...]
) -> PersonClassifier | None:
    examples = read_examples(folder)
    if all(example.asks for example in examples):
        return None
    return train([words.rest(e.text) for e in examples], [e.asks for e in examples])
