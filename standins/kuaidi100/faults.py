"""Misbehaving on order: what the next calls of a path run into."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

#: kind -> what the caller meets.
KINDS = {
    "slow": "the answer comes after so many seconds, and is right",
    "hang": "the work is done; the connection is closed without an answer after so many seconds",
    "close": "the connection is closed at once, and nothing was done",
    "error": "HTTP 500, and nothing was done",
    "error_after": "the work is done, then HTTP 502",
    "busy": "a JSON answer with code 502: nothing was done",
    "limit": "a JSON answer with code 504: asked too often, nothing was done",
    "expired": "a JSON answer with code 601: the key has expired, nothing was done",
    "not_json": "HTTP 200 with a page of HTML",
    "wrong": "HTTP 200 with JSON that is no answer to the question",
    "huge": "HTTP 200 with ten megabytes",
}


@dataclass(frozen=True)
class Fault:
    """One misbehaviour, for one call."""

    kind: str
    seconds: float = 0.0


class Faults:
    """The script: for each path, what happens to its next calls, in order."""

    def __init__(self) -> None:
        self._next: dict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}

    def add(self, path: str, fault: Fault, times: int | None = 1) -> None:
        """Script a fault for the next `times` calls of `path`; None = until cleared.

        Raises:
            ValueError: there is no such fault.
        """
        if fault.kind not in KINDS:
            raise ValueError(f"expected one of {', '.join(KINDS)}, got {fault.kind!r}")
        if times is None:
            self._always[path] = fault
        else:
            self._next[path].extend([fault] * times)

    def take(self, path: str) -> Fault | None:
        """What happens to this call of `path`; None = all is well."""
        if self._next[path]:
            return self._next[path].popleft()
        return self._always.get(path)

    def clear(self) -> None:
        self._next.clear()
        self._always.clear()
