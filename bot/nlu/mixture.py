"""The statistics of the classifier, apart from Rasa: two linear models that vote.

Logistic regression (one against the rest) draws sharp borders; naive Bayes is coarser, but wrong
in other places. Their mixture is right more often than either, and better calibrated.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Mapping, Text, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB

from bot.nlu.calibration import Floats, fit_temperature, softmax

Models = Tuple[LogisticRegression, MultinomialNB]

#: Share of the examples held out to fit the temperature.
HELD_OUT = 0.2


class Mixture:
    """Probabilities of intents for texts given as parallel views.

    Args:
        config: the settings of `bot.nlu.classifier.CalibratedClassifier`.
    """

    _regression: LogisticRegression  # these two once it has learned
    _bayes: MultinomialNB

    def __init__(self, config: Dict[Text, Any]) -> None:
        self._config = config
        self._vectorizers: Dict[Text, TfidfVectorizer] = {}
        self._temperature = 1.0

    @property
    def intents(self) -> List[Text]:
        """The intents in the order of the columns of `shares`."""
        return [str(name) for name in self._regression.classes_]

    def fit(self, views: Mapping[Text, List[Text]], labels: NDArray[Any]) -> Mixture:
        """Learn from texts; `views` as `shares` takes them, `labels` of shape (messages,).

        The temperature is fitted on messages that models of its own had not seen; the models that
        stay learn from all messages. Both at once: the solver lets other threads run.
        """
        self._vectorizers = {name: self._new_vectorizer(name) for name in views}
        features = self._stack([v.fit_transform(views[n]) for n, v in self._vectorizers.items()])
        with ThreadPoolExecutor(2) as pool:
            temperature = pool.submit(self._fitted_temperature, features, labels)
            self._regression, self._bayes = self._fitted_models(features, labels)
            self._temperature = temperature.result()
        return self

    def shares(self, views: Mapping[Text, List[Text]]) -> Floats:
        """Probabilities of shape (messages, intents); rows of nothing known are all the same.

        Args:
            views: the messages in several ways of writing, by name; names that end in "chars" are
                read as character n-grams, those that end in "words" as words between blanks.
        """
        blocks = [v.transform(views[n]) for n, v in self._vectorizers.items()]
        scores = self._mixed(self._stack(blocks), self._regression, self._bayes)
        shares = softmax(scores * self._temperature)
        # The first view is the text itself: of characters never seen, the sound says nothing.
        shares[blocks[0].getnnz(axis=1) == 0] = 1.0 / shares.shape[1]
        return shares

    def _fitted_models(self, features: csr_matrix, labels: NDArray[Any]) -> Models:
        # liblinear (one against the rest): as good as multinomial here, ten times quicker.
        regression = LogisticRegression(
            C=self._config["C"],
            solver="liblinear",
            class_weight="balanced",
            random_state=0,
            dual=True,  # as right as the primal problem here, in half the time
            tol=0.1,
        ).fit(features, labels)
        bayes = MultinomialNB(alpha=self._config["smoothing"]).fit(features, labels)
        # By column, or every message would copy the whole table: 6 ms of the 8 that it may take.
        bayes.feature_log_prob_ = np.asfortranarray(bayes.feature_log_prob_)
        return regression, bayes

    def _mixed(
        self, features: csr_matrix, regression: LogisticRegression, bayes: MultinomialNB
    ) -> Floats:
        """Log-probabilities of the mixture."""
        scores = regression.decision_function(features)
        if scores.ndim == 1:  # scikit-learn's shape for two intents
            scores = np.stack([-scores, scores], axis=1)
        weight = self._config["bayes_weight"]
        mixed = (1 - weight) * softmax(scores * self._config["sharpness"])
        mixed += weight * bayes.predict_proba(features)
        logs: Floats = np.log(np.maximum(mixed, 1e-9))
        return logs

    def _fitted_temperature(self, features: csr_matrix, labels: NDArray[Any]) -> float:
        counts = np.unique(labels, return_counts=True)[1]
        if len(counts) < 3 or counts.min() < 2 or len(labels) * HELD_OUT < len(counts):
            return 1.0  # too little to learn from (a test's toy model)
        seen, unseen = train_test_split(
            np.arange(len(labels)), test_size=HELD_OUT, stratify=labels, random_state=0
        )
        models = self._fitted_models(features[seen], labels[seen])
        columns = {name: number for number, name in enumerate(models[0].classes_)}
        truth = np.array([columns[label] for label in labels[unseen]])
        return fit_temperature(self._mixed(features[unseen], *models), truth)

    def _new_vectorizer(self, view: Text) -> TfidfVectorizer:
        common = {"sublinear_tf": True, "lowercase": False, "dtype": np.float64}
        if view.endswith("chars"):
            kind = {"analyzer": "char", "ngram_range": tuple(self._config["char_ngrams"])}
        else:
            kind = {"token_pattern": r"\S+", "ngram_range": tuple(self._config["word_ngrams"])}
        return TfidfVectorizer(min_df=self._config["min_df"], **kind, **common)

    @staticmethod
    def _stack(blocks: List[csr_matrix]) -> csr_matrix:
        return hstack(blocks, format="csr")
