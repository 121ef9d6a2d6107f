"""Callbacks in numbers: stored together, applied once and in order, whoever does it."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from desk.edges import backlog as backlog_edge
from desk.edges.backlog import Backlog
from desk.flow import applying, backlog, bot, callbacks, customer, facts
from desk.flow import effects as effects_flow
from desk.flow.applying import apply_order
from desk.flow.orders import put_order
from desk.store import callbacks as callback_store
from desk.store import orders
from tests.integration.test_evidence import local, state_of, status, values_of
from tests.integration.test_flow import begin, open_ticket


@pytest.fixture(autouse=True)
async def _nothing_waits(desk):
    """What other tests have left waiting is not this one's."""
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update callbacks set applied_at = now(), result = 'x' where applied_at is null")
        )


async def new_order(desk, **more) -> str:
    """An order's number; its waybill is YT and that."""
    number = uuid.uuid4().hex[:10]
    values = values_of(number, waybill=f"YT{number}", **more)
    await put_order(desk, f"o-{number}", values)
    return number


def body(number: str, code: int, minute: float = 0) -> str:
    detail = {"status": code, "updateTime": local(minute), "nonce": uuid.uuid4().hex}
    return json.dumps({"kuaidinum": f"YT{number}", "data": detail})


async def keep(desk, *bodies: str) -> list:
    incoming = [callbacks.read("kuaidi100.order", one) for one in bodies]
    return await callbacks.keep_all(desk, incoming)


async def waiting(desk) -> int:
    async with desk.db.begin() as tx:
        return (await callback_store.backlog(tx))[0]


async def told(desk, number: str) -> list[str]:
    """The order's facts, as they arrived."""
    async with desk.db.begin() as tx:
        return [fact.fact for fact in await orders.facts_of(tx, f"o-{number}")]


async def result_of(desk, said: str) -> tuple[str | None, int]:
    async with desk.db.begin() as tx:
        query = text("select result, tries from callbacks where body = :body")
        return tuple((await tx.execute(query, {"body": said})).one())


def stand_still(desk) -> None:
    """The desk's clock stands, so that no wait ends while a slow machine works."""
    now = desk.now()
    desk.now = lambda: now


async def due_now(desk) -> None:
    """Let every callback that was put off be tried again."""
    async with desk.db.begin() as tx:
        await tx.execute(text("update callbacks set next_try_at = null"))


# --- kept -----------------------------------------------------------------------------------------


async def test_a_batch_keeps_each_callback_once_in_the_order_it_came(desk):
    number = await new_order(desk)
    first, second = body(number, 1), body(number, 10)
    assert await keep(desk, first, second, first) == [True, True, False]
    assert await keep(desk, second) == [False]
    async with desk.db.begin() as tx:
        rows = await callback_store.pending(tx, [f"o-{number}"], 10)
    assert [row.body for row in rows] == [first, second]
    assert rows[0].received_at < rows[1].received_at


async def test_work_is_deferred_at_once_only_for_an_order_with_a_ticket(desk):
    async def jobs() -> list[list[str]]:
        async with desk.db.begin() as tx:
            query = "select args->'order_ids' from procrastinate_jobs where task_name = :name"
            rows = await tx.execute(text(query), {"name": "apply_callbacks"})
            return [row[0] for row in rows]

    number = await new_order(desk)
    before = await jobs()
    await keep(desk, body(number, 10))
    assert await jobs() == before
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        waybill = (await orders.get(tx, ticket.order_id)).waybill
    await keep(desk, body(number, 1), body(waybill.removeprefix("YT"), 10))
    assert (await jobs())[len(before) :] == [[ticket.order_id]]


