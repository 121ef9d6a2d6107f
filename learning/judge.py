"""May a new model replace the old one? Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from evaluation.measure import Figure
from evaluation.table import counted, shown

#: How much worse a figure may become, as a share: about two cases of the test set for `solved` and
#: the likeliest intent, one for the others. Both models are judged by the same cases, so that
#: chance plays a small part.
TOLERANCE = {
    "solved": 0.005,
    "wrong": 0.0025,
    "person_on_first_message": 0.0,
    "needless_ticket": 0.01,
    # questions can hide for a while that a model understands less
    "nlu_accuracy": 0.005,
}


def objections(
    before: Sequence[Figure], after: Sequence[Figure], tolerance: Mapping[str, float]
) -> list[str]:
    """Why the new model is refused, one sentence for each figure that fell; empty: it is good."""
    old = {figure.name: figure for figure in before}
    found = []
    for figure in after:
        allowed = tolerance.get(figure.name)
        if allowed is None or figure.name not in old:
            continue
        was, now = old[figure.name].value, figure.value
        worse = was - now if figure.higher_is_better else now - was
        if math.isnan(worse) and not math.isnan(was):
            found.append(f"{figure.label}: has no value any more")
        elif worse > allowed + 1e-9:
            change = f"{shown(old[figure.name])} -> {shown(figure)}"
            found.append(f"{figure.label}: {change} (at most {allowed:.2%} worse)")
    return found


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
