"""What the desk's review believed in a run, and which cases nothing is known of. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.probabilities import (
    Guess,
    area_under_risk,
    calibration_error,
    guess,
    reliability,
    risk_coverage,
)
from evaluation.record import Outcome, Record

#: Where the probabilities are from, for the page and the file.
SOURCE = (
    "what the desk's review believed (message, tick and order together), as it is kept with the "
    "first ticket and read when all customers had left; where a question was asked, before the "
    "answer to the last one"
)


@dataclass(frozen=True)
class Beliefs:
    """The likeliest need by the review, of the cases that need a ticket.

    `made` of `of` cases; `without` says why the others have none -> how many.
    """

    made: tuple[Guess, ...]
    of: int
    without: Counter[str]

    @property
    def curve(self) -> list[tuple[float, float]]:
        """(coverage, risk); a case without a guess is never covered."""
        return risk_coverage(self.made, self.of)

    @property
    def area(self) -> float:
        """Mean risk over the coverages reached; NaN without guesses."""
        return area_under_risk(self.curve)

    @property
    def error(self) -> float:
        """Expected calibration error of the guesses; NaN without any."""
        return calibration_error(self.made)

    def note(self) -> str:
        """In words: how many cases are in the charts, and what of the others."""
        told = f"{len(self.made)} of the {self.of} cases that need a ticket have one."
        if not self.without:
            return told
        others = ", ".join(f"{why}: {count}" for why, count in self.without.most_common())
        return f"{told} Without: {others}; these are never covered, and in no dot of reliability."

    def to_json(self) -> dict[str, Any]:
        """Plain data; what has no value is null."""
        right = sum(one.right for one in self.made)
        return {
            "source": SOURCE,
            "cases": self.of,
            "guesses": len(self.made),
            "without": dict(self.without),
            "accuracy": right / len(self.made) if self.made else None,
            "expected_calibration_error": _plain(self.error),
            "mean_risk": _plain(self.area),
            "risk_coverage": self.curve,
            "reliability": [asdict(one) for one in reliability(self.made)],
        }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def beliefs(pairs: Sequence[tuple[Record, Outcome]]) -> Beliefs:
    """The guesses of a run, and a reason for every case that needs a ticket and has none."""
    made, without = [], Counter[str]()
    in_scope = [(record, outcome) for record, outcome in pairs if outcome.case.in_scope]
    for record, outcome in in_scope:
        if belief := record.reasons.belief:
            made.append(guess(outcome.case, belief))
        else:
            without[_why_none(record, outcome)] += 1
    return Beliefs(tuple(made), len(in_scope), without)


def _why_none(record: Record, outcome: Outcome) -> str:
    if outcome.error:
        return "broken"
    if record.reasons.unknown:
        return "reasons not available"
    if outcome.ticket:
        return "ticket without a review"
    return "handed over" if outcome.person else "no ticket"
