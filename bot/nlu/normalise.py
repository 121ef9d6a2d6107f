"""Pipeline step 1: one way of writing (see `bot.nlu.text`)."""

from __future__ import annotations

from typing import Any, Dict, List, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.text import normalise, without_command

# Where the customer's own words wait until `bot.nlu.desk_context` puts them back.
AS_WRITTEN = "text_as_written"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class Normaliser(GraphComponent):
    """Replaces a message's text by its normalised form, for the steps that follow."""

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Normaliser:
        """Called by Rasa."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Normalises messages in place; a payload ("/choose{...}") is left as it is."""
        for message in messages:
            text = message.get(TEXT) or ""
            if text.startswith("/"):
                continue
            message.data[AS_WRITTEN] = text
            # What NFKC turns into a leading slash must not become a payload either.
            message.data[TEXT] = without_command(normalise(text))
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Normalises the examples, which are literal text."""
        for message in training_data.training_examples:
            if message.get(TEXT):
                message.data[TEXT] = normalise(message.get(TEXT))
        return training_data