async def test_a_callback_that_the_database_refuses_does_not_harm_its_batch(desk, monkeypatch):
    number = await new_order(desk)
    real = callback_store.keep

    async def refuses(tx, incoming, *more):
        if any("poison" in one.body for one in incoming):
            await tx.execute(text("select 1 / 0"))
        return await real(tx, incoming, *more)

    monkeypatch.setattr(callbacks.callbacks, "keep", refuses)
    good, bad = body(number, 1), json.dumps({"kuaidinum": "poison", "status": 1})
    kept = await keep(desk, good, bad, body(number, 10))
    assert (kept[0], kept[2]) == (True, True)
    assert isinstance(kept[1], Exception)


async def test_a_database_that_is_away_is_no_fault_of_a_callback(desk, monkeypatch):
    async def away(*_):
        raise ConnectionError("gone")

    monkeypatch.setattr(callbacks.callbacks, "find", away)
    with pytest.raises(ConnectionError):
        await keep(desk, body("1", 1), body("2", 1))


# --- applied --------------------------------------------------------------------------------------


async def test_the_background_applies_what_waits_like_the_one_by_one_way(desk):
    ways = []
    for in_background in (True, False):
        number = await new_order(desk, state="accepted")
        await keep(desk, *(body(number, code, i) for i, code in enumerate((1, 2, 10, 10, 15, 101))))
        if in_background:
            while await backlog.work_off(desk):
                pass
        else:
            await apply_order(desk, f"o-{number}")
        async with desk.db.begin() as tx:
            query = text("select result from callbacks where order_id = :id order by id")
            results = [row.result for row in await tx.execute(query, {"id": f"o-{number}"})]
            state = (await orders.get(tx, f"o-{number}")).state
        ways.append((await told(desk, number), state, results))
    assert ways[0] == ways[1]
    assert ways[0][1] == "in_transit"


async def test_many_appliers_at_once_apply_each_callback_once_and_in_order(desk):
    numbers = [await new_order(desk) for _ in range(12)]
    said = [body(n, code, i) for i, code in enumerate((1, 2, 10, 101, 400, 13)) for n in numbers]
    await keep(desk, *said)

    async def some():
        while await backlog.work_off(desk):
            pass

    await asyncio.gather(
        some(), some(), some(), *(apply_order(desk, f"o-{n}") for n in numbers[:6])
    )
    assert await waiting(desk) == 0
    for number in numbers:
        assert await told(desk, number) == [
            "order.accepted",
            "pickup.scheduled",
            "parcel.collected",
            "parcel.underway",
            "parcel.out_for_delivery",
            "parcel.delivered",
        ]


@pytest.mark.parametrize("third", [True, False], ids=["told", "not told"])
async def test_a_carriers_number_that_is_another_orders_id_moves_only_its_own_order(desk, third):
    number = f"{uuid.uuid4().int}"[:12]
    named = None if third else number
    await put_order(desk, number, values_of(number, waybill=f"A{number}"))
    mine = values_of(number, waybill=None, carrier_order_id=named)
    await put_order(desk, f"o-{number}", mine)
    detail = {
        "status": "10",
        "orderId": number,
        **({"thirdOrderId": f"o-{number}"} if third else {}),
    }
    await keep(desk, json.dumps({"kuaidinum": f"YT{number}", "data": detail}))
    await apply_order(desk, f"o-{number}")
    await apply_order(desk, number)
    async with desk.db.begin() as tx:
        own, other = await orders.get(tx, f"o-{number}"), await orders.get(tx, number)
        assert (own.state, own.waybill) == ("collected", f"YT{number}")
        assert (other.state, await orders.facts_of(tx, number)) == ("created", [])


async def test_a_fact_about_an_order_by_our_number_moves_no_order_with_an_empty_number(desk):
    number, other = uuid.uuid4().hex[:10], uuid.uuid4().hex[:10]
    await put_order(desk, f"o-{other}", values_of(other, carrier_order_id=""))
    await put_order(desk, f"o-{number}", values_of(number, waybill=f"YT{number}"))
    said = {"order_id": f"o-{number}", "facts": [{"fact": "parcel.collected"}]}
    await callbacks.keep(desk, "facts", json.dumps(said))
    await apply_order(desk, f"o-{number}")
    await apply_order(desk, f"o-{other}")
    assert await told(desk, number) == ["parcel.collected"]
    assert await told(desk, other) == []


