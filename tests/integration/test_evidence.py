"""What carriers tell, on a real PostgreSQL: what counts, what counts once, and what fails alone."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from desk.edges.outside import Outside
from desk.edges.worker import Worker
from desk.flow import callbacks, customer, tickets
from desk.flow.applying import apply_order
from desk.flow.effects import Applied
from desk.flow.orders import put_order
from desk.rules.refused import Refused
from desk.store import callbacks as callback_store
from desk.store import jobs, orders
from desk.store import tickets as ticket_store
from tests.integration.test_flow import begin, log_of, open_ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local(minutes: float) -> str:
    """A carrier's time so many minutes from now."""
    when = datetime.now(SHANGHAI) + timedelta(minutes=minutes)
    return when.strftime("%Y-%m-%d %H:%M:%S")


async def order_of(desk, conversation_id):
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation_id)
        return await orders.get(tx, held.order_id)


async def state_of(desk, ticket):
    async with desk.db.begin() as tx:
        return (await ticket_store.get(tx, ticket.id)).state


async def tell(desk, source: str, body: dict) -> Applied | None:
    """Keep a callback and apply it at once."""
    said = json.dumps(body)
    assert await callbacks.keep(desk, source, said)
    async with desk.db.begin() as tx:
        number = await tx.scalar(text("select max(id) from callbacks"))
    return await applied(desk, number)


async def applied(desk, number: int) -> Applied | None:
    """Apply what waits for a callback's order; what became of it. None: somebody else did."""
    async with desk.db.begin() as tx:
        query = text("select order_id, result from callbacks where id = :id")
        row = (await tx.execute(query, {"id": number})).one()
    if row.order_id is None:
        code = "no_such_order" if row.result == callback_store.UNMATCHED else "not_understood"
        return Applied(code, row.result)
    done = await apply_order(desk, row.order_id)
    return done[-1] if done else None


async def status(desk, waybill: str, code: int, **more) -> Applied:
    """An order callback; each is a new one, whatever it says."""
    detail = {"status": code, "nonce": uuid.uuid4().hex, **more}
    return await tell(desk, "kuaidi100.order", {"kuaidinum": waybill, "data": detail})


async def push(desk, waybill: str, *lines: tuple[str, str]) -> Applied:
    """A tracking push with (time, code) lines, oldest first."""
    data = [{"ftime": when, "statusCode": code} for when, code in reversed(lines)]
    return await tell(desk, "kuaidi100.track", {"lastResult": {"nu": waybill, "data": data}})


async def reopen(desk, who, ticket):
    again = await customer.reopen_ticket(desk, who, ticket.id)
    assert again.state == "open"


async def said_to(desk, conversation_id) -> list[str]:
    log = await log_of(desk, conversation_id)
    return [e["text"] for e in log if e["kind"] == "message" and e["author"] == "system"]


# --- repeated and old evidence --------------------------------------------------------------------


async def test_a_refund_repeated_in_later_callbacks_closes_a_ticket_once(desk):
    who, conversation = await begin(desk, "delivered")
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1", "charge_dispute")
    waybill = (await order_of(desk, conversation)).waybill
    fee = {"feeType": "FREIGHT", "amount": 12, "payStatus": 3}
    assert (await status(desk, waybill, 15, feeDetails=[fee])).code == "complete"
    await reopen(desk, who, ticket)
    assert (await status(desk, waybill, 15, feeDetails=[fee])).code == "nothing_new"
    assert await state_of(desk, ticket) == "open"
    assert (await status(desk, waybill, 15, feeDetails=[fee, fee])).code == "complete"


async def test_a_status_told_again_without_a_time_does_not_close_a_reopened_ticket(desk):
    who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    waybill = (await order_of(desk, conversation)).waybill
    assert (await status(desk, waybill, 10)).code == "complete"
    await reopen(desk, who, ticket)
    await status(desk, waybill, 10)
    assert await state_of(desk, ticket) == "open"
    await status(desk, waybill, 400)  # a pickup that was none is settled by movement
    assert await state_of(desk, ticket) == "completed"


async def test_one_pickup_told_by_two_sources_does_not_close_a_reopened_ticket(desk):
    who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    waybill = (await order_of(desk, conversation)).waybill
    picked_up = local(-1)
    assert (await status(desk, waybill, 10)).code == "complete"
    await reopen(desk, who, ticket)
    assert (await push(desk, waybill, (picked_up, "103"))).code == "facts"
    assert await state_of(desk, ticket) == "open"
    assert (await push(desk, waybill, (picked_up, "103"), (local(1), "1002"))).code == "complete"


