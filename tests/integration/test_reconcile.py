"""Lost callbacks: the carrier is asked, within its limits, and what it says moves the tickets."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text

from desk.edges.carrier_gate import Gate
from desk.edges.kuaidi100 import Account, Kuaidi100
from desk.flow import reconcile, subscribing
from desk.flow.applying import apply_order
from desk.flow.orders import put_order
from desk.flow.subscribing import Hook
from desk.store import carrier_calls, missing_news
from desk.store import tickets as ticket_store
from standins.kuaidi100 import signing
from standins.kuaidi100.control import move
from standins.kuaidi100.faults import Fault
from standins.kuaidi100.parcels import Line, local_time
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving
from standins.kuaidi100.tracking import push_track
from tests.integration.test_flow import begin, open_ticket

PAUSE = timedelta(minutes=30)
HOOK = Hook("http://desk.example/hooks/kuaidi100/track", "pepper")
QUERY, DETAIL, SUBSCRIBE = "/poll/query.do", "/order/borderapi.do", "/poll"


@pytest.fixture(name="platform")
def _platform() -> Platform:
    return Platform(signing.Account("key", "customer", "secret"))


@asynccontextmanager
async def client(
    desk: Any, address: str, *, calls: int = 100, calls_per_day: int = 0
) -> AsyncIterator[Kuaidi100]:
    """The client of one process."""
    gate = Gate(desk.db, "kuaidi100", calls, calls_per_day, lambda: desk.now())
    made = Kuaidi100(Account("key", "customer", "secret"), address, address, 10.0, gate)
    await made.open()
    yield made
    await made.close()


@pytest.fixture(name="api")
async def _api(desk: Any, platform: Platform) -> AsyncIterator[Kuaidi100]:
    """A client of the stand-in; nothing left of other tests is overdue or paused."""
    await clear(desk)
    async with serving(platform) as address, client(desk, address) as made:
        yield made
    await clear(desk)


async def clear(desk: Any) -> None:
    async with desk.db.begin() as tx:
        await tx.execute(text("update orders set told_at = now()"))
        await tx.execute(text("delete from carrier_calls"))
        await tx.execute(text("delete from allowances"))


async def silent(
    desk: Any, platform: Platform, *, category: str = "pickup_urge", task: str = "", hours: int = 5
) -> SimpleNamespace:
    """An order with a ticket and no news for hours; the platform knows its parcel."""
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1", category)
    async with desk.db.begin() as tx:
        row = await tx.execute(
            text(
                "update orders set told_at = now() - make_interval(hours => :hours), "
                "details = case when :task = '' then details "
                "else jsonb_build_object('task_id', cast(:task as text)) end "
                "where id = :id returning waybill"
            ),
            {"id": ticket.order_id, "hours": hours, "task": task},
        )
        waybill = row.scalar_one()
    parcel = platform.parcels.put(waybill, task_id=task)
    return SimpleNamespace(order=ticket.order_id, ticket=ticket.id, waybill=waybill, parcel=parcel)


async def ticket_of(desk: Any, one: SimpleNamespace) -> Any:
    async with desk.db.begin() as tx:
        return await ticket_store.get(tx, one.ticket)


async def call_of(desk: Any, kind: str, subject: str) -> Any:
    async with desk.db.begin() as tx:
        return await carrier_calls.get(tx, "kuaidi100", kind, subject)


async def later(desk: Any, by: timedelta) -> None:
    """Let time pass for what the carrier was asked, its pauses included."""
    async with desk.db.begin() as tx:
        values = {"by": by}
        await tx.execute(
            text("update carrier_calls set next_at = next_at - :by, called_at = called_at - :by"),
            values,
        )
        await tx.execute(
            text(
                "update tickets set checked_at = checked_at - :by, quiet_since = quiet_since - :by"
            ),
            values,
        )


# --- a lost callback ------------------------------------------------------------------------------


async def test_when_every_callback_is_lost_the_ticket_completes_all_the_same(desk, api, platform):
    one = await silent(desk, platform)
    move(platform, one.parcel, code="103", push=False)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    assert [done.code for done in await apply_order(desk, one.order)] == ["complete"]
    ticket = await ticket_of(desk, one)
    assert (ticket.state, ticket.completed_because) == ("completed", "parcel.collected")
    assert platform.violations == []


async def test_an_order_placed_through_the_platform_is_asked_about_by_its_task(desk, api, platform):
    one = await silent(desk, platform, task=f"T-{uuid.uuid4().hex}")
    move(platform, one.parcel, status=10, push=False)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    await apply_order(desk, one.order)
    assert (await ticket_of(desk, one)).state == "completed"
    assert (platform.calls[DETAIL], platform.calls[QUERY]) == (1, 0)


async def test_who_has_news_or_was_asked_about_a_while_ago_is_not_asked_about(desk, api, platform):
    told = await silent(desk, platform, hours=0)
    one = await silent(desk, platform)
    move(platform, one.parcel, code="102", push=False)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    assert dict(await reconcile.check(desk, api, PAUSE)) == {}
    assert (await ticket_of(desk, told)).checked_at is None
    assert (await ticket_of(desk, one)).checked_at is not None
    await apply_order(desk, one.order)
    await later(desk, timedelta(hours=2))
    assert dict(await reconcile.check(desk, api, PAUSE)) == {}, "what it said is the last news"


async def test_orders_nobody_can_be_asked_about_do_not_stand_in_the_way(
    desk, api, platform, monkeypatch
):
    monkeypatch.setattr(reconcile, "BATCH", 2)
    nameless = [await silent(desk, platform) for _ in range(5)]
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update orders set carrier = '圆通' where id = any(:ids)"),
            {"ids": [one.order for one in nameless]},
        )
    one = await silent(desk, platform)
    move(platform, one.parcel, code="103", push=False)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    assert (await ticket_of(desk, nameless[0])).checked_at is None


async def test_an_answer_that_says_nothing_new_is_not_kept_again(desk, api, platform):
    one = await silent(desk, platform)
    move(platform, one.parcel, code="102", push=False)
    platform.same_number_s = 0
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    await apply_order(desk, one.order)
    await later(desk, timedelta(hours=2))
    async with desk.db.begin() as tx:
        await tx.execute(
            text(
                "update facts set received_at = received_at - interval '2 hours' "
                "where order_id = :id"
            ),
            {"id": one.order},
        )
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"nothing_new": 1}
    async with desk.db.begin() as tx:
        kept = await tx.scalar(
            text("select count(*) from callbacks where body like :part"),
            {"part": f"%{one.waybill}%"},
        )
    assert kept == 1


async def test_a_record_that_does_not_exist_yet_is_asked_for_ever_more_rarely(desk, api, platform):
    one = await silent(desk, platform)
    platform.same_number_s = 0
    for tries in (1, 2, 3):
        assert dict(await reconcile.check(desk, api, PAUSE)) == {"refused": 1}
        call = await call_of(desk, "query", one.waybill)
        assert call.failures == tries
        await later(desk, PAUSE * 2**tries)
    assert not await any_paused(desk), "a clear no is no trouble of the service"


async def any_paused(desk: Any) -> bool:
    async with desk.db.begin() as tx:
        found = await tx.scalar(text("select count(*) from carrier_calls where subject = '*'"))
        return bool(found)


async def test_the_oldest_promise_comes_first_when_the_days_budget_is_short(desk, platform):
    now = desk.now()
    desk.now = lambda: now  # no new day begins, and no new budget, in between
    await clear(desk)
    many = [await silent(desk, platform, category=c) for c in ("loss_claim", "cancel_appeal")]
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update orders set told_at = now() - interval '2 days' where id = any(:ids)"),
            {"ids": [one.order for one in many]},
        )
    for one in many:
        move(platform, one.parcel, code="102", push=False)
    async with serving(platform) as address, client(desk, address, calls_per_day=1) as api:
        assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1, "limit": 1}
    assert (await ticket_of(desk, many[0])).checked_at is None
    assert (await ticket_of(desk, many[1])).checked_at is not None
    left = await call_of(desk, "query", many[0].waybill)
    assert left.next_at.astimezone(UTC).hour == 0, "and again when the next day begins"


# --- a carrier in trouble -------------------------------------------------------------------------


async def test_a_carrier_that_is_down_is_left_alone_and_nothing_is_lost(desk, platform):
    await clear(desk)
    many = [await silent(desk, platform) for _ in range(12)]
    for one in many:
        move(platform, one.parcel, code="103", push=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        async with client(desk, f"http://127.0.0.1:{free.getsockname()[1]}") as api:
            done = await reconcile.check(desk, api, PAUSE)
            assert done["news"] == 0
            assert done["limit"] >= 1, "it stopped by itself"
            for _ in range(3):
                assert dict(await reconcile.check(desk, api, PAUSE)).keys() <= {"limit"}
    for one in many:
        ticket = await ticket_of(desk, one)
        assert (ticket.state, ticket.checked_at) == ("open", None)
    await later(desk, timedelta(hours=1))
    async with serving(platform) as address, client(desk, address) as api:
        while (done := await reconcile.check(desk, api, PAUSE))["news"]:
            await later(desk, timedelta(seconds=30))
    for one in many:
        await apply_order(desk, one.order)
        assert (await ticket_of(desk, one)).state == "completed"
    assert platform.violations == []


@pytest.mark.parametrize(
    "kind", ["error", "close", "not_json", "wrong", "limit", "busy", "expired"]
)
async def test_a_carrier_that_only_fails_is_asked_a_few_times_and_no_more(
    desk, api, platform, kind
):
    many = [await silent(desk, platform) for _ in range(12)]
    platform.faults.add(QUERY, Fault(kind), None)
    for _ in range(6):
        await reconcile.check(desk, api, PAUSE)
    # three rounds of those under way at once show that it fails
    assert platform.calls[QUERY] <= 3 * reconcile.AT_ONCE
    platform.faults.clear()
    platform.same_number_s = 0
    for one in many:
        move(platform, one.parcel, code="103", push=False)
    await later(desk, timedelta(days=1))
    await reconcile.check(desk, api, PAUSE)
    await later(desk, timedelta(days=1))
    await reconcile.check(desk, api, PAUSE)
    for one in many:
        await apply_order(desk, one.order)
        assert (await ticket_of(desk, one)).state == "completed"


async def test_our_own_limit_is_waited_for_not_run_into(desk, platform):
    await clear(desk)
    many = [await silent(desk, platform) for _ in range(12)]
    for one in many:
        move(platform, one.parcel, code="103", push=False)
    platform.calls_per_5_s = 11  # of those sent in 5 s the first may have been long on the way
    async with serving(platform) as address, client(desk, address, calls=10) as api:
        assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 12}
    assert platform.violations == []


async def test_a_process_that_died_while_asking_leaves_the_number_for_half_an_hour(
    desk, api, platform
):
    one = await silent(desk, platform)
    move(platform, one.parcel, code="103", push=False)

    class Dying:
        async def query(self, shipment: object) -> object:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await reconcile.ask_about(desk, Dying(), await row_of(desk, one), PAUSE)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {}
    await later(desk, PAUSE)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}


async def row_of(desk: Any, one: SimpleNamespace) -> Any:
    async with desk.db.begin() as tx:
        found = await tx.execute(text("select * from orders where id = :id"), {"id": one.order})
        return found.one()


@pytest.mark.parametrize("how", ["checked", "set_all_aside"])
async def test_a_ticket_that_is_being_worked_on_is_left_out_and_waited_for_by_nobody(
    desk, platform, how
):
    one = await silent(desk, platform)
    async with desk.db.begin() as tx:
        other = await tx.scalar(
            text(
                "insert into tickets select (jsonb_populate_record(ticket, "
                "jsonb_build_object('id', cast(:id as text), 'category', 'fake_signed'))).* "
                "from tickets ticket where id = :one returning id"
            ),
            {"id": uuid.uuid4().hex[:12], "one": one.ticket},
        )
    now = datetime.now(UTC)
    async with desk.db.begin() as busy, desk.db.begin() as tx:
        await busy.execute(
            text("select from tickets where id = :id for update"), {"id": one.ticket}
        )
        await tx.execute(text("set local lock_timeout = '1s'"))
        if how == "checked":
            await missing_news.checked(tx, one.order, now)
        else:
            await missing_news.set_all_aside(tx, [one.order], now)
    async with desk.db.begin() as tx:
        rows = await tx.execute(
            text("select id, quiet_since = :now as noted from tickets where order_id = :order"),
            {"now": now, "order": one.order},
        )
        assert {row.id: row.noted for row in rows} == {one.ticket: False, other: True}


# --- several processes ----------------------------------------------------------------------------


async def test_two_processes_at_once_ask_about_no_number_twice(desk, platform):
    await clear(desk)
    many = [await silent(desk, platform) for _ in range(25)]
    for one in many:
        move(platform, one.parcel, code="103", push=False)
    async with (
        serving(platform) as address,
        client(desk, address) as first,
        client(desk, address) as second,
    ):
        one_done, two_done = await asyncio.gather(
            *(reconcile.check(desk, api, PAUSE) for api in (first, second))
        )
    assert one_done["news"] + two_done["news"] == 25
    assert platform.calls[QUERY] == 25
    assert platform.violations == []


async def test_two_orders_with_one_waybill_are_one_question(desk, api, platform):
    one, other = [await silent(desk, platform) for _ in range(2)]
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update orders set waybill = :waybill where id = :id"),
            {"waybill": one.waybill, "id": other.order},
        )
    move(platform, one.parcel, code="103", push=False)
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
    assert platform.calls[QUERY] == 1


# --- subscriptions --------------------------------------------------------------------------------


async def put(desk: Any, **more: Any) -> str:
    """An order as the merchant's system puts it; returns its waybill."""
    number = uuid.uuid4().hex[:10]
    values = {
        "customer_id": f"cust-{number}",
        "carrier": "yuantong",
        "waybill": f"YT{number}",
        "carrier_order_id": None,
        "state": "accepted",
        "fees": [],
        "details": {},
        **more,
    }
    await put_order(desk, f"o-{number}", values)
    return f"YT{number}"


