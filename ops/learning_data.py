"""The files of data/ that `make learn` compares with, and data/learned/mistick.yml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import yaml

from actions.review.settings import parse_review_settings
from actions.review.yaml_checks import Section, SettingsError
from evaluation.check_cases import case_lines, training_lines
from learning import mistick
from learning.history import History
from learning.mistick import Counts
from learning.nearness import Taken
from ops.child import ROOT

NLU = ROOT / "data/nlu"
CASES = ROOT / "evaluation/cases"
REVIEW = ROOT / "data/review.yml"
MISTICK = ROOT / "data/learned/mistick.yml"
_HEAD = """\
# How people mistick: needed -> ticked -> confirmed tickets. Written by `make learn`; the actions
# add these counts to `mistick: observed` of data/review.yml when they start.
"""


def taken(more: Iterable[str] = ()) -> Taken:
    """The hand-written training messages, the case files' messages, and `more`.

    What was learned is left out: it is in data/learned/candidates.yml already.
    """
    return Taken(more, beside=_written())


@cache
def _written() -> Taken:
    """Read once: thousands of messages take a second or two."""
    written = (line for line in training_lines(NLU) if not line.place.startswith("learned/"))
    lines = [line.message for line in written]
    for path in sorted(CASES.glob("*.jsonl")):
        lines += [line.message for line in case_lines(path)]
    return Taken(lines)


def write_mistick(
    histories: Sequence[History],
    categories: Sequence[str],
    say: Callable[[str], None],
) -> None:
    """Count again from all tickets. Without any, a file from elsewhere is left as it is."""
    counts = mistick.count(histories, categories)
    if not counts:
        return
    raw = yaml.safe_load(REVIEW.read_text(encoding="utf-8"))
    usable, without = usable_counts(raw, counts, categories)
    rows = "".join(f"  {need}: {_row(row)}\n" for need, row in usable.items())
    MISTICK.parent.mkdir(parents=True, exist_ok=True)
    MISTICK.write_text(f"{_HEAD}observed:{' {}' if not rows else ''}\n{rows}", encoding="utf-8")
    say(f"how people mistick: {mistick.total(usable)} confirmed tickets in {MISTICK.name}")
    for need in without:
        say(f"  {need} left out: with its counts a tick would speak against what was ticked")


def usable_counts(
    raw: object, counts: Counts, categories: Sequence[str]
) -> tuple[Counts, list[str]]:
    """The rows that the review can use with data/review.yml (`raw`), and those it cannot."""
    usable: Counts = {}
    without = []
    for need, row in counts.items():
        tried = {**usable, need: row}
        try:
            parse_review_settings(raw, categories, learned=Section(tried, MISTICK.name))
            usable = tried
        except SettingsError:
            without.append(need)
    return usable, without


def _row(row: dict[str, int]) -> str:
    return "{" + ", ".join(f"{ticked}: {number}" for ticked, number in row.items()) + "}"
