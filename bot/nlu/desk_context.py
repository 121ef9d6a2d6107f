"""Last pipeline step: what the desk knows about a message, and the customer's own words."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.normalise import AS_WRITTEN

_LANGUAGES = ("zh", "en")


def context_entities(metadata: Optional[Dict[Text, Any]]) -> List[Dict[Text, Any]]:
    """The entities `lang` and `stated` for the desk's context; what it does not give is left out.

    metadata: {"context": {"lang": "zh"|"en", "stated": category or None, ...}} or None.
    """
    context = (metadata or {}).get("context") or {}
    found = []
    if context.get("lang") in _LANGUAGES:
        found.append(_entity("lang", context["lang"]))
    if context.get("stated"):
        found.append(_entity("stated", str(context["stated"])))
    return found


def _entity(name: Text, value: Text) -> Dict[Text, Any]:
    return {"entity": name, "value": value, "start": 0, "end": 0, "extractor": "DeskContext"}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class DeskContext(GraphComponent):
    """Adds the context's entities and restores the text as it was written."""

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> DeskContext:
        """Called by Rasa."""
        return cls()

    def process(self, messages: List[Message]) -> List[Message]:
        """Changes messages in place."""
        for message in messages:
            entities = message.get(ENTITIES, []) + context_entities(message.get("metadata"))
            message.set(ENTITIES, entities, add_to_output=True)
            if AS_WRITTEN in message.data:
                message.set(TEXT, message.data[AS_WRITTEN], add_to_output=True)
        return messages