async def test_an_order_is_subscribed_to_once(desk, api, platform):
    desk.subscribes = True
    waybill = await put(desk)
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"subscribed": 1}
    parcel = platform.parcels.get(waybill)
    assert (parcel.track_url, parcel.track_salt) == tuple(HOOK)
    number = waybill.removeprefix("YT")
    row = await row_of(desk, SimpleNamespace(order=f"o-{number}"))
    async with desk.db.begin() as tx:
        await subscribing.plan(desk, tx, row)
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {}


async def test_many_orders_are_subscribed_to_in_one_run(desk, platform, monkeypatch):
    await clear(desk)
    monkeypatch.setattr(subscribing, "BETWEEN_S", 0.0)
    desk.subscribes = True
    for _ in range(25):
        await put(desk)
    platform.calls_per_5_s = 60
    async with serving(platform) as address, client(desk, address, calls=60) as api:
        assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"subscribed": 25}
    assert platform.violations == []


async def test_a_run_subscribes_to_more_than_one_batch_and_keeps_its_pace(
    desk, api, platform, monkeypatch
):
    monkeypatch.setattr(subscribing, "BATCH", 10)
    monkeypatch.setattr(subscribing, "BETWEEN_S", 0.04)
    desk.subscribes = True
    for _ in range(25):
        await put(desk)
    began = time.monotonic()
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"subscribed": 25}
    assert time.monotonic() - began >= 24 * 0.04
    assert platform.violations == []


