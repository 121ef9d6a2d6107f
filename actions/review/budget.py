"""What the model may cost in a day. Kept in a small file, so that a restart spends nothing twice.

The days are those of UTC. Several action servers with one data directory share the file; those on
other machines have a budget each.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spent:
    """What one day has cost so far."""

    day: str  #: ISO date
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """Both kinds together."""
        return self.prompt_tokens + self.completion_tokens


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


@dataclass
class Budget:
    """Calls and tokens a day.

    Args:
        file: where the day's sum is kept; its folder need not exist yet.
        calls: most HTTP requests a day, retries included; 0 = no limit.
        tokens: no request once so many were used; 0 = no limit.
        today: the day as an ISO date.
    """

    file: Path
    calls: int = 0
    tokens: int = 0
    today: Callable[[], str] = _today

    def __post_init__(self) -> None:
        self._told = ""  # the day on which "spent" was logged

    def take(self) -> bool:
        """Count one request before it is made. False: the day's budget is spent, make none.

        A sum that cannot be kept is not exceeded: without the file nothing is allowed.
        """
        try:
            with self._locked():
                spent = self.spent()
                if self._is_spent(spent):
                    return False
                self._write(replace(spent, calls=spent.calls + 1))
        except OSError as error:
            logger.warning("model not asked: its budget cannot be kept (%s)", error.strerror)
            return False
        return True

    def used(self, prompt_tokens: int, completion_tokens: int, cost: float) -> None:
        """Add what an answer took. Never raises: the request itself was counted before."""
        try:
            with self._locked():
                spent = self.spent()
                self._write(
                    replace(
                        spent,
                        prompt_tokens=spent.prompt_tokens + max(0, prompt_tokens),
                        completion_tokens=spent.completion_tokens + max(0, completion_tokens),
                        cost=round(spent.cost + cost, 6),
                    )
                )
        except OSError as error:
            logger.warning("the model's tokens could not be noted (%s)", error.strerror)

    def spent(self) -> Spent:
        """Today's sum; a file of another day, or one that cannot be understood, counts nothing."""
        day = self.today()
        try:
            kept = Spent(**json.loads(self.file.read_text(encoding="utf-8")))
            sums = (kept.calls, kept.prompt_tokens, kept.completion_tokens, kept.cost)
            if not all(isinstance(n, int | float) and n >= 0 for n in sums):
                raise ValueError
        except FileNotFoundError:
            return Spent(day)
        except (ValueError, TypeError):
            logger.warning("%s cannot be understood: today's budget begins anew", self.file.name)
            return Spent(day)
        return kept if kept.day == day else Spent(day)

    def _is_spent(self, spent: Spent) -> bool:
        over = (self.calls and spent.calls >= self.calls) or (
            self.tokens and spent.tokens >= self.tokens
        )
        if over and self._told != spent.day:
            self._told = spent.day
            logger.warning(
                "the model's budget for %s is spent: %d calls, %d tokens",
                spent.day,
                spent.calls,
                spent.tokens,
            )
        return bool(over)

    def _write(self, spent: Spent) -> None:
        """Whole or not at all: a crash leaves the old file."""
        fresh = self.file.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps(asdict(spent)), encoding="utf-8")
        fresh.replace(self.file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time; the lock goes with the process that held it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
