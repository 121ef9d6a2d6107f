"""What probabilities are worth: risk against coverage, and calibration. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.cases import Case


@dataclass(frozen=True)
class Guess:
    """The likeliest answer for one case: its probability, 0..1, and whether it is the true one."""

    probability: float
    right: bool


@dataclass(frozen=True)
class Bin:
    """Guesses of similar probability: how many, their mean probability, the share that is right."""

    count: int
    probability: float
    right: float


def guesses(cases: Sequence[Case], rows: Mapping[str, Mapping[str, float]]) -> list[Guess]:
    """The likeliest answer of every case that `rows` (case id -> need -> probability) speak of."""
    return [guess(case, row) for case in cases if (row := rows.get(case.id))]


def guess(case: Case, row: Mapping[str, float]) -> Guess:
    """The likeliest answer for one case, of at least one."""
    need = max(row, key=lambda one: row[one])
    return Guess(row[need], need == case.true)


def risk_coverage(made: Sequence[Guess], of: int | None = None) -> list[tuple[float, float]]:
    """(coverage, risk) when only the surest guesses are used, from the surest few to all.

    Guesses of the same probability enter together: no threshold can part them.

    Args:
        made: the guesses there are.
        of: all cases, those without a guess too; these are never covered. None: there are none.
    """
    total = len(made) if of is None else of
    ordered = sorted(made, key=lambda one: -one.probability)
    points = []
    wrong = 0
    for index, one in enumerate(ordered, 1):
        wrong += not one.right
        if index == len(ordered) or ordered[index].probability != one.probability:
            points.append((index / total, wrong / index))
    return points


def area_under_risk(points: Sequence[tuple[float, float]]) -> float:
    """Mean risk over the coverages reached; each point's risk holds back to the one before.

    0 is perfect. NaN without points.
    """
    if not points:
        return math.nan
    area, before = 0.0, 0.0
    for coverage, risk in points:
        area += (coverage - before) * risk
        before = coverage
    return area / before


def reliability(made: Sequence[Guess], bins: int = 10) -> list[Bin]:
    """Guesses in bins of equal width; empty bins are left out."""
    groups: dict[int, list[Guess]] = {}
    for guess in made:
        groups.setdefault(min(int(guess.probability * bins), bins - 1), []).append(guess)
    return [
        Bin(
            len(group),
            sum(guess.probability for guess in group) / len(group),
            sum(guess.right for guess in group) / len(group),
        )
        for _, group in sorted(groups.items())
    ]


def calibration_error(made: Sequence[Guess], bins: int = 10) -> float:
    """Expected calibration error: mean gap of probability and share right, weighted by count.

    Source: Naeini, Cooper, Hauskrecht, AAAI 2015. NaN without guesses.
    """
    if not made:
        return math.nan
    gaps = sum(one.count * abs(one.probability - one.right) for one in reliability(made, bins))
    return gaps / len(made)
