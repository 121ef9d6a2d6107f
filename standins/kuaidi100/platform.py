"""What all of the stand-in's parts share: the account, the parcels, the script, the limits."""

from __future__ import annotations

import time
from collections import Counter, deque

from standins.kuaidi100.endpoint import Refusal
from standins.kuaidi100.faults import Faults
from standins.kuaidi100.parcels import Parcels
from standins.kuaidi100.pushes import Pushes
from standins.kuaidi100.signing import Account
from standins.kuaidi100.workorders import Workorders


class Platform:
    """One stand-in.

    Args:
        account: the only customer it knows.
        same_number_s: the same number may be queried once in so many seconds (the platform: 1800).
        calls_per_5_s: more calls in any 5 seconds are refused (the platform: 100).
        repeat_s: pause before an untaken callback is repeated.
    """

    def __init__(
        self,
        account: Account,
        same_number_s: float = 1800.0,
        calls_per_5_s: int = 100,
        repeat_s: float = 1800.0,
    ) -> None:
        self.account = account
        self.same_number_s = same_number_s
        self.calls_per_5_s = calls_per_5_s
        self.parcels = Parcels()
        self.faults = Faults()
        self.pushes = Pushes(repeat_s)
        self.workorders = Workorders()
        self.calls: Counter[str] = Counter()
        #: Broken limits and wrong signatures: a good client leaves this empty.
        self.violations: list[str] = []
        self._recent: deque[float] = deque()
        self._asked: dict[str, float] = {}

    def note_call(self, path: str) -> None:
        self.calls[path] += 1

    def check_rate(self) -> None:
        """Count a call against the limit of the account.

        Raises:
            Refusal: too many calls within 5 seconds.
        """
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 5.0:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > self.calls_per_5_s:
            self.violations.append(f"{len(self._recent)} calls in 5 s")
            raise Refusal("504", "访问过于频繁")

    def check_same_number(self, number: str) -> None:
        """Note that a number is asked about.

        Raises:
            Refusal: it was asked about a short while ago.
        """
        now = time.monotonic()
        last = self._asked.get(number)
        if last is not None and now - last < self.same_number_s:
            self.violations.append(f"{number} asked again after {now - last:.1f} s")
            raise Refusal("504", "同一单号查询过于频繁")
        self._asked[number] = now
