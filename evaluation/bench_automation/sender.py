"""The carrier's platform as a process of its own: posts signed callbacks over kept connections.

    python -m evaluation.bench_automation.sender   < one line of JSON (`sending.Plan`)

Says `ready` when all callbacks are made, waits for a line, sends, and prints what came of it as
JSON. It is apart from the desk so that it does not share the desk's interpreter; it still shares
the machine's processors with the desk and PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from evaluation.bench_automation.bodies import PICKED_UP, Callback, callback, some
from evaluation.bench_automation.sending import Plan


def plan_callbacks(plan: Plan) -> list[Callback]:
    """Cold callbacks with the hot ones strewn among them; every hot order is picked up once."""
    rng = random.Random(plan.seed)
    now = datetime.now(UTC)
    cold = list(range(*plan.cold))
    hot = list(range(*plan.hot))
    rng.shuffle(hot)
    made = some(plan.count, cold, plan.first, plan.salt, now, rng)
    for place in range(plan.count):
        if hot and rng.random() < plan.hot_share:
            number = hot.pop()
            unique = plan.first + place
            made[place] = callback(number, PICKED_UP, unique, plan.salt, now)
    return made


class Connection(asyncio.Protocol):
    """One connection: a request at a time, the next when the answer is whole."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A TCP connection can be written to; uvloop's is no subclass that could be asked for.
        self.transport: asyncio.WriteTransport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = self.buffer[:head].lower().partition(b"content-length:")[2]
        size = head + 4 + int(length.split(b"\r\n", 1)[0] or 0)
        if len(self.buffer) >= size and self.answer and not self.answer.done():
            whole, self.buffer = self.buffer[:size], self.buffer[size:]
            self.answer.set_result(whole)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed"))

    async def ask(self, request: bytes) -> bytes:
        """Send a request; its whole answer. Raises ConnectionError when the line drops."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


class Sender:
    """Sends callbacks until each is answered 成功.

    Those of one order go over one connection, one after the other, so that their order is known.
    What is not answered rightly is repeated, as the platform does; sooner than after 30 minutes.

    Args:
        on_accepted: called with the number of callbacks accepted so far.
    """

    def __init__(
        self,
        plan: Plan,
        callbacks: list[Callback],
        on_accepted: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.plan, self._on_accepted = plan, on_accepted
        host = f"{plan.host}:{plan.port}"
        self._lines: list[list[tuple[int, Callback, bytes]]] = [[] for _ in range(plan.connections)]
        for place, one in enumerate(callbacks):
            line = self._lines[one.number % plan.connections]
            line.append((place, one, one.request(host)))
        self._hot = range(*plan.hot)
        self._accepted = 0
        self._hot_answered: list[tuple[int, float]] = []
        self._refused = 0
        self._ended = 0.0

    async def run(self) -> dict[str, Any]:
        """Send everything; returns what came of it."""
        began = time.time()
        await asyncio.gather(*(self._send(line, began) for line in self._lines))
        return {
            "accepted": self._accepted,
            "refused": self._refused,
            "rate": self._accepted / max(self._ended - began, 1e-9),
            "hot": self._hot_answered,
        }

    async def _send(self, work: list[tuple[int, Callback, bytes]], began: float) -> None:
        line: Connection | None = None
        for place, one, request in work:
            if self.plan.rate:
                await asyncio.sleep(max(0.0, began + place / self.plan.rate - time.time()))
            while True:
                try:
                    line = line or await self._connect()
                    answer = await asyncio.wait_for(line.ask(request), 30)
                except (OSError, TimeoutError):
                    answer, line = b"", None
                if b'"result":true' in answer.replace(b" ", b""):
                    break
                self._refused += 1
                await asyncio.sleep(0.2)
            self._ended = time.time()
            self._accepted += 1
            if one.number in self._hot:
                self._hot_answered.append((one.number, self._ended))
            self._on_accepted(self._accepted)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(Connection, self.plan.host, self.plan.port)
        return line


def main() -> None:
    plan = Plan(**json.loads(sys.stdin.readline()))
    sender = Sender(plan, plan_callbacks(plan))
    print("ready", flush=True)
    sys.stdin.readline()
    with contextlib.suppress(ImportError):
        import uvloop  # makes the sender cheap; where there is none, asyncio's own loop will do

        print(json.dumps(uvloop.run(sender.run())), flush=True)
        return
    print(json.dumps(asyncio.run(sender.run())), flush=True)


if __name__ == "__main__":
    main()
