"""Shares with their uncertainty, percentiles, a figure with its aims, and gates for figures."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass

from actions.review.interval import wilson
from evaluation.record import Outcome


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie, between neighbours in proportion."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    at = (len(ordered) - 1) * percent / 100
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


@dataclass(frozen=True)
class Figure:
    """One figure.

    `unit` is `share` (hits of `of`, interval low..high), `count` (hits alone), `mean`, `seconds` or
    `gap` (between probabilities and what happens, 0..1, over `of` cases).
    `goal` and `stretch` are None for figures shown without an aim; `higher_is_better` says which
    way they count.
    """

    name: str
    label: str
    value: float
    hits: int
    of: int
    unit: str = "share"
    low: float | None = None
    high: float | None = None
    goal: float | None = None
    stretch: float | None = None
    higher_is_better: bool = False

    def reaches(self, aim: float | None) -> bool | None:
        """Whether the value is at least as good as an aim; None without an aim or a value."""
        if aim is None or math.isnan(self.value):
            return None
        return self.value >= aim if self.higher_is_better else self.value <= aim

    def to_json(self) -> dict[str, object]:
        """Plain data; a figure without a value has null."""
        row = asdict(self)
        row["value"] = None if math.isnan(self.value) else round(self.value, 5)
        row["goal_met"] = self.reaches(self.goal)
        row["stretch_met"] = self.reaches(self.stretch)
        return row


def share(
    name: str,
    label: str,
    outcomes: Sequence[Outcome],
    test: Callable[[Outcome], bool],
    *,
    goal: float | None = None,
    stretch: float | None = None,
    higher_is_better: bool = False,
) -> Figure:
    """A figure: how many of the outcomes pass the test."""
    hits, of = sum(map(test, outcomes)), len(outcomes)
    value = hits / of if of else math.nan
    return Figure(
        name, label, value, hits, of, "share", *wilson(hits, of), goal, stretch, higher_is_better
    )


def gates(text: str, known: Collection[str]) -> dict[str, float]:
    """`solved=0.9,wrong=0.02` as a table.

    Args:
        text: as above.
        known: names of the figures there are.

    Raises:
        argparse.ArgumentTypeError: not of that form, or no such figure.
    """
    limits = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        if name.strip() not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(sorted(known))}")
        try:
            limits[name.strip()] = float(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{part!r} has no number") from error
    return limits


def missed(results: Sequence[Figure], limits: dict[str, float]) -> list[str]:
    """The gates a run does not pass, in words. A figure without a value passes nothing."""
    return [
        f"{one.name} is {one.value:.4f}, the gate is {limits[one.name]}"
        for one in results
        if one.name in limits and not one.reaches(limits[one.name])
    ]
