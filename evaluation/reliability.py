"""`python -m evaluation.reliability CASES.jsonl`: how often the configured model's word is right.

Asks the model of KEFU_MODEL_* about the messages of a case file, as the review would (masked,
within its deadline, out of the day's budget), and prints the counts for data/review.yml under
`model: measured:`. It costs what these calls cost. Cases that the model's makers may have seen say
nothing about it, nor do those that its prompt was tuned on.

Exit code 0: measured. 2: it cannot be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actions.catalog import load_catalog
from actions.registry import make_witness
from actions.review.decision import opinion_matters
from actions.review.evidence import Evidence, Opinion, Silence
from actions.review.interval import wilson
from actions.review.settings import load_review_settings
from actions.review.witness import Witness
from actions.review.yaml_checks import SettingsError
from actions.settings import BadSetting, read_settings
from evaluation.cases import Case, read_cases
from evaluation.measure import percentile
from evaluation.rankings import MODEL, ROOT, CannotRank, Ranking, rank_kept


@dataclass
class Measured:
    """What a model said about cases whose answer is known.

    `named`: answers that name a category; `right`: those that name the need. Somebody who needs no
    ticket makes any category wrong. `silent`: why nothing was said -> how often.
    """

    named: int = 0
    right: int = 0
    undecided: int = 0
    silent: Counter[str] = field(default_factory=Counter)
    latencies_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    cost: float = 0.0

    def add(self, case: Case, heard: Opinion | Silence) -> None:
        """Count one answer."""
        if isinstance(heard, Silence):
            self.silent[heard.reason] += 1
            return
        if not heard.cached:
            self.latencies_ms.append(heard.latency_ms)
        self.tokens += heard.prompt_tokens + heard.completion_tokens
        self.cost += heard.cost or 0.0
        if heard.category is None:
            self.undecided += 1
            return
        self.named += 1
        self.right += heard.category == case.true

    def told(self, model: str) -> str:
        """The counts in words, and the lines for data/review.yml."""
        low, high = wilson(self.right, self.named)
        lines = [
            f"named a category {self.named} times, right {self.right} "
            f"({low:.1%} .. {high:.1%}, 95% interval)",
            f"could not decide {self.undecided} times",
            f"said nothing {self.silent.total()} times"
            + "".join(f"; {reason}: {n}" for reason, n in self.silent.most_common()),
            f"took {percentile(self.latencies_ms, 50):.0f} ms half the time, "
            f"{percentile(self.latencies_ms, 95):.0f} ms at most in 95%",
            f"{self.tokens} tokens" + (f", cost {self.cost:.4f}" if self.cost else ""),
        ]
        if self.named:
            name = json.dumps(model, ensure_ascii=False)
            counts = f"{{right: {self.right}, asked: {self.named}}}"
            lines += ["", "data/review.yml:", "model:", "  measured:", f"    {name}: {counts}"]
        return "\n".join(lines)


async def measure(witness: Witness, cases: Sequence[Case]) -> Measured:
    """Ask about every case, one after the other, as customers come."""
    measured = Measured()
    try:
        for case in cases:
            measured.add(case, await witness.opinion(case.message))
    finally:
        await witness.close()
    return measured


def where_asked(cases: Sequence[Case], rankings: Mapping[str, Ranking], model: str) -> list[Case]:
    """The cases in which the review would ask the model: the hard ones, where it matters."""
    categories = tuple(load_catalog(ROOT / "data" / "categories.yml"))
    settings = load_review_settings(ROOT / "data" / "review.yml", categories)
    return [
        case
        for case in cases
        if opinion_matters(
            Evidence(case.message, case.stated, rankings[case.message], case.order_status),
            settings,
            model,
        )
    ]


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.reliability", description=__doc__)
    add = parser.add_argument
    add("cases", type=Path, help="case file, JSON lines")
    add("--limit", type=int, help="only the first so many cases")
    where = "only where the review would ask it; keeps the trained bot's rankings here"
    add("--where-asked", type=Path, metavar="RANKINGS", help=where)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, count, print. Returns the exit code."""
    options = arguments(argv)
    try:
        settings = read_settings(os.environ)
        witness = make_witness(settings, load_catalog(ROOT / "data" / "categories.yml"))
        if not witness.model:
            raise BadSetting("KEFU_MODEL_NAME and KEFU_MODEL_BASE_URL name no model to measure")
        cases = read_cases(options.cases)
        if options.where_asked:
            messages = list(dict.fromkeys(case.message for case in cases))
            rankings = rank_kept(messages, MODEL, options.where_asked)
            cases = where_asked(cases, rankings, witness.model)
        measured = asyncio.run(measure(witness, cases[: options.limit]))
    except (OSError, ValueError, SettingsError, CannotRank) as error:
        print(f"the model cannot be measured: {error}", file=sys.stderr)
        return 2
    print(measured.told(witness.model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