async def test_a_slow_platform_is_asked_about_several_waybills_at_once_and_never_for_a_whole_minute(
    desk, api, monkeypatch
):
    class Slow:
        under_way = most = 0

        async def subscribe(self, *_: Any) -> None:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(3600)

    slow = Slow()
    monkeypatch.setattr(subscribing, "BETWEEN_S", 0.0)
    monkeypatch.setattr(subscribing, "RUN_FOR_S", 3.0)
    monkeypatch.setattr(subscribing, "END_S", 3.5)
    desk.subscribes = True
    waybills = [await put(desk) for _ in range(6)]
    began = time.monotonic()
    assert dict(await subscribing.subscribe_due(desk, slow, HOOK)) == {"later": 4}
    assert time.monotonic() - began < 60
    assert slow.most == 4
    monkeypatch.setattr(subscribing, "RUN_FOR_S", 30.0)
    await later(desk, timedelta(hours=2))
    monkeypatch.setattr(subscribing, "END_S", 40.0)
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"subscribed": len(waybills)}


async def test_how_long_the_oldest_subscription_has_been_due_is_known(desk, api):
    desk.subscribes = True

    async def waiting_s() -> float:
        async with desk.db.begin() as tx:
            return await subscribing.waiting_s(desk, tx)

    assert await waiting_s() == 0
    await put(desk)
    await later(desk, timedelta(hours=2))
    await put(desk)
    assert 7200 <= await waiting_s() < 7300
    desk.subscribes = False
    assert await waiting_s() == 0, "nobody works it off, nobody is to be alarmed"
    desk.subscribes = True
    await subscribing.subscribe_due(desk, api, HOOK)
    assert await waiting_s() == 0


