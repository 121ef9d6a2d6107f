"""Old callbacks lose their words, which name people; what they told stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from desk.flow import callbacks, forgetting
from desk.flow.applying import apply_order
from desk.flow.orders import put_order
from tests.integration.test_callbacks import body, keep, new_order, told, waiting
from tests.integration.test_evidence import values_of


@pytest.fixture(autouse=True)
async def _nothing_else(desk):
    """What other tests have left is not this one's."""
    desk.keeps_bodies = timedelta(days=90)
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update callbacks set body = '', applied_at = now(), result = 'x'"),
        )


async def grow_old(desk, days: float) -> None:
    async with desk.db.begin() as tx:
        await tx.execute(
            text(
                "update callbacks set received_at = now() - make_interval(days => :days)"
                " where body <> ''"
            ),
            {"days": days},
        )


async def left(desk) -> list[str]:
    async with desk.db.begin() as tx:
        rows = await tx.execute(text("select body from callbacks where body <> '' order by id"))
        return list(rows.scalars())


async def test_an_old_callback_is_emptied_and_its_repetition_still_known(desk):
    number = await new_order(desk)
    said = body(number, 10)
    assert await keep(desk, said) == [True]
    await apply_order(desk, f"o-{number}")
    facts = await told(desk, number)
    assert facts
    await grow_old(desk, 89)
    assert await forgetting.forget_bodies(desk) == 0
    assert await left(desk) == [said]
    await grow_old(desk, 91)
    assert await forgetting.forget_bodies(desk) == 1
    assert await left(desk) == []
    assert await keep(desk, said) == [False]
    assert await apply_order(desk, f"o-{number}") == []
    assert await told(desk, number) == facts


async def test_what_waits_to_be_applied_keeps_its_words_however_old_it_is(desk):
    number = await new_order(desk)
    said = body(number, 10)
    await keep(desk, said)
    await grow_old(desk, 400)
    assert await forgetting.forget_bodies(desk) == 0
    assert await left(desk) == [said]
    await apply_order(desk, f"o-{number}")
    assert await forgetting.forget_bodies(desk) == 1


async def test_an_emptied_one_is_not_applied_when_its_order_comes_at_last(desk):
    incoming = callbacks.read("kuaidi100.order", body("late0001", 10))
    await callbacks.keep_all(desk, [incoming])
    await grow_old(desk, 91)
    assert await forgetting.forget_bodies(desk) == 1
    await put_order(desk, "o-late0001", values_of("late0001", waybill="YTlate0001"))
    assert await waiting(desk) == 0
    assert await told(desk, "late0001") == []


async def test_they_may_be_kept_for_ever(desk):
    desk.keeps_bodies = None
    number = await new_order(desk)
    await keep(desk, body(number, 10))
    await apply_order(desk, f"o-{number}")
    await grow_old(desk, 4000)
    assert await forgetting.forget_bodies(desk) == 0
    assert len(await left(desk)) == 1


async def test_many_are_emptied_in_small_batches(desk, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    number = await new_order(desk)
    await keep(desk, *(body(number, 10, minute) for minute in range(5)))
    await apply_order(desk, f"o-{number}")
    await grow_old(desk, 91)
    assert await forgetting.forget_bodies(desk) == 5
    assert await left(desk) == []


async def test_a_run_ends_in_time_and_the_next_one_goes_on(desk, monkeypatch):
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    number = await new_order(desk)
    await keep(desk, *(body(number, 10, minute) for minute in range(5)))
    await apply_order(desk, f"o-{number}")
    await grow_old(desk, 91)
    with monkeypatch.context() as short:
        short.setattr(forgetting, "RUN_S", 1e-6)
        assert await forgetting.forget_bodies(desk) <= 2
    await forgetting.forget_bodies(desk)
    assert await left(desk) == []


async def test_the_old_ones_are_found_by_their_index(desk):
    async with desk.db.begin() as tx:
        await tx.execute(text("set local enable_seqscan = off"))
        plan = await tx.execute(
            text(
                "explain select id from callbacks where applied_at is not null and body <> ''"
                " and received_at < now() order by received_at limit 500"
            )
        )
        assert "callbacks_bodies" in "\n".join(plan.scalars())