async def test_an_order_is_shown_with_what_waits_for_it_applied(desk):
    number = await new_order(desk)
    await keep(desk, body(number, 10))
    conversation, _ = await customer.open_conversation(
        desk, f"cust-{number}", f"o-{number}", "zh", None, None, "c1"
    )
    async with desk.db.begin() as tx:
        assert (await orders.get(tx, conversation.order_id)).state == "collected"
    await keep(desk, body(number, 101, 1))
    async with desk.db.begin() as tx:
        await applying.bring_up_to_date(desk, tx, conversation.id)
        assert (await orders.get(tx, conversation.order_id)).state == "in_transit"


async def test_a_callback_that_comes_while_a_ticket_is_opened_finds_the_ticket(desk):
    _who, conversation = await begin(desk)
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation)
        order = await orders.get(tx, held.order_id)
    async with desk.db.begin() as tx:
        await applying.settle_order_of(desk, tx, conversation)  # as whoever opens a ticket does
        await keep(desk, body(order.waybill.removeprefix("YT"), 10, 1))
        working = asyncio.create_task(backlog.work_off(desk))
        await asyncio.sleep(0.2)
        assert await told(desk, order.id.removeprefix("o-")) == []
    await working
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    assert await state_of(desk, ticket) == "open"


async def test_orders_that_share_a_waybill_are_all_told(desk):
    number = await new_order(desk)
    await put_order(desk, f"p-{number}", values_of(number, waybill=f"YT{number}"))
    await keep(desk, body(number, 10))
    while await backlog.work_off(desk):
        pass
    async with desk.db.begin() as tx:
        states = [(await orders.get(tx, f"{which}-{number}")).state for which in "op"]
    assert states == ["collected", "collected"]


# --- failures -------------------------------------------------------------------------------------


@pytest.fixture(name="poison")
def _poison(monkeypatch):
    """A callback with this courier cannot be applied."""
    real = facts.learn

    def learn(desk, order, known, callback, *more):
        if "poison" in callback.body:
            raise ZeroDivisionError
        return real(desk, order, known, callback, *more)

    monkeypatch.setattr(applying, "learn", learn)
    monkeypatch.setattr(backlog, "learn", learn)
    return "poison"


def poisoned(number: str, poison: str) -> str:
    detail = {"status": 2, "courierName": poison}
    return json.dumps({"kuaidinum": f"YT{number}", "data": detail})


async def test_a_bad_callback_holds_up_nobody_but_its_own_order_and_that_not_for_ever(desk, poison):
    good, bad = await new_order(desk), await new_order(desk)
    first = poisoned(bad, poison)
    await keep(desk, first, body(bad, 10), body(good, 10))
    await backlog.work_off(desk)
    assert await told(desk, good) == ["parcel.collected"]
    assert await told(desk, bad) == []  # what came after it waits for it
    assert await result_of(desk, first) == (None, 1)
    for _ in range(applying.TRIES):
        await due_now(desk)
        await backlog.work_off(desk)
    assert (await result_of(desk, first))[0] == "failed: ZeroDivisionError"
    assert await told(desk, bad) == ["parcel.collected"]


async def test_a_callback_put_off_is_left_alone_until_its_time(desk, poison):
    stand_still(desk)
    number = await new_order(desk)
    said = poisoned(number, poison)
    await keep(desk, said)
    for _ in range(3):
        await backlog.work_off(desk)
        await apply_order(desk, f"o-{number}")
    assert await result_of(desk, said) == (None, 1)


