"""Promised times on a real PostgreSQL, with a clock of their own: who is called, told, and when.

The clock stands in a past March, so that a pass finds no ticket of the other tests due.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from desk.flow import agent as agents_do
from desk.flow import customer, promises, tickets
from desk.flow.agent import Agent, claim, queue_view, release, write
from desk.flow.desk import Desk
from desk.flow.tickets import Opening
from desk.rules.ticket import Complete, Ticket
from desk.store import conversations, events, orders
from desk.store import tickets as ticket_store

LIN = Agent("a_lin", "小林", "agent")
BOSS = Agent("a_boss", "老周", "supervisor")


@dataclass
class Case:
    """A customer with an order and a conversation, on a desk whose clock the test sets."""

    desk: Desk
    clock: SimpleNamespace
    customer: str
    conversation: str
    lang: str = "zh"
    keys: list[str] = field(default_factory=list)

    def at(self, clock: str, day: int = 3) -> Case:
        """Set the time: `HH:MM` in Shanghai on a day of March 2025."""
        hour, minute = (int(part) for part in clock.split(":"))
        zone = ZoneInfo("Asia/Shanghai")
        self.clock.now = datetime(2025, 3, day, hour, minute, tzinfo=zone)
        return self

    async def ticket(self, category: str = "pickup_urge") -> Ticket:
        async with self.desk.db.begin() as tx:
            held = await self.desk.must_lock(tx, self.conversation)
            self.keys.append(uuid.uuid4().hex)
            opening = Opening(category, "还没来取", "bot", self.keys[-1], held.epoch)
            return (await tickets.open_ticket(self.desk, tx, held, opening))[0]

    async def log(self) -> list[dict[str, Any]]:
        async with self.desk.db.begin() as tx:
            return await events.read_after(tx, self.conversation, 0, notes=True)

    async def handovers(self) -> list[str]:
        return [e["reason"] for e in await self.log() if e.get("owner") == "queue"]

    async def told(self) -> list[str]:
        """What the desk itself has told the customer."""
        return [e["text"] for e in await self.log() if (e["kind"], e["author"]) == SYSTEM]

    async def stored(self, ticket: Ticket) -> Ticket:
        async with self.desk.db.begin() as tx:
            found = await ticket_store.get(tx, ticket.id)
        assert found is not None
        return found

    async def watch(self, clock: str | None = None, day: int = 3) -> None:
        """Set the time, and let the desk look at its clocks."""
        if clock:
            self.at(clock, day)
        await promises.watch(self.desk)


SYSTEM = ("message", "system")


@pytest.fixture
def case(desk):
    """Makes cases; all of one test have the same clock."""
    clock = SimpleNamespace(now=None)
    watched = replace(desk, now=lambda: clock.now)

    async def make(clock_time: str = "10:00", day: int = 3, lang: str = "zh") -> Case:
        number = uuid.uuid4().hex[:10]
        values = {
            "customer_id": f"cust-{number}",
            "carrier": "yuantong",
            "waybill": f"YT{number}",
            "carrier_order_id": None,
            "state": "accepted",
            "fees": [],
            "details": {},
        }
        made = Case(watched, clock, f"cust-{number}", "", lang).at(clock_time, day)
        async with desk.db.begin() as tx:
            await orders.put(tx, f"o-{number}", values, clock.now)
        opened, _ = await customer.open_conversation(
            watched, made.customer, f"o-{number}", lang, None, None, "open"
        )
        made.conversation = opened.id
        return made

    return make


async def test_a_person_is_called_an_hour_before_the_promise_and_the_customer_told(case):
    waits = await case("10:00")
    ticket = await waits.ticket()  # due at 14:00
    await waits.watch("12:59")
    assert await waits.handovers() == []
    await waits.watch("13:00")
    assert await waits.handovers() == ["promise_due"]
    assert await waits.told() == [
        "我们答应今天 14:00 前告诉您“催取件”的进展，已请客服现在来处理，会在这里回复您。"
    ]
    assert (await waits.stored(ticket)).called_at == waits.clock.now
    await waits.watch("13:30")
    assert len(await waits.told()) == 1
    async with waits.desk.db.begin() as tx:
        summary = (await conversations.get(tx, waits.conversation)).handover_summary
    assert summary.startswith("工单“催取件”：答应客户今天 14:00 前给进展\n处理中工单：催取件")


async def test_in_english_it_is_the_same_sentence(case):
    waits = await case("10:00", lang="en")
    await waits.ticket()
    await waits.watch("13:00")
    assert await waits.told() == [
        "We said we'd update you on “Pick up my parcel” by 14:00 today. "
        "I've asked a colleague to look into it now, and they'll reply to you here."
    ]


async def test_a_promise_for_the_night_is_watched_in_the_evening(case):
    waits = await case("19:30")
    await waits.ticket()  # due at 23:30, the desk closes at 22:00
    await waits.watch("20:59")
    assert await waits.handovers() == []
    await waits.watch("21:00")
    assert await waits.handovers() == ["promise_due"]


async def test_where_nobody_is_on_duty_the_customer_reads_when_somebody_will_be(case):
    waits = await case("23:00")
    await waits.ticket()  # due at 03:00
    await waits.watch("01:59", 4)
    assert await waits.handovers() == []
    await waits.watch("02:00", 4)
    assert await waits.told() == [
        "“催取件”还没有办好，已转给客服跟进。"
        "现在不是人工服务时间，客服今天 09:00 前会在这里回复您。"
    ]
    async with waits.desk.db.begin() as tx:
        assert (await conversations.get(tx, waits.conversation)).owner == "queue"


async def test_a_ticket_done_in_time_calls_nobody(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    async with waits.desk.db.begin() as tx:
        held = await waits.desk.must_lock(tx, waits.conversation)
        done = Complete("agent", "取走了")
        await tickets.complete(waits.desk, tx, held, ticket.id, done, "已取件", "agent:小林")
    await waits.watch("15:00")
    assert await waits.handovers() == []


async def test_who_waits_already_comes_first_without_a_second_notice(case):
    first, urgent = await case("10:00"), await case("10:00")
    await urgent.ticket()
    first.at("12:30")
    await customer.ask_for_person(first.desk, first.customer, first.conversation)
    urgent.at("12:40")
    await customer.ask_for_person(urgent.desk, urgent.customer, urgent.conversation)
    assert await place(first) < await place(urgent)
    told = await urgent.told()
    await urgent.watch("13:00")
    assert await urgent.told() == told
    assert await place(urgent) < await place(first)
    async with first.desk.db.begin() as tx:
        held = [await conversations.get(tx, one.conversation) for one in (urgent, first)]
        positions = [await conversations.position(tx, one) for one in held]
    assert positions == [await place(urgent), await place(first)]


async def place(one: Case) -> int:
    """The conversation's place in the queue that agents see."""
    row = await row_of(one)
    return row["position"]


