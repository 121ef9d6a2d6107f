"""Figures as a table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from evaluation.measure import Figure


def shown(figure: Figure, value: float | None = None) -> str:
    """A value of the figure's unit in words; its own value when none is given."""
    value = figure.value if value is None else value
    if math.isnan(value):
        return "-"
    if figure.unit == "share":
        return f"{value:.1%}"
    if figure.unit == "seconds":
        return f"{value:.2f} s"
    if figure.unit == "gap":
        return f"{value:.3f}"
    return f"{value:.0f}" if figure.unit == "count" else f"{value:.2f}"


def aim(figure: Figure, value: float | None) -> str:
    """A goal with its direction, such as `>= 90.0%`; blank without one."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{'>=' if figure.higher_is_better else '<='} {shown(figure, value)}"


def counted(figure: Figure) -> str:
    """What the value was made of."""
    if figure.unit == "gap":
        return f"of {figure.of}"
    return "" if figure.unit == "count" else f"{figure.hits}/{figure.of}"


def interval(figure: Figure) -> str:
    """The 95% interval of a share; blank for anything else."""
    if figure.low is None or figure.high is None or not figure.of:
        return ""
    return f"{figure.low:.1%} .. {figure.high:.1%}"


def standing(figure: Figure) -> str:
    """`stretch`, `goal` or `MISSED`; blank without a goal."""
    if figure.reaches(figure.goal) is None:
        return ""
    if figure.reaches(figure.stretch):
        return "stretch"
    return "goal" if figure.reaches(figure.goal) else "MISSED"


def figures_table(figures: Sequence[Figure]) -> str:
    """All figures beside their goals."""
    head = ("figure", "value", "counts", "95% interval", "goal", "stretch", "")
    rows = [
        (
            one.label,
            shown(one),
            counted(one),
            interval(one),
            aim(one, one.goal),
            aim(one, one.stretch),
            standing(one),
        )
        for one in figures
    ]
    return aligned(head, rows)


def baselines_table(
    figures: Sequence[Figure], baselines: dict[str, list[Figure]], names: Sequence[str]
) -> str:
    """The named figures of this run beside those of the skill-less desks."""
    rows = []
    for index, one in enumerate(figures):
        if one.name in names:
            others = (shown(same[index]) for same in baselines.values())
            rows.append((one.label, shown(one), *others))
    return aligned(("baselines", "this run", *baselines), rows)


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows below a head in columns, the first one flush left."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )
