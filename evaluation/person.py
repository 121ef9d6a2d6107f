"""`python -m evaluation.person CASES...`: does the desk hear who asks for a person?

Reads messages as the desk does before the bot sees them (data/human.yml and the classifier),
without Rasa and without a running desk. A file is a case file (JSON lines) or a YAML file with
the lists `asks` and `does_not`.

python -m evaluation.person evaluation/cases/dev.jsonl     recall, false positives, each named
python -m evaluation.person tests/unit/desk/human_cases.yml --words-only
python -m evaluation.person --out-of-fold                  thresholds, on the training messages
python -m evaluation.person --say "有喘气的吗"              one message, and why

Exit code 0, 1 when a `--fail-under` gate is missed, 2 when it cannot run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from desk.rules.human_words import decide
from desk.store import content
from desk.store.person import PersonReader, Reading
from desk.store.person_examples import read_examples
from evaluation.cases import CATEGORIES, read_cases

ROOT = Path(__file__).resolve().parent.parent
THRESHOLDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Heard:
    """A message, who wrote it (`human`, a category, ...) and how the desk read it."""

    message: str
    true: str
    reading: Reading


def messages_of(path: Path) -> list[tuple[str, str]]:
    """The messages of a file with their needs; `does_not` for those of such a YAML list.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is neither kind of file.
    """
    if path.suffix not in (".yml", ".yaml"):
        return [(case.message, case.true) for case in read_cases(path)]
    told = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(told, dict) or not {"asks", "does_not"} & set(told):
        raise ValueError(f"{path}: expected the lists asks and does_not")
    asks = [(str(text), "human") for text in told.get("asks") or []]
    return asks + [(str(text), "does_not") for text in told.get("does_not") or []]


def hear(reader: PersonReader, messages: Iterable[tuple[str, str]]) -> list[Heard]:
    """Every message as the desk reads it."""
    return [Heard(message, true, reader.read(message)) for message, true in messages]


def rates(heard: Sequence[Heard]) -> dict[str, tuple[int, int]]:
    """`recall` and false positives by kind, each as (read as asking, of how many)."""
    groups = {
        "recall": [h for h in heard if h.true == "human"],
        "in scope": [h for h in heard if h.true in CATEGORIES],
        "small talk": [h for h in heard if h.true == "chitchat"],
        "out of scope": [h for h in heard if h.true == "out_of_scope"],
        "does not ask": [h for h in heard if h.true == "does_not"],
    }
    return {
        name: (sum(h.reading.asks for h in group), len(group))
        for name, group in groups.items()
        if group
    }


def report(name: str, heard: Sequence[Heard]) -> str:
    """The rates of a file and every message that was read wrongly."""
    lines = [name]
    for group, (asked, of) in rates(heard).items():
        what = "asked and was heard" if group == "recall" else f"{group}: heard asking, wrongly"
        lines.append(f"  {what:36} {asked:4} of {of:5}  {asked / of:7.2%}")
    for one in heard:
        if one.reading.asks != (one.true == "human"):
            kind = "missed" if one.true == "human" else f"wrongly ({one.true})"
            lines.append(f"  {kind}: {one.message}\n      {why(one.reading)}")
    return "\n".join(lines)


def why(reading: Reading) -> str:
    """The reason of a reading in one line."""
    if reading.words is not None:
        return (
            f"word list: {reading.words if len(reading.words) < 90 else reading.words[:90] + '…'}"
        )
    words = f"a hint, {reading.hint}" if reading.hint else "nothing"
    if reading.probability is None:
        return f"word list: {words}; no classifier"
    return f"word list: {words}; classifier: {reading.probability:.2f}"


def out_of_fold_table(reader: PersonReader, folder: Path) -> str:
    """Recall and false positives by threshold, of training messages the classifier had not seen."""
    from desk.store.person_classifier import out_of_fold

    examples = read_examples(folder)
    asks = [example.asks for example in examples]
    scores = out_of_fold([reader.words.rest(e.text) for e in examples], asks)
    words = [reader.words.found(e.text) is not None for e in examples]
    hints = [reader.words.hint(e.text) is not None for e in examples]
    scope = [e.need in CATEGORIES for e in examples]
    other = [not a and not s for a, s in zip(asks, scope, strict=True)]
    lines = ["threshold     recall   in scope, wrongly     others, wrongly"]
    for threshold in (*THRESHOLDS, 2.0):
        low = min(threshold, reader.words.hint_threshold)
        said = [
            w or decide(h, p, threshold, low) for w, h, p in zip(words, hints, scores, strict=True)
        ]
        cells = []
        for group in (asks, scope, other):
            asked = sum(a for a, g in zip(said, group, strict=True) if g)
            cells.append(f"{asked:4}/{sum(group):5} {asked / max(1, sum(group)):7.2%}")
        name = "words only" if threshold > 1 else f"{threshold:10.2f}"
        mark = " <- data/human.yml" if threshold == reader.words.threshold else ""
        lines.append(f"{name} {'  '.join(cells)}{mark}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse the command line, print the report; returns the exit code."""
    parser = argparse.ArgumentParser(
        "python -m evaluation.person",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, help="case files, or YAML lists")
    parser.add_argument("--words-only", action="store_true", help="without the classifier")
    parser.add_argument("--out-of-fold", action="store_true", help="the table of thresholds")
    parser.add_argument("--say", metavar="TEXT", help="read one message")
    parser.add_argument(
        "--fail-under", type=float, metavar="RECALL", help="a gate for each file, 0..1"
    )
    told = parser.parse_args(argv)
    if not (told.files or told.out_of_fold or told.say is not None):
        parser.error("a file, --say or --out-of-fold")
    missed = False
    try:
        reader = content.load(ROOT).human_words
        if not told.words_only and (told.files or told.say is not None) and not reader.train():
            raise ValueError("the classifier could not be trained; --words-only reads without it")
        if told.out_of_fold:
            print(out_of_fold_table(reader, ROOT))
        if told.say is not None:
            reading = reader.read(told.say)
            print("asks for a person" if reading.asks else "does not ask", "-", why(reading))
        for path in told.files:
            heard = hear(reader, messages_of(path))
            print(report(str(path), heard))
            asked, of = rates(heard).get("recall", (0, 0))
            missed |= bool(told.fail_under and of and asked / of < told.fail_under)
    except (OSError, ValueError) as error:
        print(f"evaluation.person: {error}", file=sys.stderr)
        return 2
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
