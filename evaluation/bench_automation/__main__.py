"""`python -m evaluation.bench_automation`: callbacks from acceptance to effect, in ratios.

Parts: accepting, completing, festival, soak. Exit code 1 when a goal is missed. What is compared
with what, and what two processors mean for it: evaluation/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from evaluation.bench_automation import accepting, completing, festival, soak
from evaluation.bench_automation.figures import Figure, table
from evaluation.bench_automation.world import World

PARTS = ("accepting", "completing", "festival", "soak")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("python -m evaluation.bench_automation", description=__doc__)
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these")
    add("--orders", type=int, default=1_000_000, help="orders in the full database")
    add("--tickets", type=int, default=100_000, help="of them with an open ticket")
    add("--callbacks", type=int, default=20_000, help="callbacks in a round of accepting")
    add("--rounds", type=int, default=3, help="rounds of accepting; the median counts")
    add("--seconds", type=float, default=30, help="length of completing")
    add("--scale", type=float, default=0.02, help="share of the festival's half hour")
    add("--turns", type=int, default=40, help="turns of the bot in quiet")
    add("--soak", type=int, default=2000, help="callbacks of the soak")
    add("--kills", type=int, default=50, help="kill -9 of a random part, so often")
    add("--soak-rate", type=float, default=20, help="callbacks a second in the soak")
    add("--seed", type=int, default=1, help="of the points where the soak kills")
    add("--no-warm-up", action="store_true", help="do not wait for desks to finish learning")
    add("--report", type=Path, help="write everything as JSON here")
    return parser.parse_args(argv)


async def run(options: argparse.Namespace) -> list[Figure]:
    """The figures of the chosen parts."""
    figures: list[Figure] = []
    if {"accepting", "completing"} & set(options.parts):
        figures += await _speed(options)
    if "festival" in options.parts:
        figures += await festival.measure(options.orders // 10, options.scale, options.turns)
    if "soak" in options.parts:
        count = options.soak
        async with World(2 * count, count // 2) as world:
            figures += await soak.measure(
                world, count, options.kills, options.soak_rate, options.seed
            )
    return [one for one in figures if one.part in options.parts]


async def _speed(options: argparse.Namespace) -> list[Figure]:
    """Accepting, then completing at half of that rate."""
    # as many tickets as the hot share of the callbacks needs: all else is the same
    tickets = min(options.tickets, 16 * max(20, options.callbacks // 40))
    small = (2 * tickets, tickets)
    async with World(options.orders, options.tickets) as full, World(*small) as empty:
        warm = not options.no_warm_up
        await asyncio.gather(full.begin_desk(warm=warm), empty.begin_desk(warm=warm))
        rates, sent = await accepting.measure(full, empty, options.callbacks, options.rounds)
        figures = accepting.figures(rates)
        if "completing" in options.parts:
            await full.worked_off(600)
            half = median(rates.full) / 2
            figures += await completing.measure(full, half, options.seconds, sent)
        return figures


def main(argv: Sequence[str] | None = None) -> int:
    """Run, print the table, write the report."""
    options = arguments(argv)
    figures = asyncio.run(run(options))
    machine = (
        f"{os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}"
    )
    print(f"{machine}\n{table(figures)}")
    if options.report:
        rows = [{**asdict(one), "met": one.met} for one in figures]
        chosen = {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}
        report = {"machine": machine, "options": chosen, "figures": rows}
        options.report.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return 0 if all(one.met for one in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