async def test_a_late_status_without_time_does_not_rewind_the_order(desk):
    _who, conversation = await begin(desk)
    waybill = (await order_of(desk, conversation)).waybill
    await push(desk, waybill, (local(1), "103"), (local(2), "1002"))
    await status(desk, waybill, 10)
    assert (await order_of(desk, conversation)).state == "in_transit"


async def test_an_old_cancellation_does_not_complete_an_appeal(desk):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1", "cancel_appeal")
    waybill = (await order_of(desk, conversation)).waybill
    await push(desk, waybill, (local(-60), "210"), (local(-30), "102"))
    assert await state_of(desk, ticket) == "open"


async def test_a_cancellation_undone_in_the_same_push_does_not_complete_an_appeal(desk):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1", "cancel_appeal")
    waybill = (await order_of(desk, conversation)).waybill
    applied = await push(desk, waybill, (local(1), "210"), (local(2), "103"))
    assert applied.code == "escalate"
    assert await state_of(desk, ticket) == "open"
    assert (await push(desk, waybill, (local(3), "210"))).code == "complete"


async def test_a_push_with_many_lines_says_one_thing_and_nothing_old(desk):
    _who, conversation = await begin(desk, "collected")
    await open_ticket(desk, conversation, f"{conversation}:1", "transit_urge")
    waybill = (await order_of(desk, conversation)).waybill
    old = [(local(-100 + i), "1002") for i in range(15)]
    await push(desk, waybill, *old)
    assert await said_to(desk, conversation) == []
    await push(desk, waybill, *old, (local(1), "1002"), (local(2), "1001"))
    (said,) = await said_to(desk, conversation)
    assert desk.content.facts["parcel.arrived_destination"].label["zh"] in said


async def test_a_ticket_completed_by_hand_meanwhile_is_left_alone(desk):
    """The ruling is made on the ticket as it is under its lock."""
    from desk.rules.ticket import Complete

    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    waybill = (await order_of(desk, conversation)).waybill
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation)
        applying = asyncio.create_task(status(desk, waybill, 10))
        await asyncio.sleep(0.3)
        await tickets.complete(desk, tx, held, ticket.id, Complete("agent", "done"), "好了", "x")
    assert (await applying).code == "facts"
    async with desk.db.begin() as tx:
        assert (await ticket_store.get(tx, ticket.id)).completed_by == "agent"


async def test_a_ticket_whose_category_is_gone_is_left_alone(desk):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update tickets set category = 'gone' where id = :id"), {"id": ticket.id}
        )
    assert (await status(desk, (await order_of(desk, conversation)).waybill, 10)).code == "facts"
    assert await state_of(desk, ticket) == "open"


async def test_callbacks_and_tickets_of_one_order_at_once_never_fail(desk):
    who, conversation = await begin(desk)
    waybill = (await order_of(desk, conversation)).waybill

    async def put_again():
        order = await order_of(desk, conversation)
        values = {
            key: getattr(order, key)
            for key in ("customer_id", "carrier", "waybill", "carrier_order_id", "fees", "details")
        }
        await put_order(desk, order.id, {**values, "state": "accepted"})

    async def reopened(ticket):
        if await state_of(desk, ticket) == "completed":
            try:
                await customer.reopen_ticket(desk, who, ticket.id)
            except Refused as refused:  # another became the same need meanwhile: a right answer
                assert refused.code == "already_open"

    codes = (0, 1, 2, 10, 101, 400, 99, 166)
    for round_ in range(6):
        found = await asyncio.gather(
            *(status(desk, waybill, code) for code in codes),
            *(
                open_ticket(desk, conversation, f"{conversation}:{round_}:{category}", category)
                for category in ("pickup_urge", "cancel_appeal", "transit_urge", "false_pickup")
            ),
            put_again(),
        )
        await asyncio.gather(
            *(
                reopened(one[0])
                for one in found
                if isinstance(one, tuple) and hasattr(one[0], "id")
            ),
            status(desk, waybill, 10, updateTime=local(round_)),
            return_exceptions=False,
        )


# --- orders ---------------------------------------------------------------------------------------


def values_of(number: str, **more) -> dict:
    return {
        "customer_id": f"cust-{number}",
        "carrier": "yuantong",
        "waybill": None,
        "carrier_order_id": None,
        "state": "created",
        "fees": [],
        "details": {},
        **more,
    }


