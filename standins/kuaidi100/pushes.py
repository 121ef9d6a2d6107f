"""Callbacks to those who registered: signed, repeated until taken, lost or twisted on order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from standins.kuaidi100.signing import md5

#: fault -> what becomes of the push.
FAULTS = {
    "lose": "it is never sent",
    "duplicate": "it is sent twice",
    "delay": "it is sent so many seconds later",
    "reorder": "it is sent after the next one",
    "bad_sign": "its signature is wrong",
}
TRIES = 3


@dataclass
class Push:
    """One callback: what was sent where, and how each try went (HTTP status, or None)."""

    url: str
    param: str
    sign: str | None
    fault: str | None = None
    results: list[int | None] = field(default_factory=list)
    taken: bool = False


class Pushes:
    """Sends callbacks in the background.

    Args:
        repeat_s: pause before an untaken push is repeated (the platform: 30 minutes, twice).
    """

    def __init__(self, repeat_s: float = 1800.0) -> None:
        self.repeat_s = repeat_s
        self.log: list[Push] = []
        self._script: deque[tuple[str, float]] = deque()
        self._held: list[Push] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def script(self, fault: str, times: int = 1, seconds: float = 0.0) -> None:
        """Say what becomes of the next pushes.

        Raises:
            ValueError: there is no such fault.
        """
        if fault not in FAULTS:
            raise ValueError(f"expected one of {', '.join(FAULTS)}, got {fault!r}")
        self._script.extend([(fault, seconds)] * times)

    def clear(self) -> None:
        self._script.clear()

    def send(self, url: str, param: dict[str, Any], salt: str | None) -> Push:
        """Push `param` to `url`; the signature is left out when no salt was agreed on."""
        text = json.dumps(param, ensure_ascii=False)
        push = Push(url, text, None if salt is None else md5(text + salt))
        fault, seconds = self._script.popleft() if self._script else (None, 0.0)
        push.fault = fault
        self.log.append(push)
        if fault == "lose":
            return push
        if fault == "reorder":
            self._held.append(push)
            return push
        if fault == "bad_sign":
            push.sign = secrets.token_hex(16).upper()
        self._start(push, seconds if fault == "delay" else 0.0)
        if fault == "duplicate":
            self._start(push, 0.0)
        held, self._held = self._held, []
        for late in held:
            self._start(late, 0.2)
        return push

    async def settle(self) -> None:
        """Wait until nothing is under way; pushes waiting to be repeated count as such."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def _start(self, push: Push, wait_s: float) -> None:
        task = asyncio.create_task(self._deliver(push, wait_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, push: Push, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        for tries_left in reversed(range(TRIES)):
            if await self._post(push):
                push.taken = True
                return
            if tries_left:
                await asyncio.sleep(self.repeat_s)

    async def _post(self, push: Push) -> bool:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        form = {"param": push.param} | ({"sign": push.sign} if push.sign else {})
        try:
            async with self._session.post(push.url, data=form) as response:
                push.results.append(response.status)
                with contextlib.suppress(ValueError):
                    answer = json.loads(await response.text())
                    return isinstance(answer, dict) and str(answer.get("returnCode")) == "200"
        except (aiohttp.ClientError, TimeoutError):
            push.results.append(None)
        return False
