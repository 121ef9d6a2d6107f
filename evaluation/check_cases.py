"""`python -m evaluation.check_cases`: the case files are well formed and share nothing with others.

Compared: the bot's training messages (data/nlu), what the desk's classifier of a wish for a person
learns from besides (data/human_examples.yml), the files of evaluation/cases/, and the
file named by KEFU_SAMPLE when it is set. Exit code 1 when anything is found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from desk.store.nlu_examples import nlu_files, nlu_rows
from desk.store.person_examples import EXTRA, extra_examples
from evaluation.cases import NEEDS, read_cases
from evaluation.similar import Line, Pair, normalise, pairs

ROOT = Path(__file__).resolve().parent.parent
PERSON = "person examples"


def training_lines(folder: Path) -> Iterator[Line]:
    """Messages of Rasa's NLU files (`examples: |` lists) under a folder.

    Lines that begin with a slash are payloads of buttons, not messages.

    Raises:
        ValueError: a file is not of Rasa's form, or a line does not begin with `- `.
    """
    for path in nlu_files(folder):
        for row in nlu_rows(path):
            if not row.listed:
                raise ValueError(f"{path.name}: {row.intent}: no '- ' before {row.text!r}")
            if text := row.message:
                yield Line(f"training {row.intent}", str(path.relative_to(folder)), text)


def person_lines(path: Path) -> list[Line]:
    """The messages of data/human_examples.yml, at `path`; none when it is not there.

    Raises:
        ValueError: it is not of its form.
    """
    if not path.exists():
        return []
    return [Line(PERSON, path.name, one.text) for one in extra_examples(path)]


def case_lines(path: Path) -> list[Line]:
    """The messages of a case file.

    Raises:
        ValueError: the file is not in the case format.
    """
    return [Line(path.stem, f"{path.name} {case.id}", case.message) for case in read_cases(path)]


def matters(pair: Pair) -> bool:
    """Whether a pair must go.

    Within the training data, answers and small talk ("thank you" and "thank you so") may be close;
    only the very same message twice is wrong there. What stands in data/human_examples.yml must
    not be like a case; it may be like training messages, whose reading it corrects.
    """
    if PERSON in (pair.first.source, pair.second.source):
        other = pair.second if pair.first.source == PERSON else pair.first
        return not (other.source == PERSON or other.source.startswith("training"))
    needs = {f"training {need}" for need in NEEDS}
    both = {pair.first.source, pair.second.source}
    if all(source.startswith("training") for source in both) and not both <= needs:
        return normalise(pair.first.message) == normalise(pair.second.message)
    return True


def check(nlu: Path, case_files: list[Path], person: Path | None = None) -> list[str]:
    """Everything wrong with the sets, one sentence each; empty when all is well."""
    found: list[str] = []
    lines: list[Line] = []
    for path in case_files:
        try:
            lines += case_lines(path)
        except (OSError, ValueError) as error:
            found.append(str(error))
    try:
        lines += training_lines(nlu)
        lines += person_lines(person) if person else []
    except (OSError, ValueError) as error:
        found.append(str(error))
    for pair in filter(matters, pairs(lines)):
        found.append(
            f"{pair.first.place} and {pair.second.place} are too alike ({pair.overlap:.2f}): "
            f"{pair.first.message!r} / {pair.second.message!r}"
        )
    return found


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    files = sorted((ROOT / "evaluation" / "cases").glob("*.jsonl"))
    if sample := os.environ.get("KEFU_SAMPLE"):
        files.append(Path(sample))
    nlu = ROOT / "data" / "nlu"
    found = check(nlu, files, ROOT / EXTRA)
    for sentence in found:
        print(sentence)
    counts = ", ".join(f"{path.stem} {len(path.read_text('utf-8').splitlines())}" for path in files)
    trained = 0 if found else sum(1 for _ in training_lines(nlu))
    if not found:
        extra = len(person_lines(ROOT / EXTRA))
        print(
            f"cases are well formed and distinct: {counts}, training {trained}, "
            f"examples of a wish for a person {extra}"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