async def test_an_effect_that_fails_leaves_no_half_of_it(desk, monkeypatch):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        waybill = (await orders.get(tx, ticket.order_id)).waybill
    real, calls = effects_flow.effects, []

    async def fails_once(*arguments):
        calls.append(await real(*arguments))
        if len(calls) == 1:
            raise ZeroDivisionError

    monkeypatch.setattr(applying, "effects", fails_once)
    said = body(waybill.removeprefix("YT"), 10, 1)
    await keep(desk, said)
    assert await apply_order(desk, ticket.order_id) == []
    assert await state_of(desk, ticket) == "open"
    monkeypatch.setattr(applying, "effects", real)
    await due_now(desk)
    assert [done.code for done in await apply_order(desk, ticket.order_id)] == ["complete"]


async def test_codes_that_no_map_lists_are_counted(desk):
    number, code = await new_order(desk), 10**9 + uuid.uuid4().int % 10**9  # in no map
    await keep(desk, body(number, code))
    await apply_order(desk, f"o-{number}")
    assert (await status(desk, f"YT{number}", code)).code == "nothing_new"
    async with desk.db.begin() as tx:
        query = text("select source, times from unknown_codes where code = :code")
        assert tuple((await tx.execute(query, {"code": str(code)})).one()) == (
            "kuaidi100.order",
            2,
        )


@pytest.mark.parametrize("code", ["9\0", "\ud800", "长" * 3000, {"9": "\0"}])
@pytest.mark.parametrize("kind", ["track", "order"])
async def test_a_code_that_cannot_be_stored_as_it_is_stops_nobody(desk, kind, code):
    odd, plain = await new_order(desk), await new_order(desk)
    unlike = uuid.uuid4().hex  # no two bodies alike
    if kind == "track":
        last = {"nu": f"YT{odd}", "data": [{"ftime": local(0), "statusCode": code}]}
        said = json.dumps({"lastResult": last, "status": code, "nonce": unlike})
    else:
        said = json.dumps({"kuaidinum": f"YT{odd}", "data": {"status": code, "nonce": unlike}})
    assert await callbacks.keep(desk, f"kuaidi100.{kind}", said)
    await keep(desk, body(odd, 10), body(plain, 10))
    while await backlog.work_off(desk):
        pass
    assert (await result_of(desk, said))[0] == "no new fact"
    assert [await told(desk, n) for n in (odd, plain)] == [["parcel.collected"]] * 2
    await callbacks.keep(desk, f"kuaidi100.{kind}", said + " ")  # the same, for one order alone
    assert [done.code for done in await apply_order(desk, f"o-{odd}")] == ["nothing_new"]


async def test_codes_that_cannot_be_counted_keep_nothing_from_being_applied(desk, monkeypatch):
    async def refuses(tx, *_):
        await tx.execute(text("select 1 / 0"))

    monkeypatch.setattr(callback_store, "count_unknown", refuses)
    number = await new_order(desk)
    await keep(desk, body(number, 987654), body(number, 10))
    await apply_order(desk, f"o-{number}")
    assert await told(desk, number) == ["parcel.collected"]
    await keep(desk, body(number, 987654), body(number, 101, 1))
    await backlog.work_off(desk)
    assert await told(desk, number) == ["parcel.collected", "parcel.underway"]


async def test_many_orders_at_once_are_read_beside_what_the_shop_told_of_their_fees(
    desk, monkeypatch
):
    fees = [
        {"kind": "freight", "amount": 12.0, "paid": True},
        {"kind": "packing", "amount": 3.0, "paid": True},
    ]
    number = await new_order(desk, fees=fees)
    monkeypatch.setattr(applying, "learn", None)  # not one by one
    back = {"status": 15, "feeDetails": [{"feeType": "PACKING", "amount": 3, "payStatus": 3}]}
    await keep(desk, json.dumps({"kuaidinum": f"YT{number}", "data": back}))
    await backlog.work_off(desk)
    assert await told(desk, number) == ["fee.settled", "refund.partial"]


