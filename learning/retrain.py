"""A new model is put to the test before it may be used, and left out again when it is worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.measure import Figure
from learning.best import Best
from learning.judge import compared, objections


@dataclass(frozen=True)
class Workshop:
    """How models are made and judged.

    current: the model of the training data as they are, made first when there is none.
    train: a model of the training data as they are now, in a file of its own; nothing is installed.
    install: make that file the model which the system uses.
    evaluate: the figures of a model.
    """

    current: Callable[[], Path]
    train: Callable[[], Path]
    install: Callable[[Path], None]
    evaluate: Callable[[Path], Sequence[Figure]]


def stored(folder: Path) -> dict[str, str]:
    """File name -> content of the learned training data."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.yml"))}


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Make the folder hold exactly these files; without any, there is no folder."""
    for path in folder.glob("*.yml"):
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != content:
            (folder / name).write_text(content, encoding="utf-8")
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def relearn(
    folder: Path,
    files: Mapping[str, str],
    workshop: Workshop,
    tolerance: Mapping[str, float],
    best: Best,
    say: Callable[[str], None],
) -> list[str]:
    """Train with `files` as the learned training data; keep the result only if it is good enough.

    Args:
        folder: data/nlu/learned.
        files: what it is to hold: name -> content.
        workshop: trains, installs and judges.
        tolerance: how much worse a figure may become (judge.py); empty: the new model is taken
            whatever it is, and the record of the best begins anew with it.
        best: the best figures so far; lifted when the new model is accepted.
        say: told what happens, line by line.

    Returns:
        Why the new model was refused; empty: it is installed. After a refusal, or any exception,
        the folder holds what it held before, and the model in use has not been touched.
    """
    before_files = stored(folder)
    say("the present model, on the test cases")
    before = workshop.evaluate(workshop.current())
    try:
        put(folder, files)
        say("training with the accepted messages")
        fresh = workshop.train()
        say("the new model, on the same cases")
        after = workshop.evaluate(fresh)
        say(compared(before, after))
        found = objections(before, after, tolerance, best.values)
        if not found:
            workshop.install(fresh)
    except BaseException:
        put(folder, before_files)
        raise
    if found:
        put(folder, before_files)
        fresh.unlink(missing_ok=True)
    elif tolerance:
        best.keep(before, after)
    else:
        best.start_anew(after)
    return found
