"""Rasa's training and the offline estimate, as `learning.retrain` wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluation.measure import Figure
from evaluation.offline import estimate, estimated_figures
from learning.retrain import Workshop
from ops import training
from ops.child import ROOT, Guard
from ops.data_dir import one_at_a_time


@contextmanager
def workshop(cases: Path, say: Callable[[str], None]) -> Iterator[Workshop]:
    """The real one; while it lasts nobody else trains.

    Args:
        cases: what models are judged by.
        say: told when the present model has to be trained first.
    """
    logs = ROOT / "var/log"
    guard = Guard()
    made_from: dict[Path, str] = {}

    def nothing() -> None:
        """Nobody asks to stop but by Ctrl-C, which is an exception anyway."""

    def train() -> Path:
        before = training.fingerprint()
        fresh = training.make(logs, guard, nothing)
        made_from[fresh] = before
        return fresh

    def install(fresh: Path) -> None:
        training.install(fresh, made_from[fresh])

    def current() -> Path:
        if not training.is_trained():
            say("  it does not fit the data as they are: trained first, without what is new")
            install(train())
        return training.MODEL

    def evaluate(model: Path) -> list[Figure]:
        return estimated_figures(estimate(cases, model))

    try:
        with one_at_a_time(training.MODEL.parent / ".lock", nothing):
            yield Workshop(current, train, install, evaluate)
    finally:
        guard.close()