async def test_an_order_that_cannot_be_worked_on_holds_up_no_other(desk, monkeypatch):
    stand_still(desk)
    bad, good = await new_order(desk), await new_order(desk)
    for number in (bad, good):  # two of a waybill each: these are worked on one by one
        await put_order(desk, f"p-{number}", values_of(number, waybill=f"YT{number}"))
    real = orders.lock_group

    async def fails(tx, order_id, *more):
        if bad in order_id:
            raise ZeroDivisionError
        return await real(tx, order_id, *more)

    monkeypatch.setattr(orders, "lock_group", fails)
    await keep(desk, body(bad, 10), body(good, 10))
    assert await backlog.work_off(desk) == 1
    assert (await told(desk, bad), await told(desk, good)) == ([], ["parcel.collected"])
    assert await backlog.work_off(desk) == 0  # it is left alone for a while
    monkeypatch.setattr(orders, "lock_group", real)
    await due_now(desk)
    assert await backlog.work_off(desk) == 1


async def test_what_was_held_back_and_fails_holds_up_no_other(desk, monkeypatch):
    seen = []

    async def fails(_desk, order_id):
        seen.append(order_id)
        if order_id == "a":
            raise ZeroDivisionError
        return []

    monkeypatch.setattr(backlog_edge, "apply_order", fails)
    monkeypatch.setattr(backlog_edge, "CALM_S", 0)
    background = Backlog(desk)
    background.hold_back(["a", "b"])
    assert await background._let_go(time.monotonic()) == 0
    assert seen == ["a", "b"]


# --- at the same time -----------------------------------------------------------------------------


async def test_orders_shown_together_count_their_unknown_codes_in_one_order(desk):
    numbers = sorted([await new_order(desk), await new_order(desk)])
    mark = uuid.uuid4().int % 10**9
    codes = [f"z{mark}", f"a{mark}"]  # the first order's code comes last
    for number, code in zip(numbers, codes, strict=True):
        await keep(desk, body(number, code))
        await apply_order(desk, f"o-{number}")
        await keep(desk, body(number, code))
    holds = text("update unknown_codes set times = times where code = :code")
    async with desk.db.begin() as tx:  # another one, who counts both codes, `a...` first
        await tx.execute(holds, {"code": codes[1]})

        async def shown():
            async with desk.db.begin() as mine:
                assert await applying.up_to_date(desk, mine, [f"o-{n}" for n in numbers])

        showing = asyncio.create_task(shown())
        await asyncio.sleep(0.3)
        await asyncio.wait_for(tx.execute(holds, {"code": codes[0]}), 60)
    await showing
    async with desk.db.begin() as tx:
        query = text("select times from unknown_codes where code = any(:codes)")
        assert [row.times for row in await tx.execute(query, {"codes": codes})] == [2, 2]


@pytest.mark.parametrize("shared_before", [True, False])
async def test_orders_of_one_waybill_are_held_in_one_order_by_the_merchant_s_word_too(
    desk, shared_before
):
    number = await new_order(desk)
    first, second = f"o-{number}", f"p-{number}"
    shared = values_of(number, waybill=f"YT{number}")
    await put_order(desk, second, {**shared, "waybill": f"YT{number}" if shared_before else None})
    one = text("select id from orders where id = :id for no key update")
    async with desk.db.begin() as tx:  # another one, who locks the group, and has the first
        await tx.execute(one, {"id": first})
        putting = asyncio.create_task(put_order(desk, second, shared))
        await asyncio.sleep(0.3)
        await asyncio.wait_for(tx.execute(one, {"id": second}), 60)
    assert (await putting).waybill == f"YT{number}"