async def test_only_orders_that_bring_no_news_of_their_own_are_subscribed_to(desk, api, platform):
    await put(desk)
    desk.subscribes = True
    await put(desk, carrier_order_id=uuid.uuid4().hex)
    await put(desk, state="delivered")
    await put(desk, details={"task_id": "T1"})
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {}
    assert platform.calls[SUBSCRIBE] == 0


@pytest.mark.parametrize("kind", ["error", "close", "not_json", "limit", "expired"])
async def test_a_subscription_that_failed_is_tried_again(desk, api, platform, kind):
    desk.subscribes = True
    waybill = await put(desk)
    platform.faults.add(SUBSCRIBE, Fault(kind), None)
    for _ in range(3):
        await subscribing.subscribe_due(desk, api, HOOK)
    assert platform.calls[SUBSCRIBE] <= 2
    platform.faults.clear()
    await later(desk, timedelta(hours=2))
    assert (await subscribing.subscribe_due(desk, api, HOOK))["subscribed"] == 1
    assert platform.parcels.get(waybill).watched


async def test_a_number_the_platform_does_not_take_is_left_to_questions(desk, api, platform):
    desk.subscribes = True
    waybill = await put(desk)
    assert dict(await subscribing.subscribe_due(desk, api, Hook("not an address", "pepper"))) == {
        "refused": 1
    }
    await later(desk, timedelta(days=100))
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {}
    assert (await call_of(desk, "subscribe", waybill)).answer.startswith("given up: 700")


