"""Questions, waits, reopenings by news and by people, on a real PostgreSQL and over HTTP."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from desk.flow import agent, applying, callbacks, customer, effects, handover, unknown_codes
from desk.flow.agent import Agent
from desk.flow.desk import utc_now
from desk.flow.explaining import explain_order
from desk.rules.refused import Refused
from desk.store import conversations
from desk.store import tickets as ticket_store
from tests.integration.test_evidence import (
    local,
    order_of,
    push,
    said_to,
    state_of,
    status,
)
from tests.integration.test_flow import begin, log_of, open_ticket

LIN = Agent("a_lin", "小林", "agent")


async def opened(desk, category: str = "pickup_urge", state: str = "accepted"):
    """(customer, conversation, ticket, waybill) of a fresh order."""
    who, conversation = await begin(desk, state)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:{category}", category)
    return who, conversation, ticket, (await order_of(desk, conversation)).waybill


async def now_is(desk, ticket):
    async with desk.db.begin() as tx:
        return await ticket_store.get(tx, ticket.id)


async def owner_of(desk, conversation) -> str:
    async with desk.db.begin() as tx:
        return (await conversations.get(tx, conversation)).owner


async def last_card(desk, conversation) -> dict:
    return [e["ticket"] for e in await log_of(desk, conversation) if e["kind"] == "ticket"][-1]


# --- the customer's word --------------------------------------------------------------------------


async def test_old_evidence_asks_and_a_yes_completes_with_the_customers_word(desk):
    who, conversation, ticket, waybill = await opened(desk)
    assert (await push(desk, waybill, (local(-30), "103"))).code == "ask"
    card = await last_card(desk, conversation)
    assert card["asked"] == {"fact": "parcel.collected", "text": "快递已揽收"}
    assert "快递已揽收" in (await said_to(desk, conversation))[-1]
    done = await customer.settle_ticket(desk, who, ticket.id, True)
    assert (done.state, done.completed_by, done.completed_because) == (
        "completed",
        "customer",
        "parcel.collected",
    )
    assert await customer.settle_ticket(desk, who, ticket.id, True) == done  # tapped twice
    assert (await last_card(desk, conversation))["asked"] is None


async def test_after_a_no_nothing_known_completes_and_newer_evidence_does(desk):
    who, conversation, ticket, waybill = await opened(desk)
    await push(desk, waybill, (local(-30), "103"))
    after = await customer.settle_ticket(desk, who, ticket.id, False)
    assert (after.state, after.asked_fact) == ("open", None)
    assert after.spoke_at > ticket.opened_at
    assert await owner_of(desk, conversation) == "bot"
    assert "继续跟进" in (await said_to(desk, conversation))[-1]
    assert (await push(desk, waybill, (local(-30), "103"), (local(1), "1002"))).code == "complete"


async def test_a_second_no_calls_a_person(desk):
    who, conversation, ticket, waybill = await opened(desk)
    await push(desk, waybill, (local(-30), "103"))
    await customer.settle_ticket(desk, who, ticket.id, False)
    await customer.settle_ticket(desk, who, ticket.id, False)  # tapped twice: no second answer
    assert await owner_of(desk, conversation) == "bot"
    assert (await push(desk, waybill, (local(-20), "1002"))).code == "ask"
    await customer.settle_ticket(desk, who, ticket.id, False)
    assert await owner_of(desk, conversation) == "queue"


async def test_a_no_calls_a_person_when_the_carrier_has_nothing_more_to_tell(desk):
    who, conversation, ticket, waybill = await opened(desk)
    assert (await status(desk, waybill, 99)).code == "ask"
    await customer.settle_ticket(desk, who, ticket.id, False)
    assert await owner_of(desk, conversation) == "queue"
    async with desk.db.begin() as tx:
        summary = (await conversations.get(tx, conversation)).handover_summary
    assert "订单已被快递公司取消" in summary


@pytest.mark.parametrize("owner", ["bot", "queue", "agent"])
async def test_the_customers_word_counts_whoever_has_the_conversation(desk, owner):
    who, conversation, ticket, _ = await opened(desk)
    async with desk.db.begin() as tx:
        if owner != "bot":
            held = await desk.must_lock(tx, conversation)
            await handover.hand_over(desk, tx, held, "asked")
    if owner == "agent":
        await agent.claim(desk, LIN, conversation)
    await customer.settle_ticket(desk, who, ticket.id, False)
    assert (await customer.settle_ticket(desk, who, ticket.id, True)).state == "completed"
    assert await owner_of(desk, conversation) == owner


async def test_a_no_to_a_completed_ticket_reopens_it_and_a_closed_one_is_final(desk):
    who, _conversation, ticket, waybill = await opened(desk, "delivery_urge", "in_transit")
    await status(desk, waybill, 13)
    assert (await customer.settle_ticket(desk, who, ticket.id, False)).state == "open"
    await customer.settle_ticket(desk, who, ticket.id, True)
    async with desk.db.begin() as tx:
        await tx.execute(
            text("update tickets set state = 'closed' where id = :id"), {"id": ticket.id}
        )
    for yes in (True, False):
        with pytest.raises(Refused) as refused:
            await customer.settle_ticket(desk, who, ticket.id, yes)
        assert refused.value.code == "ticket_state"


async def test_nobody_settles_somebody_elses_ticket(desk):
    _who, _conversation, ticket, _ = await opened(desk)
    stranger, _ = await begin(desk)
    with pytest.raises(Refused) as refused:
        await customer.settle_ticket(desk, stranger, ticket.id, True)
    assert refused.value.code == "not_found"


# --- reopened -------------------------------------------------------------------------------------


async def test_a_pickup_that_was_none_becomes_a_false_record(desk):
    who, conversation, ticket, waybill = await opened(desk)
    assert (await status(desk, waybill, 10)).code == "complete"
    again = await customer.reopen_ticket(desk, who, ticket.id)
    assert (again.id, again.category, again.reopened) == (ticket.id, "false_pickup", 1)
    assert again.due_at - again.active_since == timedelta(hours=24)
    assert "虚假发货" in (await said_to(desk, conversation))[-1]
    assert (await status(desk, waybill, 10, courierName="王")).code == "nothing_new"
    assert (await status(desk, waybill, 101)).code == "ask"  # a bare word
    assert (await status(desk, waybill, 400)).code == "complete"


async def test_a_pickup_that_was_none_joins_the_open_ticket_about_the_record(desk):
    who, conversation, urge, waybill = await opened(desk)
    await status(desk, waybill, 10)
    lie, _ = await open_ticket(desk, conversation, f"{conversation}:lie", "false_pickup")
    stands = await customer.reopen_ticket(desk, who, urge.id)
    assert (stands.id, stands.state) == (lie.id, "open")
    gone = await now_is(desk, urge)
    assert (gone.state, gone.completed_by, gone.completed_because) == ("completed", "merge", lie.id)
    assert stands.spoke_at > lie.opened_at


async def test_an_agent_who_reopens_a_pickup_keeps_its_category(desk):
    _who, conversation, ticket, waybill = await opened(desk)
    await status(desk, waybill, 10)
    async with desk.db.begin() as tx:
        from desk.flow.reopening import reopen

        held = await desk.must_lock(tx, conversation)
        assert (await reopen(desk, tx, held, ticket.id, "agent")).category == "pickup_urge"


async def test_a_revived_order_reopens_its_cancellation_and_calls_a_person(desk):
    _who, conversation, ticket, waybill = await opened(desk, "cancel_appeal")
    assert (await status(desk, waybill, 9)).code == "complete"
    assert (await status(desk, waybill, 166)).code == "reopen"
    again = await now_is(desk, ticket)
    assert (again.state, again.reopened) == ("open", 1)
    assert (again.spoke_at, again.active_since) == (ticket.opened_at, ticket.opened_at)
    assert await owner_of(desk, conversation) == "queue"
    said = await said_to(desk, conversation)
    assert len([words for words in said if "已恢复" in words]) == 1


async def test_news_do_not_reopen_a_ticket_whose_need_has_a_new_one(desk):
    _who, conversation, ticket, waybill = await opened(desk, "cancel_appeal")
    await status(desk, waybill, 9)
    await open_ticket(desk, conversation, f"{conversation}:new", "cancel_appeal")
    assert (await status(desk, waybill, 166)).code == "escalate"
    assert await state_of(desk, ticket) == "completed"


async def test_a_signature_turns_out_to_be_older_than_the_complaint_and_is_asked_about(desk):
    _who, conversation, ticket, waybill = await opened(desk, "delivery_urge", "in_transit")
    assert (await status(desk, waybill, 13)).code == "complete"
    assert (await push(desk, waybill, (local(-20), "301"))).code == "reopen"
    again = await now_is(desk, ticket)
    assert (again.state, again.asked_fact) == ("open", "parcel.delivered")
    assert await owner_of(desk, conversation) == "bot"


async def test_an_order_called_off_by_its_sender_closes_the_urge_in_other_words(desk):
    _who, conversation, _ticket, waybill = await opened(desk)
    assert (await status(desk, waybill, 9)).code == "complete"
    assert "已结束" in (await said_to(desk, conversation))[-1]


# --- standing for hours ---------------------------------------------------------------------------


@pytest.fixture(name="patient")
def _patient(desk):
    """A desk whose file says that a cancellation by the carrier has to stand for two hours."""
    known = desk.content.categories.by_id
    waits = replace(known["cancel_appeal"], waits_hours={"order.cancelled_by_carrier": 2.0})
    categories = replace(desk.content.categories, by_id={**known, "cancel_appeal": waits})
    desk.content = replace(desk.content, categories=categories)
    return desk


async def test_a_fact_that_has_to_stand_completes_later_and_is_told_at_once(patient):
    _who, conversation, ticket, waybill = await opened(patient, "cancel_appeal")
    assert (await status(patient, waybill, 99)).code == "wait"
    assert (await now_is(patient, ticket)).waits_for == "order.cancelled_by_carrier"
    assert len(await said_to(patient, conversation)) == 1
    await effects.complete_waiting(patient)
    assert await state_of(patient, ticket) == "open"
    later = utc_now() + timedelta(hours=2, minutes=1)
    patient.now = lambda: later
    # in every process at once: one completes it
    await asyncio.gather(*(effects.complete_waiting(patient) for _ in range(3)))
    done = await now_is(patient, ticket)
    assert (done.state, done.waits_until) == ("completed", None)
    assert len(await said_to(patient, conversation)) == 2


async def test_a_fact_undone_while_it_stood_completes_nothing(patient):
    _who, _conversation, ticket, waybill = await opened(patient, "cancel_appeal")
    await status(patient, waybill, 99)
    await status(patient, waybill, 166)
    assert (await now_is(patient, ticket)).waits_until is None
    later = utc_now() + timedelta(hours=3)
    patient.now = lambda: later
    await effects.complete_waiting(patient)
    assert await state_of(patient, ticket) == "open"


async def test_a_customer_who_speaks_ends_the_wait(patient):
    who, _conversation, ticket, waybill = await opened(patient, "cancel_appeal")
    await status(patient, waybill, 99)
    await customer.settle_ticket(patient, who, ticket.id, False)
    assert (await now_is(patient, ticket)).waits_until is None


# --- folding --------------------------------------------------------------------------------------


async def test_progress_is_told_once_for_each_kind_of_news(desk):
    _who, conversation, _ticket, waybill = await opened(desk, "transit_urge", "in_transit")
    lines = []
    for minutes, code in ((1, "1002"), (2, "1002"), (3, "1001"), (4, "1002"), (5, "5")):
        lines.append((local(minutes), code))
        await push(desk, waybill, *lines)
    assert len(await said_to(desk, conversation)) == 3


# --- codes nobody has documented ------------------------------------------------------------------


async def test_an_unknown_code_is_kept_counted_and_shown_and_moves_nothing(desk):
    _who, _conversation, ticket, waybill = await opened(desk)
    code, counted = f"x{uuid.uuid4().hex[:6]}", []
    desk.on_unknown = counted.append
    for _ in range(2):
        detail = {"status": code, "nonce": uuid.uuid4().hex}
        body = json.dumps({"kuaidinum": waybill, "data": detail})
        assert await callbacks.keep(desk, "kuaidi100.order", body)
        await applying.apply_order(desk, ticket.order_id)
    assert await state_of(desk, ticket) == "open"
    (shown,) = [row for row in await unknown_codes.listed(desk) if row["code"] == code]
    assert (shown["source"], shown["times"]) == ("kuaidi100.order", 2)
    assert counted == ["kuaidi100.order"] * 2


# --- explained ------------------------------------------------------------------------------------


async def test_an_order_is_explained_by_its_id_its_waybill_and_a_ticket(desk):
    who, _conversation, ticket, waybill = await opened(desk)
    await status(desk, waybill, 10)
    await customer.reopen_ticket(desk, who, ticket.id)
    told = [await explain_order(desk, name) for name in (ticket.order_id, waybill, ticket.id)]
    assert told[0] == told[1] == told[2]
    assert f"ticket {ticket.id}  false_pickup  open" in told[0]
    assert "parcel.collected was known before the ticket became active" in told[0]
    assert "reopened by customer: pickup_urge -> false_pickup" in told[0]
    assert "completes on parcel.arrived_destination" in told[0]
    with pytest.raises(Refused):
        await explain_order(desk, "nothing")
