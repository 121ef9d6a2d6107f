"""Is everything there? And how long to wait before a part that died is started again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener


def missing(desk_url: str) -> list[str]:
    """What the desk at `desk_url` still waits for by its `/readyz`; empty = ready."""
    opener = build_opener(ProxyHandler({}))  # a proxy has no part in talking to ourselves
    try:
        with opener.open(f"{desk_url}/readyz", timeout=5):
            return []
    except HTTPError as answer:
        with contextlib.suppress(ValueError):
            return missing_parts(json.loads(answer.read())) or ["desk"]
    except OSError:
        pass
    return ["desk"]


def missing_parts(told: Any) -> list[str]:
    """The parts that a `/readyz` answer calls false: `{"ready": false, "bot": false, ...}`."""
    if not isinstance(told, Mapping):
        return []
    return [str(name) for name, good in told.items() if not good and name != "ready"]


def ending(code: int | None) -> str:
    """An exit code in words."""
    return f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"


class Backoff:
    """The pause before each attempt to start a dead part again: 1, 2, 4, 8, 10, 10 ... s."""

    def __init__(self) -> None:
        self._tries: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def is_due(self, name: str, now: float) -> bool:
        """Whether the pause is over; the first question after a death begins it."""
        if name not in self._due:
            self._due[name] = now + self._pause(name)
        if now < self._due[name]:
            return False
        del self._due[name]
        self._tries[name] = self._tries.get(name, 0) + 1
        return True

    def forgive(self, name: str) -> None:
        """It has run well for a while: the next death counts as the first."""
        self._tries.pop(name, None)

    def _pause(self, name: str) -> float:
        return min(2.0 ** self._tries.get(name, 0), 10.0)