@pytest.mark.parametrize("minutes", [None, 5])
async def test_news_stored_while_a_ticket_is_opened_is_news_to_it(desk, minutes):
    when = "" if minutes is None else local(minutes)
    _who, conversation = await begin(desk)
    async with desk.db.begin() as tx:
        order_id = (await desk.must_lock(tx, conversation)).order_id
        waybill = (await orders.get(tx, order_id)).waybill
        owner = await desk.must_lock(tx, conversation)
    detail = {"status": 10, "updateTime": when, "nonce": uuid.uuid4().hex}
    one = callbacks.read("kuaidi100.order", json.dumps({"kuaidinum": waybill, "data": detail}))
    async with desk.db.begin() as tx:  # the carrier's news came first, but is not committed yet
        known = await callback_store.find(tx, [one])
        await callback_store.keep(tx, [one], known, desk.now())
        request = {
            "conversation_id": conversation,
            "epoch": owner.epoch,
            "category": "pickup_urge",
            "text": "还没来取",
            "idempotency_key": uuid.uuid4().hex,
        }
        opened = await asyncio.wait_for(bot.bot_opens_ticket(desk, request), 60)
    assert opened["outcome"] == "created"
    assert [done.code for done in await apply_order(desk, order_id)] == ["complete"]


async def test_an_order_with_a_ticket_is_left_to_its_job_for_a_while(desk):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        waybill = (await orders.get(tx, ticket.order_id)).waybill
    stand_still(desk)
    await keep(desk, body(waybill.removeprefix("YT"), 10, 1))
    assert await backlog.work_off(desk) == 0
    late = desk.now() + backlog.JOB_HAS + timedelta(seconds=1)
    desk.now = lambda: late
    assert await backlog.work_off(desk) == 1
    assert await state_of(desk, ticket) == "completed"


async def test_in_a_flood_news_of_tickets_is_held_back_and_applied_when_it_is_over(
    desk, monkeypatch
):
    number = await new_order(desk)
    order = f"o-{number}"
    conversation, _ = await customer.open_conversation(
        desk, f"cust-{number}", order, "zh", None, None, uuid.uuid4().hex
    )
    await open_ticket(desk, conversation.id, uuid.uuid4().hex)
    background = Backlog(desk)
    monkeypatch.setattr(backlog_edge, "CALM_S", 0.2)
    desk.floods, desk.hold_back = (lambda stored: True), background.hold_back
    others = [await new_order(desk) for _ in range(3)]
    flood = [body(number, 10), *(body(other, 1) for other in others)]
    async with desk.db.begin() as tx:
        jobs_before = (await tx.execute(_JOBS)).scalar_one()
    assert all(await keep(desk, *flood))
    async with desk.db.begin() as tx:
        assert (await tx.execute(_JOBS)).scalar_one() == jobs_before  # no job: it waits
    assert await told(desk, number) == []
    running = asyncio.gather(background.run(), background.release())
    try:
        for _ in range(400):
            await asyncio.sleep(0.05)
            if not await waiting(desk):
                break
    finally:
        running.cancel()
    assert await told(desk, number) == ["parcel.collected"]
    async with desk.db.begin() as tx:
        done = text("select state from tickets where order_id = :order")
        assert (await tx.execute(done, {"order": order})).scalar_one() == "completed"


async def test_what_was_held_back_by_a_process_that_died_is_applied_in_the_background(
    desk, monkeypatch
):
    number = await new_order(desk)
    conversation, _ = await customer.open_conversation(
        desk, f"cust-{number}", f"o-{number}", "zh", None, None, uuid.uuid4().hex
    )
    await open_ticket(desk, conversation.id, uuid.uuid4().hex)
    forgotten: list[str] = []
    # and nobody ever looks at it again
    desk.floods, desk.hold_back = (lambda stored: True), forgotten.extend
    others = [await new_order(desk) for _ in range(3)]
    await keep(desk, body(number, 10), *(body(other, 1) for other in others))
    assert forgotten == [f"o-{number}"]
    monkeypatch.setattr(backlog, "JOB_HAS", timedelta(0))
    while await backlog.work_off(desk):
        pass
    assert await told(desk, number) == ["parcel.collected"]


_JOBS = text("select count(*) from procrastinate_jobs where task_name = 'apply_callbacks'")
