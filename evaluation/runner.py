"""Runs many customers at once and shows how it goes."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TextIO

import aiohttp

from evaluation.api import POLL_S, Desk
from evaluation.cases import Case
from evaluation.customer import Customer, Temper
from evaluation.figures import is_solved, is_wrong
from evaluation.reasons import read_reasons
from evaluation.record import Outcome, Record, judge
from evaluation.tokens import Merchant


class Progress:
    """One line that says how far the run is: rewritten on a terminal, every 10 s elsewhere."""

    def __init__(self, total: int, out: TextIO) -> None:
        self._total = total
        self._out = out
        self._began = self._printed = time.monotonic()
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        """Count one finished case."""
        self._outcomes.append(outcome)
        now = time.monotonic()
        finished = len(self._outcomes) == self._total
        if self._out.isatty():
            end = "\n" if finished else ""
            print(f"\r\033[K{self.line(now)}", end=end, file=self._out, flush=True)
        elif finished or now - self._printed >= 10:
            self._printed = now
            print(self.line(now), file=self._out, flush=True)

    def line(self, now: float) -> str:
        """Cases done, rate, time left, solved and wrong so far."""
        done = len(self._outcomes)
        rate = done / max(now - self._began, 0.001)
        left = (self._total - done) / rate if rate else 0.0
        needs_ticket = [one for one in self._outcomes if one.case.in_scope]
        of = len(needs_ticket) or 1
        solved = sum(map(is_solved, needs_ticket)) / of
        wrong = sum(map(is_wrong, needs_ticket)) / of
        broken = sum(bool(one.error) for one in self._outcomes)
        return (
            f"{done}/{self._total} cases, {rate:.2f}/s, {left:.0f} s left; "
            f"solved {solved:.1%}, wrong {wrong:.1%}" + (f", broken {broken}" if broken else "")
        )


async def run(
    cases: Sequence[Case],
    url: str,
    merchant: Merchant,
    temper: Temper,
    concurrency: int = 6,
    out: TextIO = sys.stderr,
) -> list[tuple[Record, Outcome]]:
    """Every case once, at most `concurrency` at a time; results in the order of the cases.

    The desk's reasons are read when the last customer has left.

    Raises:
        ApiError: the desk cannot be reached at the start.
    """
    progress = Progress(len(cases), out)
    gate = asyncio.Semaphore(concurrency)
    timeout = aiohttp.ClientTimeout(total=POLL_S + 25)
    # Two connections a customer: one waits for events while the other sends.
    connector = aiohttp.TCPConnector(limit=concurrency * 2 + 2)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        desk = Desk(http, url, merchant)
        labels = {language: await desk.labels(language) for language in ("zh", "en")}

        async def one(case: Case) -> tuple[Record, Outcome]:
            async with gate:
                record = await Customer(desk, case, labels[case.language], temper).live()
            outcome = judge(record)
            progress.add(outcome)
            return record, outcome

        pairs = list(await asyncio.gather(*map(one, cases)))
        told = await read_reasons(desk, [record.conversation for record, _ in pairs])
        for (record, _), reasons in zip(pairs, told, strict=True):
            record.reasons = reasons
        return pairs