async def row_of(one: Case, group: str = "waiting") -> dict[str, Any]:
    view = await queue_view(one.desk, LIN)
    return next(r for r in view[group] if r["conversation_id"] == one.conversation)


async def test_the_queue_shows_agents_what_is_due(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    await customer.ask_for_person(waits.desk, waits.customer, waits.conversation)
    row = await row_of(waits)
    assert datetime.fromisoformat(row["due_at"]) == ticket.due_at
    assert (row["due_soon"], row["overdue"], row["legal"]) == (False, False, None)
    await waits.watch("13:00")
    assert (await row_of(waits))["due_soon"]
    await waits.watch("14:00")
    row = await row_of(waits)
    assert (row["due_soon"], row["overdue"]) == (False, True)
    view = await agents_do.conversation_view(waits.desk, waits.conversation)
    assert view["tickets"][0]["overdue"]


async def test_an_agent_who_has_it_reads_a_note_and_keeps_it(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    await claim(waits.desk, LIN, waits.conversation)
    told = await waits.told()
    await waits.watch("13:00")
    note = (await waits.log())[-1]
    assert (note["kind"], note["about"], note["ticket_id"]) == (
        "note",
        "promise_called",
        ticket.id,
    )
    assert await waits.told() == told
    async with waits.desk.db.begin() as tx:
        assert (await conversations.get(tx, waits.conversation)).owner == "agent"
        shown = await events.read_after(tx, waits.conversation, 0)
    assert "note" not in {event["kind"] for event in shown}


SORRY = (
    "很抱歉，我们答应今天 14:00 前告诉您“催取件”的进展，没有做到。已请客服来处理，会在这里回复您。"
)


async def test_a_broken_promise_is_apologised_for_once(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    await waits.watch("13:00")
    for clock in ("14:00", "14:01", "18:00"):
        await waits.watch(clock)
    assert (await waits.told())[1:] == [SORRY]
    assert (await waits.stored(ticket)).broken_at is not None


async def test_after_a_long_standstill_there_is_one_sentence_and_one_handover(case):
    waits = await case("10:00")
    await waits.ticket()
    await waits.watch("17:00")  # no pass before: the desk was down
    await waits.watch("17:01")
    assert await waits.told() == [SORRY]
    assert await waits.handovers() == ["promise_due"]


@pytest.mark.parametrize(("wrote", "sorry"), [(True, []), (False, [SORRY])])
async def test_an_agent_who_has_written_since_has_told_the_customer(case, wrote, sorry):
    waits = await case("10:00")
    await waits.ticket()
    await claim(waits.desk, LIN, waits.conversation)
    joined = await waits.told()
    await waits.watch("13:00")
    waits.at("13:20")
    if wrote:
        await write(waits.desk, LIN, waits.conversation, "快递员五点前到", "m1", note=False)
    await waits.watch("14:00")
    assert await waits.told() == joined + sorry
    assert (await waits.log())[-1]["about"] == "promise_broken"


async def test_a_ticket_given_back_to_the_bot_comes_back_when_its_promise_breaks(case):
    waits = await case("10:00")
    await waits.ticket()
    await waits.watch("13:00")
    await claim(waits.desk, LIN, waits.conversation)
    await release(waits.desk, LIN, waits.conversation, "bot", resolved=True)
    await waits.watch("13:30")
    assert await waits.handovers() == ["promise_due"]
    await waits.watch("14:00")
    assert await waits.handovers() == ["promise_due", "promise_due"]
    assert (await waits.told())[-1] == SORRY


async def test_a_reopened_ticket_is_promised_anew_and_watched_anew(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    await waits.watch("13:00")
    async with waits.desk.db.begin() as tx:
        held = await waits.desk.must_lock(tx, waits.conversation)
        done = Complete("agent", "快递员取走了")
        await tickets.complete(waits.desk, tx, held, ticket.id, done, "已取件", "agent:小林")
    await claim(waits.desk, LIN, waits.conversation)
    await release(waits.desk, LIN, waits.conversation, "bot", resolved=True)
    waits.at("15:00")
    await customer.reopen_ticket(waits.desk, waits.customer, ticket.id)
    assert (await waits.told())[-1] == (
        "“催取件”已重新受理，我们会继续处理。我们今天 19:00 前会在这里告诉您进展。"
    )
    again = await waits.stored(ticket)
    assert (again.due_at, again.called_at) == (waits.clock.now + timedelta(hours=4), None)
    assert again.complained_at == waits.clock.now
    await waits.watch("17:59")
    assert await waits.handovers() == ["promise_due"]
    await waits.watch("18:00")
    assert await waits.handovers() == ["promise_due", "promise_due"]


async def test_another_category_is_another_promise(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    await waits.watch("13:00")
    await agents_do.correct_category(waits.desk, LIN, ticket.id, "delivery_urge")
    assert (await waits.told())[-1] == ("已改为“催派送”。我们明天 01:00 前会在这里告诉您进展。")
    after = await waits.stored(ticket)
    assert after.due_at == waits.clock.now + timedelta(hours=12)
    assert (after.promised_at, after.called_at) == (waits.clock.now, None)


async def test_many_passes_at_once_call_one_person_with_one_sentence(case):
    waits = [await case("10:00") for _ in range(5)]
    for one in waits:
        await one.ticket()
    waits[0].at("13:00")
    taken = await asyncio.gather(*(promises.watch(waits[0].desk) for _ in range(6)))
    assert sum(one["called"] for one in taken) == len(waits)
    for one in waits:
        assert await one.handovers() == ["promise_due"]
        assert len(await one.told()) == 1


async def test_two_tickets_of_one_conversation_are_one_handover(case):
    waits = await case("10:00")
    both = [await waits.ticket(), await waits.ticket("address_change")]
    await waits.watch("13:00")
    assert await waits.handovers() == ["promise_due"]
    assert len(await waits.told()) == 1
    for ticket in both:
        assert (await waits.stored(ticket)).called_at is not None


async def test_a_conversation_in_use_is_left_for_the_next_pass(case):
    waits = await case("10:00")
    await waits.ticket()
    waits.at("13:00")
    async with waits.desk.db.begin() as tx:
        await waits.desk.must_lock(tx, waits.conversation)
        await asyncio.wait_for(promises.watch(waits.desk), 60)
    assert await waits.handovers() == []
    await waits.watch()
    assert await waits.handovers() == ["promise_due"]


async def test_the_bot_may_end_its_turn_first(case):
    waits = await case("10:00")
    await waits.ticket()
    waits.at("13:00")
    await customer.say(waits.desk, waits.customer, waits.conversation, "到哪了", "k1")
    await waits.watch()
    assert await waits.handovers() == []


async def test_a_pass_that_dies_in_the_middle_has_done_nothing_and_the_next_does_it(case):
    waits = await case("10:00")
    ticket = await waits.ticket()
    waits.at("13:00")

    def die(stored: object) -> None:
        raise OSError("the process is gone")

    await promises.watch(replace(waits.desk, on_events=die))
    assert (await waits.stored(ticket)).called_at is None
    assert await waits.told() == []
    await waits.watch()
    assert await waits.handovers() == ["promise_due"]


async def test_supervisors_see_what_the_law_has_a_time_for(case):
    waits = await case("10:00")
    ticket = await waits.ticket("damage_claim")  # due after 72 hours
    await claim(waits.desk, LIN, waits.conversation)
    await waits.watch("09:59", 8)
    assert (await waits.stored(ticket)).warned_at is None
    await waits.watch("10:00", 8)
    assert (await waits.stored(ticket)).warned_at == waits.clock.now
    assert (await waits.log())[-1]["about"] == "promise_warned"
    row = await row_of(waits, "mine")
    legal_at = ticket.opened_at + timedelta(days=7)
    assert datetime.fromisoformat(row["legal"]["at"]) == legal_at
    assert not row["legal"]["over"]
    assert "near_the_law" not in await queue_view(waits.desk, LIN)
    listed = (await queue_view(waits.desk, BOSS))["near_the_law"]
    one = next(r for r in listed if r["ticket_id"] == ticket.id)
    assert (one["owner"], one["agent"], one["overdue"]) == ("agent", "小林", True)
    waits.at("10:00", 10)
    assert (await row_of(waits, "mine"))["legal"]["over"]


async def test_nobody_is_told_of_a_time_that_has_passed(case):
    waits = await case("10:00", lang="en")
    await waits.ticket("address_change")  # due at 14:00
    waits.at("13:00")
    joining = await waits.ticket("pickup_urge")
    waits.at("15:00")
    await agents_do.correct_category(waits.desk, LIN, joining.id, "address_change")
    assert (await waits.told())[-1] == "Changed to “Change address or stop the parcel”."
