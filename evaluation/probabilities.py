"""What a classifier's probabilities are worth: risk against coverage, and calibration.

The simulated customers cannot see probabilities. A separate file gives them, one JSON object a
line: {"id": "<case id>", "probabilities": {"<category>": 0.91, ...}}.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def read_probabilities(path: Path) -> dict[str, dict[str, float]]:
    """Case id -> need -> probability.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is not in the format above; the message names the line.
    """
    rows: dict[str, dict[str, float]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            values = {str(need): float(p) for need, p in row["probabilities"].items()}
            rows[str(row["id"])] = values
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"{path}:{number}: {error!r}") from error
        if not values or not all(0 <= p <= 1 for p in values.values()):
            raise ValueError(f"{path}:{number}: probabilities must be between 0 and 1")
    return rows


def guesses(cases: Sequence[Case], rows: Mapping[str, Mapping[str, float]]) -> list[Guess]:
    """The likeliest answer of every case the file speaks of."""
    found = []
    for case in cases:
        if row := rows.get(case.id):
            need = max(row, key=lambda one: row[one])
            found.append(Guess(row[need], need == case.true))
    return found


def risk_coverage(made: Sequence[Guess]) -> list[tuple[float, float]]:
    """(coverage, risk) when only the surest guesses are used, from the surest few to all.

    Guesses of the same probability enter together: no threshold can part them.
    """
    ordered = sorted(made, key=lambda guess: -guess.probability)
    points = []
    wrong = 0
    for index, guess in enumerate(ordered, 1):
        wrong += not guess.right
        if index == len(ordered) or ordered[index].probability != guess.probability:
            points.append((index / len(ordered), wrong / index))
    return points


def area_under_risk(points: Sequence[tuple[float, float]]) -> float:
    """Mean risk over all coverages (0 is perfect); each point's risk holds back to the one before.

    NaN without points.
    """
    if not points:
        return math.nan
    area, before = 0.0, 0.0
    for coverage, risk in points:
        area += (coverage - before) * risk
        before = coverage
    return area


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
