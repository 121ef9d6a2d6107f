"""May a new model replace the old one?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from actions.review.yaml_checks import Section, read_yaml_file
from evaluation.measure import Figure
from evaluation.table import counted, shown

#: The figures that a new model must hold.
GATED = (
    "solved",
    "wrong",
    "handed_over_unasked",
    "person_on_first_message",
    "needless_ticket",
    "asked_needlessly",
    "questions_per_solved",
    "nlu_accuracy",
    "calibration_error",
)


def read_tolerance(path: Path) -> dict[str, float]:
    """How much each figure may become worse (data/learning.yml), in the figure's own unit.

    Raises:
        SettingsError: the file is not of its form; names file and place.
    """
    top = Section(read_yaml_file(path), path.name)
    section = top.section("tolerance")
    found = {name: section.number(name, least=0, most=1) for name in GATED}
    section.nothing_else()
    top.nothing_else()
    return found


def objections(
    before: Sequence[Figure],
    after: Sequence[Figure],
    tolerance: Mapping[str, float],
    best: Mapping[str, float] | None = None,
) -> list[str]:
    """Why the new model is refused, one sentence for each figure that fell; empty: it is good.

    Args:
        before: figures of the model in use.
        after: figures of the new one, of the same cases.
        tolerance: how much worse each may be; a figure without one is not looked at.
        best: the best values that any accepted model had (best.py).
    """
    old = {figure.name: figure for figure in before}
    found = []
    for figure in after:
        allowed = tolerance.get(figure.name)
        if allowed is None:
            continue
        was = old[figure.name].value if figure.name in old else math.nan
        peak = (best or {}).get(figure.name, math.nan)
        if math.isnan(figure.value):
            if not (math.isnan(was) and math.isnan(peak)):
                found.append(f"{figure.label}: has no value any more")
        elif _fell(figure, was, allowed):
            found.append(f"{figure.label}: {_change(figure, was, allowed)}")
        elif _fell(figure, peak, allowed):
            found.append(f"{figure.label}: best so far {_change(figure, peak, allowed)}")
    return found


def _fell(figure: Figure, was: float, allowed: float) -> bool:
    worse = was - figure.value if figure.higher_is_better else figure.value - was
    return worse > allowed + 1e-9  # never when there was no value: NaN is above nothing


def _change(figure: Figure, was: float, allowed: float) -> str:
    most = f"{allowed:.2%}" if figure.unit == "share" else f"{allowed:g}"
    return f"{shown(figure, was)} -> {shown(figure)} (at most {most} worse)"


def compared(before: Sequence[Figure], after: Sequence[Figure]) -> str:
    """Both models' figures side by side, for a terminal."""
    old = {figure.name: figure for figure in before}
    width = max((len(figure.label) for figure in after), default=0)
    lines = [f"{'figure':<{width}}  {'before':>20}  {'after':>20}"]
    for figure in after:
        cells = (
            f"{shown(one)} {counted(one):>9}" if one else "-"
            for one in (old.get(figure.name), figure)
        )
        lines.append(f"{figure.label:<{width}}  " + "  ".join(f"{cell:>20}" for cell in cells))
    return "\n".join(lines)
