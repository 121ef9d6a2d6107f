"""What the trained model makes of messages, asked for in the bot's own Python (3.10)."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "kefu.tar.gz"

#: (intent, probability), likeliest first, over all intents.
Ranking = tuple[tuple[str, float], ...]


#: One thread in every library that has its own: latency is asked for on one core.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}


class CannotRank(Exception):
    """The model could not be asked; the text says why."""


@dataclass(frozen=True)
class Timed:
    """One message understood alone: its ranking, milliseconds passed, milliseconds computed."""

    ranking: Ranking
    ms: float
    cpu_ms: float


def rank(messages: Sequence[str], model: Path = MODEL) -> dict[str, Ranking]:
    """Message -> ranking, by `model`; takes some seconds to load it.

    Raises:
        CannotRank: no bot environment, no such model, or Rasa broke.
    """
    rows = _asked(messages, model)
    return {message: _ranking(row) for message, row in zip(messages, rows, strict=True)}


def rank_timed(messages: Sequence[str], model: Path) -> dict[str, Timed]:
    """The same, one message at a time and on one thread, with the time each took.

    Raises:
        CannotRank: as above.
    """
    rows = _asked(messages, model, "--timed", **ONE_THREAD)
    return {
        message: Timed(_ranking(row), float(row["ms"]), float(row["cpu_ms"]))
        for message, row in zip(messages, rows, strict=True)
    }


def _ranking(row: Mapping[str, Any]) -> Ranking:
    return tuple((str(name), float(p)) for name, p in row["ranking"])


def _asked(
    messages: Sequence[str], model: Path, *flags: str, **environment: str
) -> list[dict[str, Any]]:
    python = ROOT / ".venv-bot" / "bin" / "python"
    if not python.exists():
        raise CannotRank("there is no .venv-bot: run `make setup`")
    lines = "".join(json.dumps({"text": m}, ensure_ascii=False) + "\n" for m in messages)
    command = [str(python), "-m", "bot.tools.rank", "--model", str(model.resolve()), *flags]
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command, input=lines, capture_output=True, cwd=ROOT, env=kept | environment, text=True
    )
    rows = done.stdout.splitlines()
    if done.returncode != 0 or len(rows) != len(messages):
        last = done.stderr.strip().splitlines()[-3:] or ["no answer"]
        hint = "if it is older than the code in bot/, `make train` makes a new one"
        raise CannotRank("\n".join([f"{model} cannot be asked ({hint}):", *last]))
    return [json.loads(row) for row in rows]


def rank_kept(messages: Sequence[str], model: Path, kept: Path) -> dict[str, Ranking]:
    """The same, from the file `kept` when the same model has ranked all these messages before.

    The file is JSON: {"model": SHA-256 of the model file, "rankings": {message: [[intent, p]]}}.

    Raises:
        CannotRank: as above.
        OSError: the file cannot be written.
    """
    if not model.is_file():
        raise CannotRank(f"no trained model {model}: run `make train`")
    made_by = hashlib.sha256(model.read_bytes()).hexdigest()
    known = _read(kept, made_by)
    if not set(messages) <= set(known):
        known |= rank(messages, model)
        kept.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"model": made_by, "rankings": known}, ensure_ascii=False)
        kept.write_text(text, encoding="utf-8")
    return known


def _read(kept: Path, made_by: str) -> dict[str, Ranking]:
    if not kept.exists():
        return {}
    try:
        stored: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        if stored["model"] != made_by:
            return {}
        return {
            str(message): tuple((str(name), float(p)) for name, p in ranking)
            for message, ranking in stored["rankings"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # some other file of the same name is simply made anew
