"""Tickets at the carrier: exactly one for each round whatever fails, and every answer once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from desk.flow import dispatch_agent, handover, tickets
from desk.flow.agent import Agent, claim
from desk.flow.customer import reopen_ticket, say
from desk.flow.dispatch_steps import Receivers
from desk.flow.dispatching import plan
from desk.rules.dispatch import UNKNOWN_FOR
from desk.rules.refused import Refused
from desk.rules.ticket import Complete
from desk.store import orders
from standins.kuaidi100.faults import Fault
from standins.kuaidi100.workorders import answer
from tests.integration.dispatch_world import World, world

CREATE, STATUS, REPLY = (f"/workorder/api/{name}" for name in ("create", "status", "reply"))
LIN = Agent("a_lin", "小林", "agent")


@pytest.fixture(name="here")
async def _here(desk) -> AsyncIterator[World]:
    async with world(desk) as made:
        yield made


def depot_writes(here: World, workorder, text: str, *, result=False, push=True) -> None:
    answer(here.platform, workorder, text, result=result, push=push)


# --- sending --------------------------------------------------------------------------------------


async def test_a_ticket_goes_out_with_what_the_platform_needs_and_is_dispatched(here):
    ticket = await here.open()
    assert (await here.ticket(ticket)).state == "open"  # nothing is sent before the commit
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    assert (workorder.second_type, workorder.content) == (4, "重量不符：只有两公斤")
    assert await here.states(ticket) == ["accepted"]
    assert (await here.ticket(ticket)).state == "dispatched"
    assert await here.kinds(ticket) == ["opened", "dispatched"]
    assert len(await here.said(ticket)) == 0  # it was told a moment ago what will be done
    assert here.platform.violations == []


async def test_a_customer_who_waited_for_it_is_told_that_it_has_gone_out(here):
    here.platform.faults.add(CREATE, Fault("limit"), 1)
    ticket = await here.open()
    await here.work(ticket)
    assert await here.states(ticket) == ["waiting"]
    here.after(minutes=11)
    await here.work(ticket)
    assert await here.said(ticket) == ["“重量不符”已经转交处理，有答复会在这里告诉您。"]


@pytest.mark.parametrize("order", [{"details": {}}, {"waybill": None}])
async def test_what_is_missing_is_a_persons_and_nothing_is_sent(here, order):
    ticket = await here.open(**order)
    await here.work(ticket)
    assert here.platform.calls[CREATE] == 0
    assert await here.states(ticket) == ["given_up"]
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "缺少" in note["text"]
    async with here.desk.db.begin() as tx:
        conversation = await here.desk.must_lock(tx, ticket.conversation_id)
    assert (conversation.owner, conversation.handover_reason) == ("queue", "dispatch_failed")
    assert any("“重量不符”需要人工处理" in line for line in await here.said(ticket))


async def test_a_person_is_called_after_the_bot_has_finished_its_turn(here):
    ticket = await here.open(details={})
    who = await here.customer_of(ticket)
    await say(here.desk, who, ticket.conversation_id, "还要多久", "k1")
    await here.work(ticket)
    async with here.desk.db.begin() as tx:
        assert (await here.desk.must_lock(tx, ticket.conversation_id)).owner == "bot"
    here.after(seconds=6)
    await handover.rescue_unanswered(here.desk)
    await here.work(ticket)
    notes = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert notes == []  # still the bot's turn
    here.after(seconds=60)
    await handover.rescue_unanswered(here.desk)  # the bot never answered: a person has it
    await here.work(ticket)
    notes = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert len(notes) == 1


async def test_an_order_of_another_platform_stays_as_it_is(here):
    ticket = await here.open(carrier_order_id=None)
    assert await here.sent(ticket) == []
    ticket = await here.open(carrier="shunfeng")
    assert await here.sent(ticket) == []


async def test_a_ticket_settled_before_it_went_out_does_not_go_out(here):
    ticket = await here.open()
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
        done = Complete("agent", "已处理")
        await tickets.complete(here.desk, tx, held, ticket.id, done, "已处理", "agent:小林")
    await here.work(ticket)
    assert here.platform.calls[CREATE] == 0
    assert await here.states(ticket) == ["given_up"]
    assert [event for event in await here.log(ticket) if event["kind"] == "note"] == []


# --- exactly once, whatever fails -----------------------------------------------------------------

#: fault at `create` -> how many tickets the platform has after all retries, and our state.
FAULTS = [
    (Fault("limit"), 1, "accepted"),
    (Fault("expired"), 1, "accepted"),
    (Fault("slow", 0.2), 1, "accepted"),
    (Fault("error_after"), 1, "given_up"),
    (Fault("hang", 30.0), 1, "given_up"),
    (Fault("hang", 0.1), 1, "given_up"),
    (Fault("close"), 0, "given_up"),
    (Fault("error"), 0, "given_up"),
    (Fault("busy"), 0, "given_up"),
    (Fault("not_json"), 0, "given_up"),
    (Fault("wrong"), 0, "given_up"),
]


@pytest.mark.parametrize(("fault", "there", "state"), FAULTS, ids=lambda value: str(value)[:40])
async def test_no_fault_makes_two_tickets_at_the_carrier(here, fault, there, state):
    here.platform.faults.add(CREATE, fault, 1)
    ticket = await here.open()
    for _ in range(8):
        await here.work(ticket)
        here.after(minutes=20)
    assert len(await here.workorders(ticket)) == there
    assert await here.states(ticket) == [state]
    notes = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert len(notes) == (1 if state == "given_up" else 0)


@pytest.mark.parametrize("kind", ["error_after", "hang"])
async def test_a_callback_settles_what_no_answer_told(here, kind):
    here.platform.faults.add(CREATE, Fault(kind, 0.1), 1)
    ticket = await here.open()
    await here.work(ticket)
    assert await here.states(ticket) == ["unknown"]
    assert "dispatch_unknown" in await here.kinds(ticket)
    (workorder,) = await here.workorders(ticket)
    depot_writes(here, workorder, "已受理，核实中")
    await here.pushed()
    (dispatch,) = await here.sent(ticket)
    assert (dispatch.state, dispatch.remote_id) == ("accepted", workorder.id)
    assert (await here.ticket(ticket)).state == "dispatched"
    here.after(minutes=40)
    await here.work(ticket)
    assert len(await here.workorders(ticket)) == 1
    assert [event for event in await here.log(ticket) if event["kind"] == "note"] == []


async def test_nothing_listens_there_so_it_is_tried_again_and_goes_out_once(here):
    ticket = await here.open()
    working, here.receivers = here.receivers, await deaf(here)
    await here.work(ticket)
    assert await here.states(ticket) == ["waiting"]
    here.receivers = working
    here.after(seconds=11)
    await here.work(ticket)
    assert len(await here.workorders(ticket)) == 1
    assert (await here.sent(ticket))[0].tries == 2


async def deaf(here: World) -> Receivers:
    """The platform at an address where nobody listens."""
    client = here.receivers.kuaidi100._client
    elsewhere = type(client)(
        client._account, "http://127.0.0.1:1", "http://127.0.0.1:1", 0.5, client._gate
    )
    await elsewhere.open()
    return Receivers(type(here.receivers.kuaidi100)(elsewhere))


class Dies:
    """A client whose process ends: before the call, or after it."""

    def __init__(self, real, *, before: bool) -> None:
        self._real, self._before = real, before

    async def create(self, request):
        if not self._before:
            await self._real.create(request)
        raise asyncio.CancelledError


@pytest.mark.parametrize("before", [True, False])
async def test_a_process_killed_around_the_call_leaves_no_second_ticket(here, before):
    ticket = await here.open()
    ((name, arguments),) = await here._take_due(ticket)
    real = here.receivers.kuaidi100
    here.receivers = Receivers(Dies(real, before=before))
    with pytest.raises(asyncio.CancelledError):
        await here.run(name, arguments)
    here.receivers = Receivers(real)
    await here.run(name, arguments)  # another process takes the job over
    assert await here.states(ticket) == ["sending"]
    here.after(seconds=61)
    await here.work(ticket)
    assert await here.states(ticket) == ["unknown"]
    here.after(seconds=UNKNOWN_FOR.total_seconds())
    await here.work(ticket)
    assert await here.states(ticket) == ["given_up"]
    assert len(await here.workorders(ticket)) == (0 if before else 1)
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "核对" in note["text"]


async def test_what_cannot_be_passed_on_is_a_persons(here):
    here.platform.faults.add(CREATE, Fault("error_after"), 1)
    ticket = await here.open()
    await here.work(ticket)
    await dispatch_agent.act(here.desk, LIN, ticket.id, "mark_sent")  # without its number
    await here.ask(ticket.conversation_id, "weight_dispute", "有照片")
    await here.work(ticket)
    assert await here.states(ticket) == ["accepted", "given_up"]
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "缺少对方的工单号" in note["text"]


async def test_nobody_there_for_two_hours_is_a_persons_and_known_not_to_be_there(here):
    ticket = await here.open()
    here.receivers = await deaf(here)
    for _ in range(20):
        await here.work(ticket)
        here.after(minutes=10)
    assert await here.states(ticket) == ["given_up"]
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "一直没能送达" in note["text"]


async def test_a_process_killed_before_it_wrote_anything_has_sent_nothing(here, monkeypatch):
    ticket = await here.open()
    ((name, arguments),) = await here._take_due(ticket)

    async def killed(*_, **__):
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("desk.flow.dispatch_steps.settle", killed)
        with pytest.raises(asyncio.CancelledError):
            await here.run(name, arguments)
    assert here.platform.calls[CREATE] == 0
    await here.run(name, arguments)
    assert await here.states(ticket) == ["accepted"]


async def test_ten_workers_with_the_same_job_make_one_ticket(here):
    ticket = await here.open()
    ((name, arguments),) = await here._take_due(ticket)
    await asyncio.gather(*(here.run(name, arguments) for _ in range(10)))
    assert len(await here.workorders(ticket)) == 1


async def test_a_result_that_overtakes_the_answer_to_create_is_not_lost(here):
    ticket = await here.open()
    real = here.receivers.kuaidi100

    class Overtaken:
        async def create(self, request):
            made = await real.create(request)
            (workorder,) = await here.workorders(ticket)
            depot_writes(here, workorder, "实重 2 公斤，差额退回", result=True)
            await here.pushed()
            return made

    here.receivers = Receivers(Overtaken())
    await here.work(ticket)
    assert await here.states(ticket) == ["answered"]
    assert len(await here.said(ticket)) == 1


async def test_a_refusal_is_a_persons_with_the_platforms_words(here):
    ticket = await here.open(details={"weight_kg": 2}, carrier="yunda")
    here.platform.workorders.refuses_duplicates = True
    workorder = {"secondType": 4, "telWeight": "1"}
    async with here.desk.db.begin() as tx:
        order = await orders.get(tx, ticket.order_id)
    here.platform.workorders.create({**workorder, "kuaidinum": order.waybill})
    await here.work(ticket)
    assert await here.states(ticket) == ["refused"]
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "不接受" in note["text"]


# --- rounds ---------------------------------------------------------------------------------------


async def complete(here: World, ticket) -> None:
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
        done = Complete("fact", "weight.corrected")
        await tickets.complete(here.desk, tx, held, ticket.id, done, "办结", "system")


async def test_a_reopened_ticket_is_a_new_round_that_refers_to_the_first(here):
    ticket = await here.open()
    await here.work(ticket)
    await complete(here, ticket)
    here.after(hours=1)
    await reopen_ticket(here.desk, await here.customer_of(ticket), ticket.id)
    await here.work(ticket)
    first, second = await here.workorders(ticket)
    assert f"工单 {first.id}" in second.content
    assert [d.round for d in await here.sent(ticket)] == [1, 2]
    assert (await here.ticket(ticket)).state == "dispatched"


async def test_word_on_an_earlier_round_does_not_dispatch_the_later_one(here):
    here.platform.faults.add(CREATE, Fault("error_after"), 1)
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    await complete(here, ticket)
    await reopen_ticket(here.desk, await here.customer_of(ticket), ticket.id)
    depot_writes(here, workorder, "已受理")
    await here.pushed()
    assert (await here.ticket(ticket)).state == "open"
    await here.work(ticket)
    assert await here.states(ticket) == ["accepted", "accepted"]


async def test_a_corrected_ticket_is_told_anew(here):
    ticket = await here.open()
    await here.work(ticket)
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
        await tickets.correct(here.desk, tx, held, ticket.id, "courier_complaint", "bot")
    assert (await here.ticket(ticket)).state == "open"
    assert len(await here.sent(ticket)) == 1  # that category has no type there, and no webhook
    await here.work(ticket)
    assert len(await here.workorders(ticket)) == 1


async def test_a_round_planned_twice_before_it_went_out_goes_out_once(here):
    ticket = await here.open()
    async with here.desk.db.begin() as tx:
        await here.desk.must_lock(tx, ticket.conversation_id)
        await plan(here.desk, tx, ticket)
    await here.work(ticket)
    assert await here.states(ticket) == ["given_up", "accepted"]
    assert len(await here.workorders(ticket)) == 1


async def test_had_it_before_is_a_yes_where_a_round_of_ours_may_be_there(here):
    here.platform.workorders.refuses_duplicates = True
    here.platform.faults.add(CREATE, Fault("error_after"), 1)
    ticket = await here.open()
    await here.work(ticket)
    await dispatch_agent.act(here.desk, LIN, ticket.id, "again")
    await here.work(ticket)
    assert await here.states(ticket) == ["given_up", "accepted"]
    assert len(await here.workorders(ticket)) == 1
    assert (await here.ticket(ticket)).state == "dispatched"


# --- additions ------------------------------------------------------------------------------------


async def replies(here: World, ticket) -> list[str]:
    (workorder,) = await here.workorders(ticket)
    return [reply["content"] for reply in workorder.replies]


async def test_what_the_customer_adds_goes_out_once(here):
    ticket = await here.open()
    await here.work(ticket)
    await here.ask(ticket.conversation_id, "weight_dispute", "有称重照片")
    await here.work(ticket)
    assert await replies(here, ticket) == ["客户补充（1）：有称重照片"]
    assert await here.states(ticket) == ["accepted", "accepted"]


async def test_what_is_added_on_the_way_follows_the_ticket(here):
    here.platform.faults.add(CREATE, Fault("limit"), 1)
    ticket = await here.open()
    await here.ask(ticket.conversation_id, "weight_dispute", "快点")
    await here.ask(ticket.conversation_id, "weight_dispute", "快点")
    await here.work(ticket)
    assert await here.workorders(ticket) == []
    here.after(minutes=1)
    await here.work(ticket)
    assert await replies(here, ticket) == ["客户补充（1）：快点", "客户补充（2）：快点"]


@pytest.mark.parametrize(
    "fault", [Fault("error_after"), Fault("hang", 0.1), Fault("error"), Fault("close")]
)
async def test_a_lost_addition_is_looked_up_and_is_there_once(here, fault):
    ticket = await here.open()
    await here.work(ticket)
    here.platform.faults.add(REPLY, fault, 1)
    await here.ask(ticket.conversation_id, "weight_dispute", "有称重照片")
    await here.work(ticket)
    assert await here.states(ticket) == ["accepted", "unknown"]
    for _ in range(3):
        here.after(minutes=2)
        await here.work(ticket)
    assert await replies(here, ticket) == ["客户补充（1）：有称重照片"]
    assert await here.states(ticket) == ["accepted", "accepted"]
    assert await here.said(ticket) == []  # our own words are no answer


# --- answers --------------------------------------------------------------------------------------


async def test_a_message_of_the_depot_is_quoted_to_the_customer_once(here):
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    here.platform.pushes.script("duplicate")
    depot_writes(here, workorder, "正在核实<b>重量</b>")
    await here.pushed()
    here.after(hours=2)
    await here.work(ticket)  # asked for news, it lists the same words
    assert here.platform.calls[STATUS] == 1
    quoted = "关于“重量不符”，快递方回复：“正在核实<b>重量</b>”"
    assert await here.said(ticket) == [quoted]
    assert (await here.kinds(ticket)).count("answered") == 1
    assert (await here.ticket(ticket)).state == "dispatched"  # an answer closes nothing


async def test_lost_messages_are_found_by_asking_and_told_in_one(here):
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    depot_writes(here, workorder, "已联系客户", push=False)
    depot_writes(here, workorder, "等待复称", push=False)
    here.after(minutes=61)
    await here.work(ticket)
    assert await here.said(ticket) == ["关于“重量不符”，快递方回复：“已联系客户\n等待复称”"]


async def test_a_lost_result_is_found_by_asking(here):
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    depot_writes(here, workorder, "实重 2 公斤", result=True, push=False)
    here.after(minutes=61)
    await here.work(ticket)
    assert await here.states(ticket) == ["answered"]
    assert await here.said(ticket) == ["关于“重量不符”，快递方回复：“实重 2 公斤”"]


async def test_a_result_that_a_fact_will_confirm_calls_nobody(here):
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    depot_writes(here, workorder, "实重 2 公斤", result=True)
    await here.pushed()
    async with here.desk.db.begin() as tx:
        assert (await here.desk.must_lock(tx, ticket.conversation_id)).owner == "bot"
    assert await here.states(ticket) == ["answered"]
    assert (await here.ticket(ticket)).state == "dispatched"


async def test_a_result_that_no_fact_confirms_calls_a_person(here):
    types = here.desk.content.ticket_types
    weight = types.by_category["weight_dispute"]
    more = replace(types, by_category={**types.by_category, "damage_claim": weight})
    here.desk.content = replace(here.desk.content, ticket_types=more)
    ticket = await here.open("damage_claim")
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    here.platform.pushes.script("duplicate")
    depot_writes(here, workorder, "已定责，赔付 20 元", result=True)
    await here.pushed()
    async with here.desk.db.begin() as tx:
        held = await here.desk.must_lock(tx, ticket.conversation_id)
    assert (held.owner, held.handover_reason) == ("queue", "escalated")
    assert (await here.ticket(ticket)).state == "dispatched"
    assert sum("赔付 20 元" in line for line in await here.said(ticket)) == 1


async def test_a_ticket_is_asked_about_only_while_it_is_active(here):
    ticket = await here.open()
    await here.work(ticket)
    await complete(here, ticket)
    here.after(hours=2)
    await here.work(ticket)
    assert here.platform.calls[STATUS] == 0


@pytest.mark.parametrize("kind", ["error", "not_json", "expired", "limit"])
async def test_a_question_that_fails_is_asked_again_later(here, kind):
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    depot_writes(here, workorder, "等待复称", push=False)
    here.platform.faults.add(STATUS, Fault(kind), 2)
    for _ in range(3):
        here.after(hours=6)
        await here.work(ticket)
    assert len(await here.said(ticket)) == 1


# --- in an agent's hands --------------------------------------------------------------------------


async def test_an_agent_says_that_it_is_there_and_no_second_one_is_made(here):
    here.platform.faults.add(CREATE, Fault("error_after"), 1)
    ticket = await here.open()
    await here.work(ticket)
    (workorder,) = await here.workorders(ticket)
    view = await dispatch_agent.act(here.desk, LIN, ticket.id, "mark_sent", workorder.id)
    assert (view["state"], view["number"], view["actions"]) == ("accepted", workorder.id, [])
    assert (await here.ticket(ticket)).state == "dispatched"
    depot_writes(here, workorder, "等待复称", push=False)
    here.after(minutes=61)
    await here.work(ticket)
    assert len(await here.said(ticket)) == 1  # asked about under the number the agent gave
    assert len(await here.workorders(ticket)) == 1


async def test_an_agent_sends_it_again_after_looking(here):
    here.platform.faults.add(CREATE, Fault("error"), 1)
    ticket = await here.open()
    await here.work(ticket)
    view = await dispatch_agent.act(here.desk, LIN, ticket.id, "again")
    assert (view["round"], view["state"]) == (2, "waiting")
    await here.work(ticket)
    assert await here.states(ticket) == ["given_up", "accepted"]
    assert len(await here.workorders(ticket)) == 1


@pytest.mark.parametrize("action", ["mark_sent", "again"])
async def test_nothing_can_be_done_by_hand_about_what_arrived(here, action):
    ticket = await here.open()
    await here.work(ticket)
    with pytest.raises(Refused) as refused:
        await dispatch_agent.act(here.desk, LIN, ticket.id, action)
    assert refused.value.code == "dispatch_state"


async def test_a_ticket_that_goes_nowhere_has_nothing_to_show(here):
    ticket = await here.open(carrier="shunfeng")
    with pytest.raises(Refused) as refused:
        await dispatch_agent.act(here.desk, LIN, ticket.id, "again")
    assert refused.value.code == "not_found"


async def test_an_agent_who_has_the_conversation_is_told_in_it(here):
    ticket = await here.open(details={})
    await claim(here.desk, LIN, ticket.conversation_id)
    await here.work(ticket)
    (note,) = [event for event in await here.log(ticket) if event["kind"] == "note"]
    assert "重量（订单信息）" in note["text"]
    async with here.desk.db.begin() as tx:
        assert (await here.desk.must_lock(tx, ticket.conversation_id)).agent_id == "a_lin"
