"""A circuit breaker: after several failures in a row nobody is kept waiting for a while. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Breaker:
    """Closed: calls pass. Open after `failures` failures in a row; one trial per `pause_s`."""

    failures: int = 3
    pause_s: float = 30.0
    _in_a_row: int = 0
    _closed_from: float = 0.0  #: the moment from which the next trial may pass

    def lets_through(self, now: float) -> bool:
        """Whether a call may be made at `now` (monotonic seconds).

        While open, only one call per pause is let through to try whether it works again.
        """
        if self._in_a_row < self.failures:
            return True
        if now < self._closed_from:
            return False
        self._closed_from = now + self.pause_s
        return True

    def succeeded(self) -> None:
        """A call worked: calls pass again."""
        self._in_a_row = 0

    def failed(self, now: float) -> None:
        """A call failed at `now`."""
        self._in_a_row += 1
        if self._in_a_row >= self.failures:
            self._closed_from = now + self.pause_s
