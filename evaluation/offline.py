"""`python -m evaluation.offline CASES.jsonl`: what the review would do, without a running system.

Needs a trained model and both environments. Seconds instead of minutes, so that numbers in
data/review.yml can be tried out: an estimate (replay.py says of what), never the figures to report.

Exit code 0, 1 when a `--fail-under` gate is missed, 2 when it cannot run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from actions.catalog import load_catalog
from actions.review.interval import wilson
from actions.review.settings import load_review_settings
from actions.review.yaml_checks import SettingsError
from desk.store import content
from evaluation.cases import Case, read_cases
from evaluation.figures import figures, is_solved, is_wrong
from evaluation.measure import Figure, gates, missed
from evaluation.nlu_quality import probabilities
from evaluation.probabilities import calibration_error, guesses
from evaluation.rankings import MODEL, ROOT, CannotRank, Ranking, rank, rank_kept
from evaluation.replay import Replayed, replay_all
from evaluation.table import figures_table

#: The figures that a replay can estimate, of those in figures.py.
ESTIMATED = (
    "solved",
    "wrong",
    "handed_over_unasked",
    "stranded",
    "person_on_first_message",
    "needless_ticket",
    "asked_needlessly",
    "questions_per_solved",
    "wrong_for_person",
    "needless_person",
)
REVIEW = ROOT / "data" / "review.yml"


def estimate(
    path: Path, model: Path = MODEL, review: Path = REVIEW, kept: Path | None = None
) -> list[Replayed]:
    """Every case of a file, replayed with a model and the review's numbers.

    Args:
        path: cases, JSON lines.
        model: a trained model file.
        review: data/review.yml or another of its kind.
        kept: where the rankings are kept for the next time.

    Raises:
        OSError, ValueError: the cases or a data file cannot be read.
        CannotRank: the model cannot be asked.
    """
    cases = read_cases(path)
    messages = list(dict.fromkeys(case.message for case in cases))
    rankings = rank_kept(messages, model, kept) if kept else rank(messages, model)
    return replayed_with(cases, rankings, review)


def replayed_with(
    cases: Sequence[Case], rankings: Mapping[str, Ranking], review: Path = REVIEW
) -> list[Replayed]:
    """Every case, replayed with rankings that are there already; the rest as `estimate`."""
    categories = tuple(load_catalog(ROOT / "data" / "categories.yml"))
    settings = load_review_settings(review, categories)
    person = content.load(ROOT).human_words
    person.train()
    return replay_all(cases, rankings, settings, person.asks_for_person)


def estimated_figures(replayed: Sequence[Replayed]) -> list[Figure]:
    """The figures of figures.py that a replay can estimate, and how well the model understood."""
    outcomes = [one.outcome for one in replayed]
    in_scope = [one for one in replayed if one.outcome.case.in_scope]
    right = sum(one.understood_right for one in in_scope)
    label = "likeliest intent is the need, of cases that need a ticket"
    value = right / len(in_scope) if in_scope else float("nan")
    accuracy = Figure(
        "nlu_accuracy",
        label,
        value,
        right,
        len(in_scope),
        "share",
        *wilson(right, len(in_scope)),
        higher_is_better=True,
    )
    rows = {one.outcome.case.id: probabilities(one.ranking) for one in replayed}
    made = guesses([one.outcome.case for one in replayed], rows)
    calibration = Figure(
        "calibration_error",
        "calibration error (ECE) of the likeliest intent, of all cases",
        calibration_error(made),
        sum(guess.right for guess in made),
        len(made),
        "gap",
    )
    own = [one for one in figures(outcomes) if one.name in ESTIMATED]
    return [*own, accuracy, calibration]


def told(one: Replayed) -> str:
    """One case for a person to read: what happened, the message, and the verdict's reasons."""
    case = one.outcome.case
    head = f"{case.id}  need {case.true}, ticked {case.stated}, order {case.order_status}"
    head += f" -> {one.outcome.result}, {one.outcome.questions} questions (understood: {one.top})"
    reasons = one.verdict.reasons if one.verdict else ()
    return "\n    ".join([head, case.message, *reasons])


LISTS = {
    "wrong": lambda one: is_wrong(one.outcome),
    "unsolved": lambda one: one.outcome.case.in_scope and not is_solved(one.outcome),
    "asked": lambda one: one.outcome.case.clear_and_rightly_stated and one.outcome.questions > 0,
    "all": lambda one: True,
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.offline", description=__doc__)
    add = parser.add_argument
    add("cases", type=Path, help="case file, JSON lines")
    add("--model", type=Path, default=MODEL, help="a trained model (models/kefu.tar.gz)")
    add("--review", type=Path, default=REVIEW, help="other numbers than data/review.yml")
    add("--rankings", type=Path, help="keep the model's rankings here; used again if they fit")
    add("--report", type=Path, help="write figures and cases as JSON here")
    add("--list", choices=sorted(LISTS), help="also print these cases, with their reasons")
    known = (*ESTIMATED, "nlu_accuracy", "calibration_error")
    reader = partial(gates, known=known)
    add("--fail-under", type=reader, default={}, help="such as solved=0.9,wrong=0.02")
    return parser.parse_args(argv)


def as_json(replayed: Sequence[Replayed]) -> dict[str, Any]:
    """Everything as plain data."""
    return {
        "estimated": True,
        "figures": [one.to_json() for one in estimated_figures(replayed)],
        "cases": [
            {
                "id": one.outcome.case.id,
                "true": one.outcome.case.true,
                "result": one.outcome.result,
                "questions": one.outcome.questions,
                "understood": one.top,
                "verdict": one.verdict.as_record() if one.verdict else None,
            }
            for one in replayed
        ],
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Estimate, print, write. Returns the exit code."""
    options = arguments(argv)
    try:
        replayed = estimate(options.cases, options.model, options.review, options.rankings)
    except (OSError, ValueError, SettingsError, CannotRank) as error:
        print(f"the estimate cannot be made: {error}", file=sys.stderr)
        return 2
    results = estimated_figures(replayed)
    print(f"estimated from {len(replayed)} cases, without a running system")
    print(figures_table(results))
    for one in filter(LISTS[options.list], replayed) if options.list else ():
        print(f"\n{told(one)}")
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(as_json(replayed), ensure_ascii=False, indent=1)
        options.report.write_text(text, encoding="utf-8")
    failures = missed(results, options.fail_under)
    for sentence in failures:
        print(sentence, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
