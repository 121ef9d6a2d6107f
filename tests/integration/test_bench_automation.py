"""The benchmark of callbacks, short: it runs, and what must hold at any speed holds.

Its goals for speed are `make bench-automation`'s business: a test must not fail because the machine
does something else.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from evaluation.bench_automation.__main__ import arguments, run
from evaluation.bench_automation.bodies import WAY, some
from evaluation.bench_automation.figures import Figure, table

pytestmark = pytest.mark.slow


async def figures_of(*options: str) -> dict[str, Figure]:
    found = await run(arguments(["--no-warm-up", *options]))
    print(table(found))
    return {one.name: one for one in found}


async def test_callbacks_are_accepted_over_http_and_complete_tickets_at_once():
    """Parts (a) and (b), small."""
    sizes = ("--orders", "3000", "--tickets", "640", "--callbacks", "300", "--rounds", "1")
    found = await figures_of("--parts", "accepting", "completing", "--seconds", "3", *sizes)
    assert found["desk / bare loop"].value > 0
    assert found["refused, or not answered in 30 s"].value == 0
    assert found["facts that complete a ticket"].value > 0
    assert found["not completed or without a message"].met


async def test_killed_at_random_points_each_callback_has_its_effect_exactly_once():
    """Part (d), small: desk, worker process and PostgreSQL, kill -9."""
    found = await figures_of("--parts", "soak", "--soak", "60", "--kills", "3", "--soak-rate", "20")
    assert found["callbacks accepted"].value == 60
    assert [one.name for one in found.values() if not one.met] == []


def test_each_callback_of_the_benchmark_is_another_one_and_orders_move_forward():
    made = some(500, list(range(20)), 0, "s", datetime.now(UTC), random.Random(1))
    assert len({one.param for one in made}) == 500
    reached: dict[int, int] = {}
    statuses = [status for status, _, _ in WAY]
    for one in made:
        if one.kind == "order":
            status = json.loads(one.param)["data"]["status"]
            assert statuses.index(status) >= reached.get(one.number, 0)
            reached[one.number] = statuses.index(status)


def test_a_missed_goal_is_said_on_its_side():
    figures = [Figure("p", "share", 0.5, "", 0.6, least=True), Figure("p", "lost", 0, "", 0)]
    assert [one.met for one in figures] == [False, True]
    assert ">= 0.60" in table(figures)
    assert "MISSED" in table(figures)
