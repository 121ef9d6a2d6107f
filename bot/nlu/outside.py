"""Last pipeline step: a faint "no ticket" is no answer yet.

Rules answer small talk and what is off the topic without the review. With out_of_scope .31 before
pickup_urge .29 and false_delivery .15 that would be a brush-off, and the same one each time. So
while the intents that no ticket serves have, together, less than the review asks for, the likeliest
category is the message's intent, and the review weighs it. The ranking stays as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, FrozenSet, List, NamedTuple, Text

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.exceptions import InvalidConfigException, RasaException
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.utils.io import read_yaml_file

ROOT = Path(__file__).resolve().parents[2]


class Limit(NamedTuple):
    """From which probability on, all of them together, these intents decide."""

    outside: FrozenSet[Text]
    least: float
    categories: FrozenSet[Text]


def read_limit(review: Path, categories: Path) -> Limit:
    """`outside` and `max_outside` of data/review.yml, and the ids of data/categories.yml.

    Raises InvalidConfigException, which names the file and the place. The actions check the rest.
    """
    numbers, known = _mapping(review), _mapping(categories).get("categories")
    outside, least = numbers.get("outside"), numbers.get("max_outside")
    if not isinstance(outside, dict) or not outside:
        raise InvalidConfigException(f"{review}: outside: expected a mapping, got {outside!r}")
    if isinstance(least, bool) or not isinstance(least, (int, float)) or not 0 < least <= 1:
        raise InvalidConfigException(
            f"{review}: max_outside: expected a number above 0 and at most 1, got {least!r}"
        )
    if not isinstance(known, dict) or not known:
        raise InvalidConfigException(f"{categories}: categories: expected a mapping, got {known!r}")
    return Limit(frozenset(map(str, outside)), float(least), frozenset(map(str, known)))


def _mapping(path: Path) -> Dict[Text, Any]:
    try:
        found: Any = read_yaml_file(path)
    except (OSError, RasaException) as error:
        raise InvalidConfigException(f"{path}: cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise InvalidConfigException(f"{path}: expected a mapping, got {found!r}")
    return found


def weighed(ranking: List[Dict[Text, Any]], limit: Limit) -> Dict[Text, Any] | None:
    """The entry of the likeliest category where an outside intent leads too faintly, else None.

    ranking: [{"name", "confidence"}], likeliest first; a fallback in front is left as it is.
    """
    if not ranking or ranking[0]["name"] not in limit.outside:
        return None
    if sum(one["confidence"] for one in ranking if one["name"] in limit.outside) >= limit.least:
        return None
    return next((one for one in ranking if one["name"] in limit.categories), None)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class OutsideLimit(GraphComponent):
    """Sets `intent` to the likeliest category while "no ticket" is not likely enough."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """`review`: the file with the limit; `categories`: the one with the categories."""
        return {"review": "data/review.yml", "categories": "data/categories.yml"}

    def __init__(self, limit: Limit) -> None:
        """A component that keeps to the limit."""
        self._limit = limit

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> OutsideLimit:
        """Called by Rasa, when a model is loaded too: a changed limit needs no training."""
        return cls(read_limit(ROOT / config["review"], ROOT / config["categories"]))

    def process(self, messages: List[Message]) -> List[Message]:
        """Changes messages in place."""
        for message in messages:
            entry = weighed(message.get("intent_ranking") or [], self._limit)
            if entry is not None:
                message.set(INTENT, dict(entry), add_to_output=True)
        return messages
