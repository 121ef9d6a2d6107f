"""`make learn`: learn from the desk's conversations.

Writes labelled messages for a designer to decide on (data/learned/candidates.yml) and how people
mistick (data/learned/mistick.yml). If messages were accepted since the last time, trains with them,
compares the new model on the test cases with the present one and with the best figures so far
(data/learned/best.json), and keeps it only if it is no worse (data/learning.yml).

Exit code 0; 1 when the new model was refused; 2 when something is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from actions.catalog import load_catalog
from actions.review.settings import load_review_settings
from actions.review.yaml_checks import SettingsError
from evaluation.measure import gates
from evaluation.rankings import CannotRank
from learning import decisions, nlu, rows
from learning.best import Best
from learning.candidates import candidates
from learning.decisions import BadDecision, Decision
from learning.history import History
from learning.judge import GATED, read_tolerance
from learning.retrain import relearn, stored
from ops.child import ROOT
from ops.desk_database import desk_database
from ops.learning_data import CASES, NLU, REVIEW, taken, write_mistick
from ops.learning_workshop import workshop
from ops.trouble import Trouble

CATALOG = ROOT / "data/categories.yml"
TOLERANCE = ROOT / "data/learning.yml"
CANDIDATES = ROOT / "data/learned/candidates.yml"
LEARNED = NLU / "learned"


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m ops learn", description=__doc__)
    add = parser.add_argument
    wider = "how much worse a figure may be, instead of data/learning.yml: solved=0.01,wrong=0.005"
    add("--cases", type=Path, default=CASES / "test.jsonl", help="cases both models are judged by")
    add("--tolerate", type=partial(gates, known=GATED), default={}, help=wider)
    add("--no-training", action="store_true", help="write the files and train nothing")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Do it all; returns the exit code."""
    options = arguments(argv)
    data_dir = Path(os.environ.get("KEFU_DATA_DIR") or ROOT / "var").resolve()
    try:
        with desk_database(data_dir, os.environ) as url:
            histories = rows.read(url) if url else []
        entries = export(histories)
        files = accepted(entries)
        if files == stored(LEARNED):
            print("nothing was accepted since the last time: the model stays as it is")
            return 0
        if options.no_training:
            print("messages were accepted: `make learn` trains with them")
            return 0
        return train(entries, files, options)
    except psycopg.Error as error:
        print(f"learn: the desk's database cannot be read: {error}", file=sys.stderr)
    except (Trouble, BadDecision, SettingsError, CannotRank, OSError, ValueError) as error:
        print(f"learn: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped; model and training data are as before", file=sys.stderr)
        return 130
    return 2


def export(histories: Sequence[History]) -> list[Decision]:
    """Write both files of data/learned and say what is new; returns the entries to decide on.

    Raises:
        BadDecision, SettingsError: a file of data/ is wrong.
    """
    catalog = load_catalog(CATALOG)
    categories = tuple(catalog)
    labels = (*categories, *load_review_settings(REVIEW, categories).outside)
    kept = decisions.read(CANDIDATES, labels)
    known = taken(one.text for one in kept)
    found = candidates(histories, catalog.labels(), categories)
    entries, new, alike = decisions.merge(kept, found, known.takes)
    if entries:
        decisions.write(CANDIDATES, entries)
    waiting = sum(one.accept is None for one in entries)
    print(f"{len(histories)} tickets, {len(found)} labelled messages: {new} new in {_short()}")
    print(f"  {alike} left out: too like a training message, a case, or one another")
    if waiting:
        print(f"  {waiting} wait for `accept: yes` or `accept: no`")
    write_mistick(histories, categories, print)
    return entries


def accepted(entries: Sequence[Decision]) -> dict[str, str]:
    """The learned training data: file name -> content, of what counts and is like nothing else."""
    known = taken()
    wanted = [one for one in entries if one.counts]
    good = [one for one in wanted if not known.takes(one.text)]
    if len(good) < len(wanted):
        print(f"  {len(wanted) - len(good)} accepted ones left out: as changed, they are too alike")
    return nlu.files((one.label, one.text) for one in good)


def train(entries: list[Decision], files: dict[str, str], options: argparse.Namespace) -> int:
    """Put a model with `files` to the test; 0: installed, 1: refused."""
    there = set("".join(stored(LEARNED).values()).splitlines())
    fresh = {e.entry for e in entries if e.counts and nlu.as_line(e.text) not in there}
    # What was only taken back stays out, whatever the figures say: it may be somebody's secret.
    tolerance = {**read_tolerance(TOLERANCE), **options.tolerate} if fresh else {}
    best = Best(CANDIDATES.with_name("best.json"), options.cases, print)
    with workshop(options.cases, print) as tools:
        found = relearn(LEARNED, files, tools, tolerance, best, print)
    if not found:
        print("the new model is in use from the next start of `make run`")
        return 0
    print("REFUSED: the new model is worse")
    for sentence in found:
        print(f"  {sentence}")
    today = datetime.now(UTC).date().isoformat()
    marked = decisions.refuse(entries, fresh, f"{today}: {'; '.join(found)}")
    decisions.write(CANDIDATES, marked)
    print("the model and the training data are as before:")
    print(
        f"  {len(fresh)} accepted messages are left out again, and marked `refused` in {_short()}"
    )
    return 1


def _short() -> str:
    return str(CANDIDATES.relative_to(ROOT))
