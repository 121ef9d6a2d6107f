"""Callbacks accepted a second: the full desk, an almost empty one, and the bare loop, in turns."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from statistics import median
from typing import Any

from evaluation.bench_automation.figures import Figure
from evaluation.bench_automation.sending import Plan, Sending
from evaluation.bench_automation.world import SALT, World
from ops.child import ROOT

#: Bare loops at once, for the comparison that shares the disk's flushes.
AT_ONCE = 16


@dataclass
class Rates:
    """Callbacks a second, one value for each round, and what the desks refused in all of them."""

    sequential: list[float]
    concurrent: list[float]
    full: list[float]
    empty: list[float]
    refused: int = 0


async def measure(full: World, empty: World, count: int, rounds: int) -> tuple[Rates, int]:
    """Send `count` callbacks to each in turn, `rounds` times; both desks serve already.

    In turns, so that whatever else the machine does falls on all alike.

    Returns:
        The rates, and how many callbacks were sent to the full desk.
    """
    rates = Rates([], [], [], [])
    for turn in range(rounds):
        rates.sequential.append(await bare(full.url, max(count // 10, 200), 1))
        rates.concurrent.append(await bare(full.url, count, AT_ONCE))
        for desk, found in ((full, rates.full), (empty, rates.empty)):
            told = await _desk(desk, count, turn)
            found.append(float(told["rate"]))
            rates.refused += int(told["refused"])
    return rates, rounds * count


async def _desk(world: World, count: int, turn: int) -> dict[str, Any]:
    cold, hot = (world.tickets + 1, world.orders + 1), _share(world, turn)
    plan = Plan(world.port, SALT, count, cold, hot, first=turn * count, seed=turn)
    return await (await Sending.prepare(plan)).go()


def _share(world: World, turn: int) -> tuple[int, int]:
    """Each turn has tickets of its own; the upper half is for the other measurements."""
    each = world.tickets // 2 // 8
    return 1 + turn % 8 * each, 1 + (turn % 8 + 1) * each


async def bare(url: str, count: int, loops: int) -> float:
    """Callbacks a second of the bare loop (`bare.py`), in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "evaluation.bench_automation.bare",
        url,
        SALT,
        str(count),
        str(loops),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate()
    return float(json.loads(out))


def figures(rates: Rates) -> list[Figure]:
    """The table's lines."""
    full, empty = median(rates.full), median(rates.empty)
    sequential, concurrent = median(rates.sequential), median(rates.concurrent)
    part = "accepting"
    return [
        Figure(part, "bare loop, one connection", sequential, "/s"),
        Figure(part, f"bare loop, {AT_ONCE} connections at once", concurrent, "/s"),
        Figure(part, "desk over HTTP, full database", full, "/s"),
        Figure(part, "desk over HTTP, almost empty database", empty, "/s"),
        Figure(part, "desk / bare loop", full / sequential, "", 0.6, least=True),
        Figure(part, f"desk / {AT_ONCE} bare loops at once", full / concurrent, ""),
        Figure(part, "almost empty / full", empty / full, "", 1.25),
        Figure(part, "refused, or not answered in 30 s", rates.refused, "", 0),
    ]
