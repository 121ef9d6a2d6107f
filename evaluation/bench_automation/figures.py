"""A measured figure beside its goal, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    `goal` is None for figures that only explain others; `least` says on which side it lies.
    """

    part: str
    name: str
    value: float
    unit: str = ""
    goal: float | None = None
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether the goal is reached; without one there is nothing to miss."""
        if self.goal is None:
            return True
        return self.value >= self.goal if self.least else self.value <= self.goal


def table(figures: Sequence[Figure]) -> str:
    """The figures as aligned text, one part after the other."""
    rows = [("", "figure", "value", "goal", "")]
    for one in figures:
        sign = ">=" if one.least else "<="
        goal = "" if one.goal is None else f"{sign} {_number(one.goal)} {one.unit}".rstrip()
        verdict = "" if one.goal is None else "met" if one.met else "MISSED"
        rows.append((one.part, one.name, f"{_number(one.value)} {one.unit}", goal, verdict))
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.2f}"
