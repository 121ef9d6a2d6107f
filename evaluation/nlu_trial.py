"""One configuration of the bot's understanding put to the test: trained, timed, judged."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evaluation.cases import Case
from evaluation.figures import is_solved, is_wrong
from evaluation.measure import percentile
from evaluation.nlu_quality import Quality, quality
from evaluation.offline import replayed_with
from evaluation.rankings import ROOT, Ranking, rank_timed
from ops.environment import RASA


class CannotTrain(Exception):
    """Rasa refused a configuration; the text has its last lines."""


@dataclass(frozen=True)
class Cost:
    """What something took: seconds or milliseconds that passed, and the same of processor time."""

    passed: float
    cpu: float


@dataclass(frozen=True)
class Trial:
    """A configuration's figures.

    solved, wrong: shares, estimated (replay.py). p50, p95: milliseconds for one message. training:
    seconds, Rasa's start and the storing of the model included. megabytes: the model file.
    """

    name: str
    quality: Quality
    solved: float
    wrong: float
    p50: Cost
    p95: Cost
    training: Cost
    megabytes: float


def trial(config: Path, nlu: Path, cases: Sequence[Case], folder: Path) -> Trial:
    """Train `config` on the messages in `nlu` and judge the model by `cases`.

    Args:
        config: a Rasa configuration; only its pipeline counts.
        nlu: a folder of Rasa's NLU files.
        folder: for the model and the log; may be removed afterwards.

    Raises:
        CannotTrain: Rasa refused.
        CannotRank: the model cannot be asked.
        OSError, ValueError, SettingsError: a data file cannot be read.
    """
    model = folder / f"{config.stem}.tar.gz"
    training = train(config, nlu, model)
    timed = rank_timed(list(dict.fromkeys(case.message for case in cases)), model)
    rankings = {message: one.ranking for message, one in timed.items()}
    solved, wrong = estimated(cases, rankings)
    passed, cpu = [t.ms for t in timed.values()], [t.cpu_ms for t in timed.values()]
    return Trial(
        name=config.stem,
        quality=quality(cases, rankings),
        solved=solved,
        wrong=wrong,
        p50=Cost(percentile(passed, 50), percentile(cpu, 50)),
        p95=Cost(percentile(passed, 95), percentile(cpu, 95)),
        training=training,
        megabytes=model.stat().st_size / 1e6,
    )


def pipeline(config: Path) -> list[dict[str, Any]]:
    """The components of a Rasa configuration, with their settings.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no pipeline.
    """
    try:
        loaded = yaml.safe_load(config.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{config}: {error}") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("pipeline"), list):
        raise ValueError(f"{config} has no pipeline")
    found: list[dict[str, Any]] = loaded["pipeline"]
    return found


def train(config: Path, nlu: Path, model: Path) -> Cost:
    """`rasa train nlu` with the pipeline of `config` into the file `model`; its seconds.

    Everything but the pipeline is as in config.yml, and nothing is taken from earlier trainings.

    Raises:
        CannotTrain: as above.
    """
    used = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    whole = model.parent / f"{config.stem}.config.yml"
    whole.write_text(yaml.safe_dump({**used, "pipeline": pipeline(config)}), encoding="utf-8")
    command = [str(ROOT / ".venv-bot/bin/rasa"), "train", "nlu", "--config", str(whole)]
    command += ["--nlu", str(nlu), "--out", str(model.parent)]
    command += ["--fixed-model-name", model.name.removesuffix(".tar.gz")]
    # A cache of its own: Rasa would take parts from an earlier training, in no time at all.
    own = {"RASA_CACHE_DIRECTORY": str(model.parent / f"cache-{config.stem}")}
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    log = model.parent / f"{config.stem}.log"
    before, began = _cpu_of_children(), time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            command, cwd=ROOT, env=env | RASA | own, stdout=out, stderr=out, check=False
        )
    passed, used = time.monotonic() - began, _cpu_of_children() - before
    if done.returncode != 0 or not model.is_file():
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
        raise CannotTrain("\n".join([f"{config.name} cannot be trained:", *last]))
    return Cost(passed, used)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def estimated(cases: Sequence[Case], rankings: dict[str, Ranking]) -> tuple[float, float]:
    """The shares solved and wrong, of the cases that need a ticket, with data/review.yml.

    Raises:
        OSError, SettingsError: a data file cannot be read.
    """
    replayed = replayed_with([case for case in cases if case.in_scope], rankings)
    outcomes = [one.outcome for one in replayed]
    return (
        sum(map(is_solved, outcomes)) / len(outcomes),
        sum(map(is_wrong, outcomes)) / len(outcomes),
    )
