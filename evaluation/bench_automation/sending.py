"""Starting the sender and reading what it tells."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

from ops.child import ROOT


@dataclass(frozen=True)
class Plan:
    """What to send, and how."""

    port: int
    salt: str
    count: int
    #: Numbers of orders without, and with an open ticket: [first, end).
    cold: tuple[int, int]
    hot: tuple[int, int] = (0, 0)
    hot_share: float = 0.02
    #: First of the numbers that make each callback another one.
    first: int = 0
    connections: int = 64
    #: Callbacks a second; 0 = as fast as they are answered.
    rate: float = 0.0
    seed: int = 1
    host: str = "127.0.0.1"


class Sending:
    """A sender that is ready to go."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def prepare(cls, plan: Plan) -> Sending:
        """Start a sender; returns when it has made all callbacks."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "evaluation.bench_automation.sender",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            limit=2**28,
        )
        sending = cls(process)
        await sending._say(json.dumps(asdict(plan)))
        if await sending._hear() != "ready":
            raise RuntimeError("the sender did not start")
        return sending

    async def go(self) -> dict[str, Any]:
        """Send; returns what came of it (`Sender.run`) once all is sent."""
        await self._say("go")
        told: dict[str, Any] = json.loads(await self._hear())
        await self._process.wait()
        return told

    async def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def _hear(self) -> str:
        assert self._process.stdout
        return (await self._process.stdout.readline()).decode().strip()
