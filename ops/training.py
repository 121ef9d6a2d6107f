"""Training the bot when, and only when, something it depends on has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ops.child import ROOT, Child, Guard
from ops.environment import bot_environment
from ops.trouble import Trouble

#: The one model that the running system uses; `rasa train` by hand writes others beside it.
MODEL = ROOT / "models" / "kefu.tar.gz"
STAMP = MODEL.with_name(".trained")
#: Files and folders that the model is made from.
SOURCES = (
    "config.yml",
    "domain.yml",
    "data/nlu",
    "data/rules",
    "data/stories",
    "bot",
    "requirements/bot.txt",
)


def sources() -> Iterable[Path]:
    """Every file the model is made from, in a fixed order."""
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.is_file() and p.suffix != ".md")
            yield from sorted(p for p in inside if "__pycache__" not in p.parts)
        elif path.exists():
            yield path


def fingerprint() -> str:
    """A hash of names and contents of all sources."""
    digest = hashlib.sha256()
    for path in sources():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(ROOT)} {content}\n".encode())
    return digest.hexdigest()


def is_trained() -> bool:
    """Whether the model fits the sources as they are now."""
    return MODEL.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def train(logs: Path, guard: Guard, check: Callable[[], None]) -> None:
    """Train, and make the result the model that the running system uses.

    Args and errors: as `make`.
    """
    before = fingerprint()
    install(make(logs, guard, check), before)


def make(logs: Path, guard: Guard, check: Callable[[], None]) -> Path:
    """Train into a file of its own; all of Rasa's words go to `train.log` in `logs`.

    Args:
        check: called while waiting; an exception from it ends the training.

    Raises:
        Trouble: with the last useful lines and the log's path.
    """
    fresh = MODEL.parent / "new" / MODEL.name
    command = [str(ROOT / ".venv-bot/bin/rasa"), "train", "--out", str(fresh.parent)]
    command += ["--fixed-model-name", "kefu"]
    child = Child("train", command, bot_environment(), logs, guard)
    child.log.unlink(missing_ok=True)
    child.start()
    try:
        code = child.wait(check)
    except BaseException:
        child.kill()
        raise
    if code != 0:
        raise Trouble(f"training failed:\n{useful_lines(child)}\nAll of it: {child.log}")
    return fresh


def install(fresh: Path, made_from: str) -> None:
    """Use a model file from now on; `made_from` is the fingerprint of what it was trained on."""
    # In one step, because another system may be loading the model at this moment.
    fresh.replace(MODEL)
    STAMP.write_text(made_from)


def useful_lines(child: Child, count: int = 8) -> str:
    """The end of a log without the frames of a traceback."""
    lines = child.last_lines(200).splitlines()
    told = [line for line in lines if not line.startswith((" ", "Traceback", "---"))]
    return "\n".join(f"  {line}" for line in (told or lines)[-count:])
