"""The results as JSON and as one HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader

from evaluation.beliefs import SOURCE, beliefs
from evaluation.cases import NEEDS, Case
from evaluation.charts import confusion_table, histogram, reliability_chart, risk_coverage_chart
from evaluation.customer import Temper
from evaluation.figures import (
    baselines,
    by_group,
    confusion,
    figures,
    is_solved,
    is_wrong,
    questions_histogram,
)
from evaluation.probabilities import reliability
from evaluation.record import Outcome, Record
from evaluation.table import aim, counted, interval, shown, standing

Pair = tuple[Record, Outcome]


def language(case: Case) -> str:
    """`mixed` and `traditional` where the case says so, else the customer's language."""
    return case.kind if case.kind in ("mixed", "traditional") else case.language


def verdict(outcome: Outcome) -> str:
    """One word on a case, for sorting and for the page."""
    if outcome.error:
        return "broken"
    if is_wrong(outcome):
        return "wrong"
    if outcome.stranded:
        return "stranded"
    if outcome.case.true == "human":
        return "right" if outcome.person_turn == 1 else "late"
    if not outcome.case.in_scope:
        return "handed over" if outcome.person else "right"
    if is_solved(outcome):
        return "right"
    return "handed over" if outcome.person else "unsolved"


#: The order in which cases are shown: the worst first.
WORST_FIRST = ("wrong", "broken", "stranded", "unsolved", "late", "handed over", "right")


def as_json(pairs: Sequence[Pair], source: str, temper: Temper) -> dict[str, Any]:
    """Everything about a run: figures, baselines, groups, confusion and each case in full."""
    outcomes = [outcome for _, outcome in pairs]
    cases = [outcome.case for outcome in outcomes]
    return {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cases_file": source,
        "customers": asdict(temper),
        "figures": {one.name: one.to_json() for one in figures(outcomes)},
        "baselines": {
            name: {one.name: one.to_json()["value"] for one in rows}
            for name, rows in baselines(cases).items()
        },
        "by_kind": by_group(outcomes, lambda case: case.kind),
        "by_language": by_group(outcomes, language),
        "by_category": by_group(outcomes, lambda case: case.true),
        "by_tick": by_group(outcomes, tick),
        "confusion": [
            {"true": true, "result": got, "cases": count}
            for (true, got), count in sorted(confusion(outcomes).items())
        ],
        "questions_histogram": dict(sorted(questions_histogram(outcomes).items())),
        "calibration": beliefs(pairs).to_json(),
        "cases": [
            {**record.to_json(), "verdict": verdict(outcome), "outcome": _plain(outcome)}
            for record, outcome in pairs
        ],
    }


def tick(case: Case) -> str:
    """Whether the ticked category was right."""
    if case.stated is None:
        return "nothing ticked"
    return "ticked right" if case.stated == case.true else "ticked wrong"


def _plain(outcome: Outcome) -> dict[str, Any]:
    row = asdict(outcome)
    del row["case"]
    return row


def as_html(pairs: Sequence[Pair], source: str, temper: Temper) -> str:
    """The page: figures, charts, and every case that went wrong, as it went and why."""
    outcomes = [outcome for _, outcome in pairs]
    rows = figures(outcomes)
    plain = baselines([outcome.case for outcome in outcomes])
    ordered = sorted(pairs, key=lambda pair: WORST_FIRST.index(verdict(pair[1])))
    shown_cases = [
        {"record": record, "outcome": outcome, "verdict": verdict(outcome)}
        for record, outcome in ordered
        if verdict(outcome) != "right" or outcome.questions or outcome.no_way_out
    ]
    groups: Mapping[str, Any] = {
        "kind of message": by_group(outcomes, lambda case: case.kind),
        "language": by_group(outcomes, language),
        "tick": by_group(outcomes, tick),
        "category": by_group(outcomes, lambda case: case.true),
    }
    charts = {"Questions per solved case": histogram(questions_histogram(outcomes), "questions")}
    believed = beliefs(pairs)
    if believed.made:
        bins = [(one.count, one.probability, one.right) for one in reliability(believed.made)]
        charts[f"Risk and coverage (mean risk {believed.area:.4f})"] = risk_coverage_chart(
            believed.curve
        )
        charts[f"Reliability (calibration error {believed.error:.3f})"] = reliability_chart(bins)
    environment = Environment(loader=PackageLoader("evaluation", "."), autoescape=True)
    environment.globals.update(
        shown=shown, aim=aim, counted=counted, interval=interval, standing=standing
    )
    return environment.get_template("report.html").render(
        source=source,
        made_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        temper=temper,
        total=len(outcomes),
        figures=rows,
        baselines=plain,
        groups=groups,
        charts=charts,
        believed=believed,
        believed_source=SOURCE,
        unknown=[record.reasons.unknown for record, _ in pairs if record.reasons.unknown],
        confusion=confusion_table(confusion(outcomes), NEEDS),
        cases=shown_cases,
    )
