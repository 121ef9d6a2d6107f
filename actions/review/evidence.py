"""What the review is given and what it answers: plain frozen values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

#: Intents that answer a question of ours. They say nothing about what the customer needs.
DIALOGUE_INTENTS = frozenset(
    {"affirm", "deny", "none_of_these", "pick_one", "choose", "tick", "nlu_fallback"}
)

#: Reasons why a model was not asked at all; a failed answer has a reason of its own words.
NOT_NEEDED = "not needed: its word could not change the decision"
INSTRUCTIONS = "not asked: the message looks like instructions to a model"
BREAKER_OPEN = "not asked: left alone after failures"
BUDGET_SPENT = "not asked: the day's budget is spent"
SILENCES = (NOT_NEEDED, INSTRUCTIONS, BREAKER_OPEN, BUDGET_SPENT)

VerdictKind = Literal["agree", "clarify", "human"]


@dataclass(frozen=True)
class Opinion:
    """What a model said about one message."""

    category: str | None  #: a category id, or None for "cannot decide"
    quote: str  #: the customer's words it rests on (masked); empty when it cannot decide
    model: str  #: the model's name
    latency_ms: int  #: how long the answer took; 0 from the cache
    mode: str  #: how it was asked: json_schema or json_object
    cached: bool = False
    prompt_version: str = ""
    prompt_tokens: int = 0  #: of all tries for this answer; 0 from the cache
    completion_tokens: int = 0
    cost: float | None = None  #: in the currency of the configured prices; None without prices

    def as_record(self) -> dict[str, object]:
        """The opinion as JSON for a ticket's review record."""
        return asdict(self)


@dataclass(frozen=True)
class Silence:
    """Why a model that is configured gave no opinion. Weighs nothing; kept for the record."""

    model: str
    reason: str  #: one of SILENCES, or what was wrong with the answer; no word of the customer's
    latency_ms: int = 0

    def as_record(self) -> dict[str, object]:
        """The silence as JSON for a ticket's review record."""
        return {"model": self.model, "silent": self.reason, "latency_ms": self.latency_ms}


@dataclass(frozen=True)
class Evidence:
    """Everything known when a message is reviewed."""

    message: str  #: the customer's text
    stated: str | None  #: the ticked category
    ranking: tuple[tuple[str, float], ...]  #: (intent, probability), best first, as Rasa gives it
    order_state: str | None  #: one of data/review.yml's order_state.states
    opinion: Opinion | None = None
    questions_asked: int = 0  #: clarifying questions already spent on this request
    misses: int = 0  #: messages in a row before this one that were not understood
    offered: tuple[str, ...] = ()  #: categories of the open question
    rejected: tuple[str, ...] = ()  #: categories the customer has said no to


@dataclass(frozen=True)
class Verdict:
    """What to do, and why."""

    kind: VerdictKind
    category: str | None  #: the agreed category when kind is agree
    candidates: tuple[tuple[str, float], ...]  #: (category, probability) to offer or to report
    reasons: tuple[str, ...]  #: one readable line each
    posterior: dict[str, float] = field(default_factory=dict)  #: sums to 1 over all outcomes
    understood: bool = True  #: False: the message said nothing that a ticket could serve

    def as_record(self) -> dict[str, object]:
        """The verdict as JSON for a ticket's review record: the five likeliest outcomes only."""
        likeliest = sorted(self.posterior.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
        return {
            "verdict": self.kind,
            "category": self.category,
            "candidates": [[name, round(p, 4)] for name, p in self.candidates],
            "probabilities": {name: round(p, 4) for name, p in likeliest},
            "reasons": list(self.reasons),
        }