async def result_of(desk, part: str) -> str | None:
    """What became of the one callback whose text has that part."""
    async with desk.db.begin() as tx:
        query = text("select result from callbacks where body like :part")
        return (await tx.execute(query, {"part": f"%{part}%"})).scalar_one()


@pytest.mark.parametrize("known_as", ["waybill", "carrier_order_id", "id"])
async def test_a_callback_that_came_before_its_order_is_applied_when_the_order_comes(
    desk, known_as
):
    number = uuid.uuid4().hex[:10]
    detail = {"status": 10, "orderId": f"K{number}", "thirdOrderId": f"o-{number}"}
    body = {"kuaidinum": f"YT{number}", "data": detail}
    assert (await tell(desk, "kuaidi100.order", body)).code == "no_such_order"
    told = {"waybill": f"YT{number}"} if known_as == "waybill" else {}
    told |= {"carrier_order_id": f"K{number}"} if known_as == "carrier_order_id" else {}
    order_id = f"o-{number}" if known_as == "id" else f"x-{number}"
    await put_order(desk, order_id, values_of(number, **told))
    assert await result_of(desk, number) == "fact parcel.collected"
    async with desk.db.begin() as tx:
        assert (await orders.get(tx, order_id)).waybill == f"YT{number}"
        (fact,) = await orders.facts_of(tx, order_id)
    assert fact.fact == "parcel.collected"


async def test_a_waybill_learned_from_the_carrier_brings_the_pushes_kept_for_it(desk):
    number = uuid.uuid4().hex[:10]
    assert (await push(desk, f"YT{number}", (local(0), "103"))).code == "no_such_order"
    await put_order(desk, f"o-{number}", values_of(number))
    await status(desk, f"YT{number}", 1, thirdOrderId=f"o-{number}")
    assert await result_of(desk, f'"nu": "YT{number}"') == "fact parcel.collected"
    await put_order(desk, f"o-{number}", values_of(number))
    async with desk.db.begin() as tx:
        assert (await orders.get(tx, f"o-{number}")).waybill == f"YT{number}"


async def test_an_order_and_its_callback_coming_at_once_always_meet(desk):
    for _ in range(20):
        number = uuid.uuid4().hex[:10]
        said = json.dumps({"kuaidinum": f"YT{number}", "status": 10})
        await asyncio.gather(
            callbacks.keep(desk, "kuaidi100.order", said),
            put_order(desk, f"o-{number}", values_of(number, waybill=f"YT{number}")),
        )
        await apply_order(desk, f"o-{number}")
        assert await result_of(desk, number) == "fact parcel.collected"


async def test_telling_an_order_again_does_not_rewind_it(desk):
    number = uuid.uuid4().hex[:10]
    values = values_of(number, waybill=f"YT{number}", state="accepted")
    await put_order(desk, f"o-{number}", values)
    await status(desk, f"YT{number}", 10)
    again = await put_order(desk, f"o-{number}", {**values, "fees": [{"kind": "x"}]})
    assert (again.state, again.fees) == ("collected", [{"kind": "x"}])
    changed = await put_order(desk, f"o-{number}", {**values, "state": "cancelled"})
    assert changed.state == "cancelled"


# --- failures -------------------------------------------------------------------------------------


async def test_a_callback_with_nul_in_its_identifiers_is_kept_and_applied(desk):
    number = uuid.uuid4().hex[:10]
    assert (await status(desk, f"Y\0T\ud800{number}", 10)).code == "no_such_order"


def silent_outside() -> Outside:
    """A bot that never says anything."""

    class Silent:
        async def ask(self, request):
            return []

    return Outside(bot=Silent())


async def doing(
    desk, *, started_s_ago: float, heard_of_s_ago: float, name: str = "x", only: str | None = None
) -> int:
    """A job that is `doing` under a worker.

    Args:
        only: both of its locks, as periodic jobs have it.
    """
    async with desk.db.begin() as tx:
        runner = await tx.scalar(
            text(
                "insert into procrastinate_workers (last_heartbeat) "
                "values (now() - make_interval(secs => :s)) returning id"
            ),
            {"s": heard_of_s_ago},
        )
        job = await tx.scalar(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock) "
                "values ('q', :name, :lock, :only) returning id"
            ),
            {"name": name, "lock": only or uuid.uuid4().hex, "only": only},
        )
        await tx.execute(
            text("update procrastinate_jobs set status='doing', worker_id=:w where id=:j"),
            {"w": runner, "j": job},
        )
        await tx.execute(
            text(
                "update procrastinate_events set at = now() - make_interval(secs => :s) "
                "where job_id = :j and type = 'started'"
            ),
            {"s": started_s_ago, "j": job},
        )
        return job


