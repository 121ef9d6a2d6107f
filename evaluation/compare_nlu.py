"""`make compare-nlu`: the configurations of the bot's understanding, side by side.

Trains each of them in .venv-bot on a copy of data/nlu, asks each model about every case, and prints
one table: accuracy, calibration, estimated outcome, latency, training time, size. With --write the
table goes into docs/nlu-comparison.md. Some minutes; DIET alone takes most of them.

Exit code 0, 2 when it cannot run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from actions.review.yaml_checks import Section, SettingsError, read_yaml_file
from evaluation.cases import read_cases
from evaluation.check_cases import training_lines
from evaluation.nlu_table import Choice, Setting, page, table, verdict, why_in_use
from evaluation.nlu_trial import CannotTrain, Trial, pipeline, trial
from evaluation.rankings import ROOT, CannotRank

CONFIGS = ROOT / "evaluation" / "nlu_configs"
#: Steps of config.yml that leave the ranking as it is: they are not compared.
AROUND = {
    "bot.nlu.clauses.PartSplitter",
    "bot.nlu.clauses.PartCollector",
    "bot.nlu.outside.OutsideLimit",
}
CHOICE = ROOT / "evaluation" / "nlu_choice.yml"
PAGE = ROOT / "docs" / "nlu-comparison.md"
#: From the plainest to the slowest; others follow by name.
ORDER = ("stock", "words", "clause", "mixture", "pinyin", "diet")


def all_configs(folder: Path = CONFIGS) -> list[Path]:
    """Every configuration, DIET last: it takes longer than the others together."""
    known = {name: place for place, name in enumerate(ORDER)}
    return sorted(folder.glob("*.yml"), key=lambda path: (known.get(path.stem, 99), path.stem))


def in_use(config: Path = ROOT / "config.yml", folder: Path = CONFIGS) -> str | None:
    """The name of the configuration whose pipeline is that of config.yml, without `AROUND`."""
    used = [step for step in pipeline(config) if step["name"] not in AROUND]
    return next((path.stem for path in all_configs(folder) if pipeline(path) == used), None)


def choice(used: str | None, path: Path = CHOICE) -> Choice:
    """What is in use, with the reason that the file at `path` states for it, if it does.

    Raises:
        OSError: the file cannot be read.
        SettingsError: it is not of its form; names the place.
    """
    stated = Section(read_yaml_file(path), path.name)
    name, because = stated.text("in_use"), stated.text("because")
    stated.nothing_else()
    return Choice(used, because if name == used else "")


def about(config: Path) -> str:
    """The comment on top of a configuration, in one line."""
    lines = config.read_text(encoding="utf-8").splitlines()
    head = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), None)]
    return " ".join(line.lstrip("# ") for line in head)


def compare(configs: Sequence[Path], cases_file: Path) -> tuple[list[Trial], Setting]:
    """Every configuration's figures, and what they were made from; says what it is doing.

    Raises:
        CannotTrain, CannotRank, OSError, ValueError, SettingsError: as `trial`.
    """
    cases = read_cases(cases_file)
    for config in configs:
        pipeline(config)  # a mistake in the last is said before the first is trained
    trials = []
    with tempfile.TemporaryDirectory(prefix="kefu-compare-nlu-") as name:
        # A copy, so that all learn from the same messages whatever is written meanwhile.
        nlu = Path(shutil.copytree(ROOT / "data" / "nlu", Path(name) / "nlu"))
        count = sum(1 for _ in training_lines(nlu))
        for number, config in enumerate(configs, 1):
            _say(f"{number} of {len(configs)}, {config.stem}: training on {count} messages")
            one = trial(config, nlu, cases, Path(name))
            _say(
                f"  {one.quality.accuracy:.1%} right, {one.p95.cpu:.1f} ms (p95), "
                f"trained in {one.training.passed:.0f} s"
            )
            trials.append(one)
    command = f'make compare-nlu ARGS="--cases {_short(cases_file)} --write"'
    if list(configs) != all_configs():
        command = command[:-1] + f' --configs {" ".join(map(_short, configs))}"'
    today = datetime.now(UTC).date().isoformat()
    in_scope = sum(case.in_scope for case in cases)
    return trials, Setting(today, count, _short(cases_file), in_scope, len(cases), command)


def _short(path: Path) -> str:
    full = path.resolve()
    return str(full.relative_to(ROOT)) if full.is_relative_to(ROOT) else path.name


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.compare_nlu", description=__doc__)
    dev = ROOT / "evaluation" / "cases" / "dev.jsonl"
    add = parser.add_argument
    add("--cases", type=Path, default=dev, help="case file (evaluation/cases/dev.jsonl)")
    add("--configs", type=Path, nargs="+", help="Rasa configurations (evaluation/nlu_configs/*)")
    add("--write", action="store_true", help="write docs/nlu-comparison.md")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Train, ask, print, write. Returns the exit code."""
    options = arguments(argv)
    configs = options.configs or all_configs()
    try:
        used = choice(in_use())
        trials, setting = compare(configs, options.cases)
        print(f"\n{table(trials)}\n\n{verdict(trials, used)}\n{why_in_use(trials, used)}")
        if options.write:
            text = page(trials, setting, {path.stem: about(path) for path in configs}, used)
            PAGE.write_text(text, encoding="utf-8")
            print(f"written: {_short(PAGE)}")
    except (OSError, ValueError, SettingsError, CannotTrain, CannotRank) as error:
        print(f"the comparison cannot be made: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
