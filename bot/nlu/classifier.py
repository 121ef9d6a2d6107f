"""Pipeline step 3: which intent, and how sure.

Character n-grams of the message and, once more, of its last clause, and words, weighted by
TF-IDF, are what two linear models vote on (`bot/nlu/mixture.py`). The last clause keeps what
negation and word order say: people put what they want behind what they do not want. The votes
become probabilities by a temperature fitted on messages the models had not seen: the review
builds on probabilities that mean what they say.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Text

import joblib
import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.constants import TOKENS_NAMES
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.mixture import Mixture
from bot.nlu.text import last_clause, pinyin, says_something

logger = logging.getLogger(__name__)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class CalibratedClassifier(IntentClassifier, GraphComponent):
    """Gives every message a full ranking of the intents, with calibrated confidences."""

    @classmethod
    def required_components(cls) -> List[type]:
        """A tokenizer has to come before."""
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """Settings that `config.yml` may change.

        C: inverse of the regularisation; char_ngrams, word_ngrams: shortest and longest;
        last_clause: whether the last clause counts a second time; pinyin: whether the sound counts;
        min_df: examples an n-gram must occur in; smoothing: of naive Bayes; bayes_weight: its
        share of the vote; sharpness: how far apart the regression's scores are taken to be.
        """
        return {
            "C": 10.0,
            "char_ngrams": [1, 3],
            "word_ngrams": [1, 2],
            "last_clause": True,
            "pinyin": True,
            "min_df": 2,
            "smoothing": 0.05,
            "bayes_weight": 0.35,
            "sharpness": 1.5,
        }

    def __init__(
        self, config: Dict[Text, Any], model_storage: ModelStorage, resource: Resource
    ) -> None:
        """An untrained classifier."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model: Mixture | None = None

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> CalibratedClassifier:
        """Called by Rasa before training."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fits the models and their temperature; stores both."""
        examples = [e for e in training_data.intent_examples if e.get(INTENT) and e.get(TEXT)]
        if len({e.get(INTENT) for e in examples}) < 2:
            logger.warning("No classifier was trained: it needs examples of two intents or more.")
            return self._resource
        labels = np.array([e.get(INTENT) for e in examples])
        self._model = Mixture(self._config).fit(self._views(examples), labels)
        with self._model_storage.write_to(self._resource) as directory:
            joblib.dump(self._model, directory / "classifier.joblib")
        return self._resource

    @classmethod
    def load(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> CalibratedClassifier:
        """Called by Rasa to read a trained model (our own file: joblib is safe here)."""
        self = cls(config, model_storage, resource)
        try:
            with model_storage.read_from(resource) as directory:
                self._model = joblib.load(directory / "classifier.joblib")
        except ValueError:
            logger.warning("The model holds no trained classifier: nothing will be understood.")
        return self

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets `intent` and `intent_ranking` (every intent, likeliest first)."""
        for message in messages:
            ranking = self._rank(message)
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _rank(self, message: Message) -> List[Dict[Text, Any]]:
        if self._model is None:
            return [{"name": None, "confidence": 0.0}]
        intents = self._model.intents
        if says_something(message.get(TEXT) or ""):
            shares = self._model.shares(self._views([message]))[0]
        else:  # nothing to go by: otherwise the largest class would come out
            shares = np.full(len(intents), 1.0 / len(intents))
        return [{"name": intents[i], "confidence": float(shares[i])} for i in np.argsort(-shares)]

    def _views(self, messages: List[Message]) -> Dict[Text, List[Text]]:
        """What the models read, by name: text, words, and (if configured) last clause, sound."""
        texts = [m.get(TEXT) for m in messages]
        words = [
            " ".join(t.text for t in m.get(TOKENS_NAMES[TEXT]) or [] if t.text.strip())
            for m in messages
        ]
        views = {"chars": texts, "words": words}
        if self._config["last_clause"]:
            views["last_chars"] = [last_clause(text) for text in texts]
        if self._config["pinyin"]:
            views["sound_words"] = [pinyin(text) for text in texts]
        return views