async def abort_push(platform: Platform, waybill: str, company: str = "") -> dict[str, Any]:
    """What the platform pushes when it gives up on a number."""
    parcel = platform.parcels.get(waybill)
    parcel.track_url = "http://127.0.0.1:9/nobody"
    push_track(platform, parcel, "abort", "3天查询无记录", company)
    return json.loads(platform.pushes.log[-1].param)


async def test_after_the_platform_gave_up_it_is_asked_anew_half_an_hour_later(desk, api, platform):
    desk.subscribes = True
    waybill = await put(desk)
    await subscribing.subscribe_due(desk, api, HOOK)
    await subscribing.told(desk, await abort_push(platform, waybill))
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {}
    await later(desk, PAUSE)
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"subscribed": 1}
    assert platform.parcels.get(waybill).watched


async def test_an_order_that_has_ended_is_not_subscribed_to_again(desk, api, platform):
    desk.subscribes = True
    waybill = await put(desk)
    await subscribing.subscribe_due(desk, api, HOOK)
    await subscribing.told(desk, await abort_push(platform, waybill))
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update orders set state = 'delivered' where waybill = :w"), {"w": waybill}
        )
    await later(desk, PAUSE)
    assert dict(await subscribing.subscribe_due(desk, api, HOOK)) == {"not_wanted": 1}


async def test_a_corrected_carrier_is_what_the_platform_is_asked_about(desk, api, platform):
    one = await silent(desk, platform)
    one.parcel.watched = True
    await subscribing.told(desk, await abort_push(platform, one.waybill, "jtexpress"))
    one.parcel.company = "jtexpress"
    one.parcel.lines.append(Line(local_time(datetime.now(UTC)), "103"))
    assert dict(await reconcile.check(desk, api, PAUSE)) == {"news": 1}
