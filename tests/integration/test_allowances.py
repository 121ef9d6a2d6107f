"""Limits that all processes share, on a real PostgreSQL: never more calls than are allowed."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.edges.carrier_gate import Gate
from desk.rules.carrier_api import CarrierLimit, CarrierRefused, CarrierUnknown
from desk.store import allowances, carrier_calls
from desk.store.db import Database

BEGAN = datetime(2026, 11, 11, tzinfo=UTC)


@pytest.mark.parametrize("calls", [1, 2, 5, 90, 100])
def test_a_bucket_lets_no_more_than_the_limit_through_in_any_window(calls):
    burst, rate = allowances.bucket(calls, 5.0)
    assert burst + rate * 5.0 <= max(calls, 1) + 1e-9
    assert burst >= 1


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    calls=st.integers(1, 12),
    gaps=st.lists(st.sampled_from([0.0, 0.01, 0.1, 0.4, 1.0, 2.5, 6.0, -1.0]), max_size=60),
)
def test_whatever_the_times_no_window_of_5_s_has_more_calls_than_allowed(database_url, calls, gaps):
    async def taken_at() -> list[datetime]:
        db = Database(database_url)
        name, now, latest, taken = uuid.uuid4().hex, BEGAN, BEGAN, []
        burst, rate = allowances.bucket(calls, 5.0)
        try:
            async with db.begin() as tx:
                for gap in gaps:
                    now += timedelta(seconds=gap)  # a negative one: a clock that is set back
                    latest = max(latest, now)
                    if await allowances.take(tx, name, burst, rate, now):
                        taken.append(latest)
        finally:
            await db.close()
        return taken

    taken = asyncio.run(taken_at())
    assert taken or not gaps
    for first in taken:
        window = [at for at in taken if first <= at < first + timedelta(seconds=5)]
        assert len(window) <= max(calls, 1)


async def test_two_processes_at_once_share_one_bucket(desk, database_url):
    other = Database(database_url)
    name = uuid.uuid4().hex

    async def take(db: Database) -> bool:
        async with db.begin() as tx:
            return await allowances.take(tx, name, 5, 0.001)

    try:
        taken = await asyncio.gather(*(take(db) for db in (desk.db, other) for _ in range(12)))
    finally:
        await other.close()
    assert sum(taken) == 5


async def test_a_days_budget_begins_anew_the_next_day(desk):
    name, evening = uuid.uuid4().hex, datetime(2026, 11, 11, 23, 59, tzinfo=UTC)
    async with desk.db.begin() as tx:
        spent = [await allowances.spend(tx, name, 2, evening) for _ in range(3)]
        spent.append(await allowances.spend(tx, name, 2, evening + timedelta(minutes=2)))
        assert await allowances.spend(tx, name, 0, evening) is None
    assert spent == [1, 2, None, 1]
    assert allowances.next_day(evening) == datetime(2026, 11, 12, tzinfo=UTC)


async def test_of_many_that_want_to_ask_about_a_number_one_does(desk):
    number = uuid.uuid4().hex

    async def claim() -> bool:
        async with desk.db.begin() as tx:
            half_an_hour = timedelta(minutes=30)
            found = await carrier_calls.claim(tx, "k", "query", number, BEGAN, half_an_hour)
            return found is not None

    assert sum(await asyncio.gather(*(claim() for _ in range(10)))) == 1


# --- leaving a service alone ----------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def gates(desk, *, calls_per_day: int = 0) -> tuple[Gate, Gate, Clock]:
    """The gates of two processes on one account, and their clock."""
    clock, carrier = Clock(), uuid.uuid4().hex
    one, two = (Gate(desk.db, carrier, 100, calls_per_day, clock) for _ in range(2))
    return one, two, clock


async def test_a_service_that_fails_is_left_alone_by_all_and_tried_by_one(desk):
    one, two, clock = gates(desk)
    for _ in range(3):
        await one.leave("query", await one.enter("query"), CarrierUnknown("HTTP 500"))
    with pytest.raises(CarrierLimit) as limit:
        await two.enter("query")
    assert limit.value.retry_at == clock.now + timedelta(seconds=10)
    assert not await two.enter("subscribe"), "the other services go on"
    clock.now += timedelta(seconds=11)
    assert await two.enter("query") == 3, "one call tries it"
    with pytest.raises(CarrierLimit):
        await one.enter("query")
    await two.leave("query", 3)
    assert not await one.enter("query"), "and opens it for all"


async def test_calls_that_fail_together_count_once(desk):
    one, two, _clock = gates(desk)
    seen = [await gate.enter("query") for gate in (one, two, one, two, one)]
    for failures in seen:
        await one.leave("query", failures, CarrierUnknown("HTTP 500"))
    assert await two.enter("query") == 1


async def test_a_wrong_key_stops_all_calls_of_the_service(desk):
    one, two, clock = gates(desk)
    await one.leave("query", await one.enter("query"), CarrierRefused("600", "key"))
    with pytest.raises(CarrierLimit) as limit:
        await two.enter("query")
    assert limit.value.retry_at == clock.now + timedelta(minutes=15)


async def test_a_clear_no_to_one_request_stops_nothing(desk):
    one, two, _clock = gates(desk)
    for _ in range(10):
        await one.leave("query", await one.enter("query"), CarrierRefused("500", "no result"))
    assert not await two.enter("query")


async def test_the_days_budget_is_for_missing_news_alone(desk):
    one, two, clock = gates(desk, calls_per_day=3)
    for gate in (one, two, one):
        await gate.enter("query")
    with pytest.raises(CarrierLimit, match="budget") as limit:
        await two.enter("order")
    assert limit.value.retry_at == allowances.next_day(clock.now)
    assert not await two.enter("workorder")
