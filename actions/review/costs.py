"""What each of the three outcomes is expected to cost, in questions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.review.settings import ReviewSettings


@dataclass(frozen=True)
class Costs:
    """Expected costs of the three outcomes for one message."""

    ticket: float  #: opening a ticket of the likeliest category now
    question: float  #: asking with the candidates first
    person: float  #: handing over now

    def __str__(self) -> str:
        return f"ticket {self.ticket:.2f}, question {self.question:.2f}, person {self.person:.2f}"


def expected_costs(
    category: str,
    candidates: Sequence[str],
    posterior: Mapping[str, float],
    settings: ReviewSettings,
) -> Costs:
    """Expected costs, given the likeliest category and what a question would offer.

    A ticket is wrong with probability 1 - P(category). A question costs itself; the customer whose
    need is not offered costs a person in the end; one tap in many (`slip`) is on a wrong choice.
    """
    covered = sum(posterior[c] for c in candidates)
    wrong_after = settings.slip * sum(posterior[c] * settings.cost_wrong[c] for c in candidates)
    return Costs(
        ticket=(1.0 - posterior[category]) * settings.cost_wrong[category],
        question=settings.cost_question + (1.0 - covered) * settings.cost_person + wrong_after,
        person=settings.cost_person,
    )
