"""What the parts of a message ask for, where it joins two things as equals.

The whole message has one ranking, and one need drowns the other in it: "我的件摔碎了，另外你们还
重复扣费" is all charge. `PartSplitter` sends the parts of such a message through the classifier
beside it, and `PartCollector` puts their rankings into the message as `parts`, which the review
reads (actions/review/two_needs.py). A message without a joining word, nearly all, costs nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Text, Tuple

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.io import read_yaml_file

ROOT = Path(__file__).resolve().parents[2]
#: A part says at least so many characters: with fewer it is no need of its own.
_SHORTEST = 2
_SHORTEST_INSIDE = 5
_MOST_PARTS = 6
_RANKED = 3  # likeliest intents of a part that are passed on
_PART_OF = "part_of"
_MARKS = re.compile(r"[,.!?;~…。、:\n]+")


class Words(NamedTuple):
    """The joining words of data/two_needs.yml, as compiled patterns."""

    joins: re.Pattern[str]
    too: re.Pattern[str]
    both: re.Pattern[str]
    told_only: re.Pattern[str]


def read_words(path: Path) -> Words:
    """The words of the file. Raises ValueError, naming the file and the list that is wrong."""
    raw: Any = read_yaml_file(path) or {}
    lists = []
    for key in Words._fields:
        words = raw.get(key)
        if not isinstance(words, list) or not all(isinstance(w, str) and w for w in words):
            raise ValueError(f"{path}: {key}: expected a list of words, got {words!r}")
        lists.append(_any_of(words))
    return Words(*lists)


def _any_of(words: List[str]) -> re.Pattern[str]:
    """Any of the words, the longest first; a Latin one only as a whole word."""
    longest = sorted(words, key=len, reverse=True)
    parts = [rf"\b{re.escape(w)}\b" if w.isascii() else re.escape(w) for w in longest]
    return re.compile("|".join(parts))


def parts(text: str, words: Words) -> List[str]:
    """The parts of a normalised message that are joined as equals; [] when nothing joins two.

    With a joining word the parts are what stands between those words, without the clauses that
    ask for "both"; with a "too" word (…也要处理) what stands before its clause, and the rest; with
    only a "both" word they are the other clauses.
    """
    if words.told_only.search(text):
        return []
    stretches = _split(text, words.joins)
    if len(stretches) == 1:
        stretches = _before_too(text, words.too)
    if len(stretches) == 1 and not words.both.search(text):
        return []
    clauses = [[c for c in _clauses(stretch) if not words.both.search(c)] for stretch in stretches]
    found = [",".join(one) for one in clauses] if len(stretches) > 1 else clauses[0]
    found = [part for part in found if len(part) >= _SHORTEST]
    return found[:_MOST_PARTS] if len(found) > 1 else []


def _split(text: str, joins: re.Pattern[str]) -> List[str]:
    """The text between joining words. Inside a clause ("送货员另外要了二十元") only one with enough
    before it joins two."""
    cuts = [0]
    for found in joins.finditer(text):
        before = _MARKS.split(text[cuts[-1] : found.start()])[-1].strip()
        if not before or len(before) >= _SHORTEST_INSIDE:
            cuts += [found.start(), found.end()]
    return [text[a:b] for a, b in zip(cuts[::2], [*cuts[1::2], len(text)], strict=True)]


def _before_too(text: str, too: re.Pattern[str]) -> List[str]:
    """The text before the first later clause that asks for something "too", and from it on."""
    clauses = _clauses(text)
    at = next((n for n, clause in enumerate(clauses) if n and too.search(clause)), 0)
    return [",".join(clauses[:at]), ",".join(clauses[at:])] if at else [text]


def _clauses(text: str) -> List[str]:
    return [clause.strip() for clause in _MARKS.split(text) if clause.strip()]


class _Step(GraphComponent):
    """What both steps share: nothing is trained, and Rasa makes them without a resource."""

    @staticmethod
    def get_default_config() -> Dict[Text, Any]:
        """words: the file of the joining words, from the root of the checkout."""
        return {"words": "data/two_needs.yml"}

    def __init__(self, config: Dict[Text, Any]) -> None:
        self._config = config

    @classmethod
    def create(
        cls,
        config: Dict[Text, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> _Step:
        """Called by Rasa."""
        return cls(config)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Called by Rasa in training: an example is learned as it is."""
        return training_data


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class PartSplitter(_Step):
    """Before the tokenizer: adds the parts of a message as messages of their own."""

    def __init__(self, config: Dict[Text, Any]) -> None:
        super().__init__(config)
        self._words = read_words(ROOT / config["words"])

    def process(self, messages: List[Message]) -> List[Message]:
        """The messages, followed by the parts of those that have any."""
        return messages + [
            Message(data={TEXT: part, _PART_OF: place})
            for place, message in enumerate(messages)
            for part in parts(message.get(TEXT) or "", self._words)
        ]


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class PartCollector(_Step):
    """After the classifier: takes the parts out again and keeps what they were ranked as."""

    def process(self, messages: List[Message]) -> List[Message]:
        """Sets `parts`: for each part its likeliest intents, [[intent, probability], ...]."""
        whole = [m for m in messages if m.get(_PART_OF) is None]
        found: Dict[int, List[List[Tuple[str, float]]]] = {}
        for message in messages:
            if message.get(_PART_OF) is not None:
                ranking = message.get("intent_ranking") or []
                best = [(one["name"], one["confidence"]) for one in ranking[:_RANKED]]
                found.setdefault(message.get(_PART_OF), []).append(best)
        for place, rankings in found.items():
            whole[place].set("parts", rankings, add_to_output=True)
        return whole
