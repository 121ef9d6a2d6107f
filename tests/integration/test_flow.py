"""The desk's use cases on a real PostgreSQL: races, crashes in between, and constraints."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from desk.flow import agent, bot, callbacks, customer, handover, tickets
from desk.flow.agent import Agent, claim, release, write
from desk.flow.applying import apply_order
from desk.flow.desk import Desk
from desk.flow.tickets import Opening
from desk.rules.refused import Refused
from desk.store import conversations, events, orders
from desk.store import tickets as ticket_store
from desk.store.tables import metadata

LIN = Agent("a_lin", "小林", "agent")
ZHOU = Agent("a_zhou", "小周", "agent")


async def begin(desk: Desk, state: str = "accepted") -> tuple[str, str]:
    """A customer with an order and an open conversation: (customer id, conversation id)."""
    number = uuid.uuid4().hex[:10]
    values = {
        "customer_id": f"cust-{number}",
        "carrier": "yuantong",
        "waybill": f"YT{number}",
        "carrier_order_id": None,
        "state": state,
        "fees": [],
        "details": {},
    }
    async with desk.db.begin() as tx:
        await orders.put(tx, f"o-{number}", values, desk.now())
    opened, _ = await customer.open_conversation(
        desk, f"cust-{number}", f"o-{number}", "zh", None, None, "open"
    )
    return f"cust-{number}", opened.id


async def open_ticket(desk: Desk, conversation_id: str, key: str, category: str = "pickup_urge"):
    async with desk.db.begin() as tx:
        conversation = await desk.must_lock(tx, conversation_id)
        opening = Opening(category, "还没来取", "bot", key, conversation.epoch)
        return await tickets.open_ticket(desk, tx, conversation, opening)


async def log_of(desk: Desk, conversation_id: str) -> list[dict]:
    async with desk.db.begin() as tx:
        return await events.read_after(tx, conversation_id, 0, notes=True)


async def test_twenty_requests_at_once_open_one_ticket_and_add_to_it(desk):
    _, conversation = await begin(desk)
    made = await asyncio.gather(
        *(open_ticket(desk, conversation, f"{conversation}:{i}") for i in range(20))
    )
    assert len({ticket.id for ticket, _ in made}) == 1
    assert sorted(outcome for _, outcome in made) == ["added"] * 19 + ["created"]


async def test_one_statement_run_many_times_still_finds_the_partial_index(desk):
    """PostgreSQL plans a prepared statement anew after several runs: it must keep working."""
    for _ in range(15):
        _, conversation = await begin(desk)
        assert (await open_ticket(desk, conversation, f"{conversation}:1"))[1] == "created"


async def test_the_same_request_again_is_the_same_ticket(desk):
    _, conversation = await begin(desk)
    first, _ = await open_ticket(desk, conversation, f"{conversation}:same")
    again, outcome = await open_ticket(desk, conversation, f"{conversation}:same")
    assert (again.id, outcome) == (first.id, "same")
    kinds = [event["kind"] for event in await log_of(desk, conversation)]
    assert kinds.count("ticket") == 1


async def test_a_correction_into_an_open_category_joins_that_ticket(desk):
    _, conversation = await begin(desk)
    wrong, _ = await open_ticket(desk, conversation, f"{conversation}:1", "false_pickup")
    right, _ = await open_ticket(desk, conversation, f"{conversation}:2", "pickup_urge")
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation)
        joined, outcome = await tickets.correct(desk, tx, held, wrong.id, "pickup_urge", "bot")
    assert (joined.id, outcome) == (right.id, "added")
    async with desk.db.begin() as tx:
        withdrawn = await ticket_store.get(tx, wrong.id)
    assert (withdrawn.state, withdrawn.completed_by) == ("completed", "merge")


async def test_a_correction_keeps_the_new_words_and_both_reviews(desk):
    _, conversation = await begin(desk)
    wrong, _ = await open_ticket(desk, conversation, f"{conversation}:1", "false_pickup")
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation)
        first = await ticket_store.review(tx, wrong.id)
    request = {
        "conversation_id": conversation,
        "epoch": held.epoch,
        "category": "pickup_urge",
        "idempotency_key": f"{conversation}:2",
        "text": "不对，我是要人来取",
        "review": {"verdict": "agree", "category": "pickup_urge"},
        "correct_ticket_id": wrong.id,
    }
    assert (await bot.bot_opens_ticket(desk, request))["outcome"] == "corrected"
    async with desk.db.begin() as tx:
        record = await ticket_store.review(tx, wrong.id)
        history = await ticket_store.entries(tx, wrong.id)
    assert record == {**first, "corrections": [request["review"]]}
    assert request["text"] in history[-1]["text"]


async def test_sequence_numbers_have_no_gap_whatever_happens_at_once(desk):
    who, conversation = await begin(desk)
    await asyncio.gather(
        *(customer.say(desk, who, conversation, f"第{i}句", f"k{i}") for i in range(15)),
        *(open_ticket(desk, conversation, f"{conversation}:{i}") for i in range(3)),
    )
    log = await log_of(desk, conversation)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))


async def test_a_turn_written_after_a_handover_leaves_no_word(desk):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    turn = await bot.begin_turn(desk, conversation)
    await customer.ask_for_person(desk, who, conversation)
    before = len(await log_of(desk, conversation))
    await bot.finish_turn(desk, turn, [{"text": "已为您登记", "choices": []}])
    assert len(await log_of(desk, conversation)) == before


async def test_a_turn_finished_twice_after_a_crash_is_written_once(desk):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    turn = await bot.begin_turn(desk, conversation)
    for _ in range(2):
        await bot.finish_turn(desk, turn, [{"text": "好的", "choices": []}])
    said = [e for e in await log_of(desk, conversation) if e.get("text") == "好的"]
    assert len(said) == 1


async def test_a_turn_asked_again_after_a_crash_is_the_same_question(desk):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    await customer.say(desk, who, conversation, "催一下", "k2")
    first = await bot.begin_turn(desk, conversation)
    await customer.say(desk, who, conversation, "喂", "k3")
    again = await bot.begin_turn(desk, conversation)  # the job died before the answer
    assert again == first
    assert again.request["text"] == "还没来取件\n催一下"
    assert await bot.finish_turn(desk, again, [{"text": "好的", "choices": []}])
    following = await bot.begin_turn(desk, conversation)
    assert following.request["text"] == "喂"


async def test_a_question_begun_before_a_person_came_is_forgotten(desk):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    await bot.begin_turn(desk, conversation)
    await customer.ask_for_person(desk, who, conversation)
    await claim(desk, LIN, conversation)
    await release(desk, LIN, conversation, "bot", resolved=True)
    await customer.say(desk, who, conversation, "第一句", "k8")
    await customer.say(desk, who, conversation, "第二句", "k9")
    turn = await bot.begin_turn(desk, conversation)
    assert turn.request["text"] == "第一句\n第二句"


@pytest.mark.parametrize(
    "wish", [{"reason": "moon"}, {"summary": "x"}, {"reason": None}, "please", True]
)
async def test_a_person_is_called_whatever_word_the_bot_has_for_it(desk, wish):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    turn = await bot.begin_turn(desk, conversation)
    await bot.finish_turn(desk, turn, [{"text": "请稍等", "hand_over": wish}])
    owner = next(e for e in await log_of(desk, conversation) if e["kind"] == "owner")
    assert (owner["owner"], owner["reason"]) == ("queue", "bot_uncertain")


async def test_every_new_event_is_told_once_for_counting(desk):
    told = []
    counting = replace(desk, on_events=told.extend)
    who, conversation = await begin(counting)
    await customer.say(counting, who, conversation, "还没来取件", "k1")
    await customer.say(counting, who, conversation, "还没来取件", "k1")
    await open_ticket(counting, conversation, f"{conversation}:1")
    await customer.ask_for_person(counting, who, conversation)
    log = await log_of(desk, conversation)
    assert [event["seq"] for event in told] == [event["seq"] for event in log]


async def test_the_last_message_of_each_conversation_is_found(desk):
    expected = {}
    for words in ("一", "二"):
        who, conversation = await begin(desk)
        await customer.say(desk, who, conversation, "你好", "k1")
        await customer.say(desk, who, conversation, words, "k2")
        await customer.ask_for_person(desk, who, conversation)
        expected[conversation] = words
    async with desk.db.begin() as tx:
        said = await events.last_messages(tx, [*expected, "c_none"], author="customer")
        last = await events.last_messages(tx, list(expected))
        assert await events.last_messages(tx, []) == {}
    assert {key: event["text"] for key, event in said.items()} == expected
    assert {event["author"] for event in last.values()} == {"system"}


@pytest.mark.parametrize("asked", [1, 2, 3])
async def test_messages_typed_meanwhile_become_the_next_turn(desk, asked):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "你好", "k0")
    questions = []

    async def answer(request):
        if not questions:
            for i in range(asked):
                await customer.say(desk, who, conversation, f"还有{i}", f"m{i}")
        questions.append(request["text"])
        return [{"text": f"答{len(questions)}", "choices": []}]

    await bot.run_turns(desk, answer, conversation)
    assert questions == ["你好", "\n".join(f"还有{i}" for i in range(asked))]
    assert await bot.begin_turn(desk, conversation) is None


async def test_a_bot_that_fails_or_says_nothing_leaves_the_customer_with_a_person(desk):
    async def fails(request):
        raise bot.BotFailed("down")

    async def silent(request):
        return []

    for ask, reason in ((fails, "bot_failed"), (silent, "bot_silent")):
        who, conversation = await begin(desk)
        await customer.say(desk, who, conversation, "还没来取件", "k1")
        await bot.run_turns(desk, ask, conversation)
        owner = next(e for e in await log_of(desk, conversation) if e["kind"] == "owner")
        assert (owner["owner"], owner["reason"]) == ("queue", reason)


async def test_an_answer_that_is_overdue_brings_a_person_exactly_once(desk):
    who, conversation = await begin(desk)
    await customer.say(desk, who, conversation, "还没来取件", "k1")
    later = replace(desk, now=lambda: datetime.now(UTC) + timedelta(seconds=13))
    rescued = await asyncio.gather(*(handover.rescue_unanswered(later) for _ in range(4)))
    assert sum(one.count(conversation) for one in rescued) == 1
    kinds = [e["kind"] for e in await log_of(desk, conversation)]
    assert kinds.count("owner") == 1


async def test_an_agent_who_is_gone_loses_the_waiting_customer_who_comes_first_again(desk):
    who, conversation = await begin(desk)
    await customer.ask_for_person(desk, who, conversation)
    await claim(desk, LIN, conversation)
    await customer.say(desk, who, conversation, "在吗", "k1")
    async with desk.db.begin() as tx:
        await tx.execute(
            text(
                "insert into agents (id, login, name, role, password_hash) "
                "values ('a_lin', 'lin', '小林', 'agent', 'x') on conflict do nothing"
            )
        )
        waiting_since = (await conversations.get(tx, conversation)).waiting_since
    later = replace(desk, now=lambda: datetime.now(UTC) + timedelta(minutes=5))
    assert conversation in await handover.rescue_left(later)
    async with desk.db.begin() as tx:
        after = await conversations.get(tx, conversation)
    assert (after.owner, after.waiting_since) == ("queue", waiting_since)


async def test_of_two_agents_claiming_at_once_exactly_one_wins(desk):
    who, conversation = await begin(desk)
    await customer.ask_for_person(desk, who, conversation)
    results = await asyncio.gather(
        claim(desk, LIN, conversation), claim(desk, ZHOU, conversation), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, Refused)]
    assert [r.code for r in refused] == ["already_claimed"]


async def test_a_released_conversation_is_the_bots_again_with_a_fresh_visit(desk):
    who, conversation = await begin(desk)
    await customer.ask_for_person(desk, who, conversation)
    await claim(desk, LIN, conversation)
    await write(desk, LIN, conversation, "您好", "m1", note=False)
    await release(desk, LIN, conversation, "bot", resolved=True)
    assert await bot.begin_turn(desk, conversation) is None
    await customer.say(desk, who, conversation, "还有一件事", "k9")
    turn = await bot.begin_turn(desk, conversation)
    assert turn.request["sender"].endswith(":2")
    assert turn.request["text"] == "还有一件事"


async def test_a_callback_applied_by_many_at_once_has_its_effect_once(desk):
    _who, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        order = await orders.get(tx, ticket.order_id)
    body = f'{{"kuaidinum": "{order.waybill}", "data": {{"status": 10}}}}'
    assert await callbacks.keep(desk, "kuaidi100.order", body)
    results = await asyncio.gather(*(apply_order(desk, order.id) for _ in range(3)))
    assert [r.code for done in results for r in done] == ["complete"]
    async with desk.db.begin() as tx:
        assert (await ticket_store.get(tx, ticket.id)).state == "completed"
        assert (await orders.get(tx, ticket.order_id)).state == "collected"


@pytest.mark.parametrize("body", ["{}", '{"data": {"status": null}}', '{"lastResult": 5}'])
async def test_a_callback_that_cannot_be_understood_is_kept_with_the_reason(desk, body):
    padded = body + " " * uuid.uuid4().int.__mod__(5000)
    await callbacks.keep(desk, "kuaidi100.order", padded)
    async with desk.db.begin() as tx:
        query = text("select result from callbacks where body = :body")
        result = await tx.scalar(query, {"body": padded})
    assert result.startswith("not understood: expected a status")


async def test_tickets_are_closed_seven_days_after_completion_and_not_before(desk):
    _, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation)
        from desk.rules.ticket import Complete

        await tickets.complete(desk, tx, held, ticket.id, Complete("agent", "done"), "好了", "x")
    await tickets.close_old(desk)
    async with desk.db.begin() as tx:
        assert (await ticket_store.get(tx, ticket.id)).state == "completed"
    later = replace(desk, now=lambda: datetime.now(UTC) + timedelta(days=7, minutes=1))
    await tickets.close_old(later)
    async with desk.db.begin() as tx:
        assert (await ticket_store.get(tx, ticket.id)).state == "closed"


async def test_an_agent_sees_the_newest_events_of_a_long_conversation(desk, monkeypatch):
    _, conversation = await begin(desk)
    for n in range(3):
        await write(desk, LIN, conversation, f"备注 {n}", f"note-{n}", note=True)
    log = await log_of(desk, conversation)
    assert (await agent.conversation_view(desk, conversation))["earlier_events"] == 0
    monkeypatch.setattr(agent, "EVENTS_SHOWN", 2)
    view = await agent.conversation_view(desk, conversation)
    assert view["events"] == log[-2:]
    assert view["earlier_events"] == len(log) - 2


async def test_the_database_itself_refuses_a_second_owner_and_a_second_open_ticket(desk):
    _, conversation = await begin(desk)
    ticket, _ = await open_ticket(desk, conversation, f"{conversation}:1")
    forbidden = (
        f"update conversations set owner = 'agent' where id = '{conversation}'",
        f"update conversations set owner = 'queue' where id = '{conversation}'",
        "insert into tickets select 't_twin' || id, order_id, conversation_id, category, text, "
        "state, opened_by, opened_at, due_at, active_since, completed_at, completed_by, "
        f"completed_because, reopened, review from tickets where id = '{ticket.id}'",
        f"update tickets set state = 'completed' where id = '{ticket.id}'",
    )
    from sqlalchemy.exc import IntegrityError

    for statement in forbidden:
        with pytest.raises(IntegrityError):
            async with desk.db.begin() as tx:
                await tx.execute(text(statement))


async def test_the_tables_used_in_queries_are_the_tables_the_migrations_make(desk):
    async with desk.db.begin() as tx:
        rows = await tx.execute(
            text(
                "select table_name, column_name from information_schema.columns "
                "where table_schema = 'public'"
            )
        )
        found: dict[str, set[str]] = {}
        for table, column in rows:
            found.setdefault(table, set()).add(column)
    for table in metadata.sorted_tables:
        assert {column.name for column in table.columns} == found[table.name], table.name
