"""`python -m evaluation CASES.jsonl`: simulated customers against a running desk.

Exit code 0 when every case was run to its end, 1 when a `--fail-under` gate is missed, 2 when the
run itself broke (no desk, no secret, a bad case file, a case that ended in an error).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from evaluation.api import ApiError
from evaluation.cases import read_cases
from evaluation.customer import Temper
from evaluation.figures import baselines, figures
from evaluation.measure import gates, missed
from evaluation.report import as_html, as_json
from evaluation.runner import run
from evaluation.table import baselines_table, figures_table
from evaluation.tokens import NoSecret, merchant_from_environment

COMPARED = ("solved", "wrong", "handed_over_unasked", "person_on_first_message", "needless_ticket")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation", description=__doc__)
    add = parser.add_argument
    add("cases", type=Path, help="case file, JSON lines")
    add("--report", type=Path, help="write everything as JSON here, and the page beside it")
    add("--html", type=Path, help="write the page here instead")
    add("--url", default="http://127.0.0.1:8000", help="address of the desk")
    add("--concurrency", type=int, default=6, help="customers at once")
    add("--slip", type=float, default=0.0, help="chance of tapping a wrong category, 0..1")
    add("--corrects", action="store_true", help="customers say so when their ticket is wrong")
    add("--seed", type=int, default=1, help="seed of the slips")
    add("--limit", type=int, help="only the first so many cases")
    add("--patience", type=float, default=6.0, help="wait before repeating oneself, seconds")
    reader = partial(gates, known={figure.name for figure in figures([])})
    add("--fail-under", type=reader, default={}, help="such as solved=0.9,wrong=0.02")
    options = parser.parse_args(argv)
    if options.report:
        options.html = options.html or options.report.with_suffix(".html")
        if options.html == options.report:
            parser.error(
                f"--report {options.report}: that name is for the page, the report is JSON"
            )
    return options


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print, write. Returns the exit code."""
    options = arguments(argv)
    temper = Temper(
        slip=options.slip,
        corrects=options.corrects,
        seed=options.seed,
        pause_s=options.patience,
    )
    try:
        cases = read_cases(options.cases)[: options.limit]
        merchant = merchant_from_environment()
        pairs = asyncio.run(run(cases, options.url, merchant, temper, options.concurrency))
    except (OSError, ValueError, NoSecret, ApiError) as error:
        print(f"the evaluation cannot run: {error}", file=sys.stderr)
        return 2
    outcomes = [outcome for _, outcome in pairs]
    results = figures(outcomes)
    print(figures_table(results))
    print()
    print(baselines_table(results, baselines(cases), COMPARED))
    source = options.cases.name
    if options.report:
        report = as_json(pairs, source, temper)
        _write(options.report, json.dumps(report, ensure_ascii=False, indent=1))
    if options.html:
        _write(options.html, as_html(pairs, source, temper))
        print(f"\nthe page: {options.html}")
    if broken := [one for one in outcomes if one.error]:
        print(f"{len(broken)} cases broke, first: {broken[0].error}", file=sys.stderr)
        return 2
    failures = missed(results, options.fail_under)
    for sentence in failures:
        print(sentence, file=sys.stderr)
    return 1 if failures else 0


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
