"""P(need | message, ticked, order state, model): four witnesses multiplied. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from actions.review.evidence import DIALOGUE_INTENTS, Evidence
from actions.review.settings import ReviewSettings


def text_probabilities(
    ranking: Iterable[tuple[str, float]], settings: ReviewSettings
) -> dict[str, float]:
    """What the message alone says.

    Args: the classifier's ranking (it may be cut short; what is missing shares the rest of 1),
    the settings. Returns a probability for each category and each outside outcome, summing to 1.
    """
    known = {*settings.categories, *settings.outside}
    heard: dict[str, float] = {}
    silent = 0.0
    for intent, probability in ranking:
        if intent in known:
            heard[intent] = max(heard.get(intent, 0.0), probability)
        elif intent in DIALOGUE_INTENTS and intent != "nlu_fallback":
            silent += probability
    missing = known - heard.keys()
    if missing:
        left = max(0.0, 1.0 - sum(heard.values()) - silent) / len(missing)
        heard.update(dict.fromkeys(sorted(missing), left))
    warmed = {
        intent: max(p, settings.floor) ** (1.0 / settings.temperature)
        for intent, p in heard.items()
    }
    outcomes = dict.fromkeys((*settings.categories, *sorted(set(settings.outside.values()))), 0.0)
    for intent in sorted(warmed):
        outcomes[settings.outside.get(intent, intent)] += warmed[intent]
    return _normalised(outcomes)


def outside_probability(text: Mapping[str, float], settings: ReviewSettings) -> float:
    """How likely it is that no ticket serves the message (a person, small talk, off the topic)."""
    return sum(text[outcome] for outcome in set(settings.outside.values()))


def posterior(
    evidence: Evidence, text: Mapping[str, float], settings: ReviewSettings
) -> dict[str, float]:
    """All witnesses together, over the same outcomes as `text`, summing to 1.

    The tick, the order and the model move probability between categories only. Whether a ticket is
    wanted at all is left to the message: whoever chats has ticked something and has an order.
    """
    outside = {name: p for name, p in text.items() if name not in settings.categories}
    weights = {
        category: text[category] * likelihood(category, evidence, settings)
        for category in settings.categories
    }
    for category in evidence.rejected:
        weights[category] = 0.0
    inside = _normalised(weights)
    share = 1.0 - sum(outside.values())
    return {**{c: p * share for c, p in inside.items()}, **outside}


def likelihood(category: str, evidence: Evidence, settings: ReviewSettings) -> float:
    """P(ticked, order state, model's word, offered | `category` is needed), up to a factor."""
    weight = 1.0
    if evidence.stated in settings.categories:
        weight *= settings.mistick[category][evidence.stated] ** settings.mistick_trust
    if evidence.order_state in settings.states:
        weight *= settings.state_likelihood[category][evidence.order_state] ** settings.state_trust
    opinion = evidence.opinion
    if opinion and opinion.category in settings.categories:
        right = settings.reliability_of(opinion.model)
        others = (1.0 - right) / (len(settings.categories) - 1)
        weight *= right if opinion.category == category else others
    if category in evidence.offered:
        weight *= settings.offered_weight
    return weight


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    if total <= 0.0:  # everything was rejected: nothing is known any more
        return dict.fromkeys(weights, 1.0 / len(weights))
    return {name: weight / total for name, weight in weights.items()}