@pytest.mark.parametrize(
    ("started_s_ago", "heard_of_s_ago", "lost"),
    [(70, 0, True), (50, 0, False), (1, 6, True), (1, 1, False)],
)
async def test_a_job_is_taken_over_from_a_dead_worker_and_when_its_end_was_lost(
    desk, started_s_ago, heard_of_s_ago, lost
):
    job = await doing(desk, started_s_ago=started_s_ago, heard_of_s_ago=heard_of_s_ago)

    async def take_over():
        async with desk.db.begin() as tx:
            await jobs.take_over(tx, 5, 60)

    await asyncio.gather(*(take_over() for _ in range(4)))
    async with desk.db.begin() as tx:
        rows = await tx.execute(
            text("select status::text, attempts from procrastinate_jobs where id = :id"),
            {"id": job},
        )
        assert tuple(rows.one()) == (("todo", 1) if lost else ("doing", 0))


async def test_a_lost_job_whose_next_one_waits_is_ended_and_holds_up_no_other(desk):
    lock, queue = f"check_news {uuid.uuid4().hex}", uuid.uuid4().hex
    lost = {"started_s_ago": 6, "heard_of_s_ago": 6}
    check_news = await doing(desk, **lost, name="check_news", only=lock)
    other = await doing(desk, **lost)
    async with desk.db.begin() as tx:
        following = await tx.scalar(
            text(
                "insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock) "
                "values (:queue, 'check_news', :lock, :lock) returning id"
            ),
            {"queue": queue, "lock": lock},
        )
    async with desk.db.begin() as tx:
        taken = await jobs.take_over(tx, 5, 60)
    assert {"check_news", "x"} <= set(taken)
    async with desk.db.begin() as tx:
        rows = await tx.execute(
            text("select id, status::text from procrastinate_jobs where id = any(:ids)"),
            {"ids": [check_news, other, following]},
        )
        assert {row.id: row.status for row in rows} == {other: "todo", following: "todo"}
        fetched = await tx.scalar(
            text("select (procrastinate_fetch_job_v2(array[:queue], null)).id"), {"queue": queue}
        )
    assert fetched == following, "the next one can run"
    async with desk.db.begin() as tx:  # nobody's worker: leave nothing that looks lost
        await tx.execute(
            text("delete from procrastinate_jobs where id = any(:ids)"),
            {"ids": [other, following]},
        )


async def test_of_two_lost_jobs_of_which_one_may_wait_one_is_put_back(desk):
    lock = uuid.uuid4().hex
    async with desk.db.begin() as tx:
        for _ in range(2):
            await tx.execute(
                text(
                    "insert into procrastinate_jobs "
                    "(queue_name, task_name, queueing_lock, status) "
                    "values ('q', 'close_tickets', :lock, 'doing')"
                ),
                {"lock": lock},
            )
    async with desk.db.begin() as tx:
        await jobs.take_over(tx, 5, 60)
        rows = await tx.scalars(
            text("select status::text from procrastinate_jobs where queueing_lock = :lock"),
            {"lock": lock},
        )
        assert list(rows) == ["todo"]


async def test_a_desk_is_ready_only_while_a_runner_gives_signs_of_life(desk):
    async with desk.db.begin() as tx:
        await tx.execute(text("delete from procrastinate_workers"))
    here = Worker(desk.jobs.app, desk, silent_outside(), 2)
    elsewhere = Worker(replace_app(desk), desk, silent_outside(), 2, run_jobs=False)
    assert (await here.is_ready(), await elsewhere.is_ready()) == (False, False)
    here.start()
    for _ in range(600):
        await asyncio.sleep(0.1)
        if await here.is_ready():
            break
    assert (await here.is_ready(), await elsewhere.is_ready()) == (True, True)
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update procrastinate_workers set last_heartbeat = now() - interval '1 h'")
        )
        assert not await jobs.runner_alive(tx, 10)
    await here.stop()
    assert not await here.is_ready()


def replace_app(desk):
    return jobs.make_app(desk.db.url)
