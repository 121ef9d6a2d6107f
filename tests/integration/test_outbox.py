"""Notifications on a real PostgreSQL, over real HTTP: told once, sent at least once, in order."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy
from sqlalchemy import text
from standardwebhooks.webhooks import Webhook

from desk.edges import courier
from desk.edges.courier import Courier
from desk.edges.webhook import WebhookClient
from desk.flow import agent, customer, handover, outbox, tickets
from desk.rules.notifications import WAITS_S
from desk.rules.refused import Refused
from desk.rules.ticket import Complete
from desk.settings import new_secret
from tests.integration.receiver import Receiver
from tests.integration.test_flow import LIN, begin, open_ticket

SECRET = new_secret("webhook_secret")
#: Noon in Shanghai: nobody sleeps.
NOON = datetime(2026, 11, 5, 4, tzinfo=UTC)
EVENING = NOON + timedelta(hours=11)  # 23:00
MORNING = NOON + timedelta(hours=20)  # 08:00


class Clock:
    """The desk's clock, moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def told(desk):
    """The desk with a webhook set, at noon; its `counted` lists what became of deliveries."""
    async with desk.db.begin() as tx:
        await tx.execute(text("delete from deliveries"))
    made = replace(desk, notifies=True, base_url="https://help.example", now=Clock(NOON))
    made.counted = []
    made.on_delivery = lambda kind, outcome: made.counted.append((kind, outcome))
    return made


@pytest.fixture
async def receiver():
    async with Receiver() as made:
        yield made


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(courier, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(WebhookClient, "timeout_s", 30.0)  # a busy machine is no slow receiver


@pytest.fixture
def _hurried(monkeypatch):
    """For a receiver that never answers."""
    monkeypatch.setattr(WebhookClient, "timeout_s", 2.0)


@asynccontextmanager
async def sending(desk, receiver):
    """The courier at work."""
    client = WebhookClient(receiver.url, SECRET)
    await client.open()
    task = asyncio.create_task(Courier(desk, client.send, 8).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def tell(desk, conversation_id, kind="ticket.progress", ticket=None, **more):
    async with desk.db.begin() as tx:
        held = await desk.must_lock(tx, conversation_id)
        await outbox.tell(desk, tx, kind, held, ticket, **more)


async def rows(desk) -> list:
    async with desk.db.begin() as tx:
        return list(await tx.execute(text("select * from deliveries order by number")))


async def states(desk) -> list[str]:
    return [row.state for row in await rows(desk)]


async def until(desk, *wanted: str) -> None:
    """Wait until the deliveries are in these states and none is under way."""
    await until_all(desk, lambda found: [row.state for row in found] == list(wanted))


async def until_tried(desk, times: int) -> None:
    """Wait until the last delivery has been tried so often, and what came of it is stored."""
    await until_all(desk, lambda found: found[-1].tries == times)


async def until_all(desk, true) -> None:
    for _ in range(3000):
        found = await rows(desk)
        if true(found) and all(row.sending_until is None for row in found):
            return
        await asyncio.sleep(0.02)
    raise AssertionError([(row.state, row.tries, row.last_error) for row in await rows(desk)])


# --- what is told ---------------------------------------------------------------------------------


async def test_nothing_is_stored_where_no_webhook_is_set(desk):
    async with desk.db.begin() as tx:
        await tx.execute(text("delete from deliveries"))
    who, conversation = await begin(desk)
    await open_ticket(desk, conversation, f"{conversation}:1")
    await customer.ask_for_person(desk, who, conversation)
    await agent.claim(desk, LIN, conversation)
    await agent.write(desk, LIN, conversation, "您好", "k1", note=False)
    await outbox.reading(desk, conversation)
    assert await rows(desk) == []


async def test_a_tickets_life_is_told_in_order_and_signed(told, receiver):
    who, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    async with told.db.begin() as tx:
        held = await told.must_lock(tx, conversation)
        command = Complete("fact", "parcel.collected")
        await tickets.complete(told, tx, held, ticket.id, command, "已办结：快递已揽收。", "system")
    await customer.reopen_ticket(told, who, ticket.id)
    async with told.db.begin() as tx:
        held = await told.must_lock(tx, conversation)
        await tickets.correct(told, tx, held, ticket.id, "courier_complaint", "agent:小林")
    async with sending(told, receiver):
        await until(told, *["delivered"] * 4)
    assert receiver.kinds == [
        "ticket.opened",
        "ticket.completed",
        "ticket.reopened",
        "ticket.corrected",
    ]
    for headers, body in receiver.requests:
        Webhook(SECRET).verify(body, headers)
    states_told = [body["data"]["ticket"]["state"] for body in receiver.bodies]
    assert states_told == ["open", "completed", "open", "open"]
    seqs = [body["data"]["seq"] for body in receiver.bodies]
    assert seqs == sorted(seqs) and len(set(seqs)) == 4
    assert len(set(receiver.ids)) == 4
    assert told.counted == [(kind, "delivered") for kind in receiver.kinds]


async def test_the_body_says_what_an_sms_needs_and_nothing_more(told, receiver):
    who, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    async with told.db.begin() as tx:
        held = await told.must_lock(tx, conversation)
        order = held.order_id
        command = Complete("fact", "parcel.collected")
        await tickets.complete(told, tx, held, ticket.id, command, "已办结：快递已揽收。", "system")
    async with sending(told, receiver):
        await receiver.got(2)
    body = receiver.bodies[1]
    assert body == {
        "type": "ticket.completed",
        "timestamp": "2026-11-05T04:00:00+00:00",
        "data": {
            "conversation": conversation,
            "order": order,
            "customer": who,
            "lang": "zh",
            "text": "已办结：快递已揽收。",
            "url": f"https://help.example/chat?order={order}&lang=zh",
            "seq": body["data"]["seq"],
            "seen_live": False,
            "ticket": {
                "id": ticket.id,
                "category": "pickup_urge",
                "label": "催取件",
                "state": "completed",
            },
        },
    }


async def test_what_an_agent_wrote_stays_in_the_house(told):
    who, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    await agent.resolve_ticket(told, LIN, ticket.id, "已给13800138000打电话")
    await customer.ask_for_person(told, who, conversation)
    await agent.claim(told, LIN, conversation)
    await agent.write(told, LIN, conversation, "请联系13900139000", "k1", note=False)
    found = await rows(told)
    assert [row.kind for row in found] == [
        "ticket.opened",
        "ticket.completed",
        "conversation.agent_message",
    ]
    assert not any("13800138000" in row.body or "13900139000" in row.body for row in found)


async def test_every_kind_has_its_own_sentence_in_both_languages(told):
    _, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    for kind in outbox.KINDS:
        for lang in ("zh", "en"):
            words = outbox._own_words(told, kind, lang, ticket)
            assert words and "{" not in words
            if lang == "zh":
                assert len(words) <= 70  # one SMS


async def test_an_unknown_kind_is_a_mistake_even_where_nothing_is_sent(desk):
    _, conversation = await begin(desk)
    with pytest.raises(ValueError, match=r"ticket\.sold"):
        await tell(desk, conversation, "ticket.sold")


async def test_what_is_rolled_back_is_not_told(told):
    _, conversation = await begin(told)
    with pytest.raises(RuntimeError):
        async with told.db.begin() as tx:
            held = await told.must_lock(tx, conversation)
            await outbox.tell(told, tx, "ticket.progress", held)
            raise RuntimeError
    assert await rows(told) == []


async def test_asking_for_a_person_is_no_news_but_an_escalation_is(told):
    who, conversation = await begin(told)
    await customer.ask_for_person(told, who, conversation)
    assert await rows(told) == []
    _, other = await begin(told)
    async with told.db.begin() as tx:
        held = await told.must_lock(tx, other)
        await handover.hand_over(told, tx, held, "escalated", "停滞")
    assert [row.kind for row in await rows(told)] == ["conversation.handed_over"]


async def test_an_agents_answer_is_told_and_what_follows_at_once_is_not(told):
    who, conversation = await begin(told)
    await customer.say(told, who, conversation, "在吗", "c1")
    await customer.ask_for_person(told, who, conversation)
    await agent.claim(told, LIN, conversation)
    for number in range(3):
        await agent.write(told, LIN, conversation, f"第{number}句", f"a{number}", note=False)
    await agent.write(told, LIN, conversation, "内部", "n", note=True)
    assert len(await rows(told)) == 1
    await customer.say(told, who, conversation, "还有一件事", "c2")
    await agent.write(told, LIN, conversation, "好的", "a4", note=False)
    assert len(await rows(told)) == 2
    told.now.pass_s(11 * 60)
    await agent.write(told, LIN, conversation, "查到了", "a5", note=False)
    assert len(await rows(told)) == 3


async def test_news_say_whether_the_customer_has_the_page_open(told):
    _, conversation = await begin(told)
    await outbox.reading(told, conversation)
    await tell(told, conversation)
    told.now.pass_s(40)
    await tell(told, conversation)
    await outbox.reading(told, conversation)
    await outbox.reading(told, conversation, still=False)
    await tell(told, conversation)
    flags = ['"seen_live":true' in row.body for row in await rows(told)]
    assert flags == [True, False, False]


# --- trouble on the way ---------------------------------------------------------------------------


async def test_a_failed_delivery_is_sent_again_with_the_same_id_and_a_new_signature(
    told, receiver, _hurried
):
    receiver.script = [500, "reset", "slow"]
    _, conversation = await begin(told)
    await tell(told, conversation)
    async with sending(told, receiver):
        for number, wait_s in enumerate(WAITS_S[:3], start=1):
            await receiver.got(number)
            await until(told, "waiting")
            row = (await rows(told))[0]
            assert row.not_before == told.now() + timedelta(seconds=wait_s)
            told.now.pass_s(wait_s)
        await until(told, "delivered")
    assert len(set(receiver.ids)) == 1
    assert len(receiver.requests) == 4
    assert len({body for _, body in receiver.requests}) == 1
    for headers, body in receiver.requests:
        Webhook(SECRET).verify(body, headers)
    assert [outcome for _, outcome in told.counted] == ["failed"] * 3 + ["delivered"]


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (500, "HTTP 500 the receiver says 500"),
        ("reset", "unreachable ServerDisconnectedError"),
        ("slow", "timeout 2 s"),
    ],
)
async def test_the_last_error_is_kept_for_the_supervisor(
    told, receiver, behaviour, error, _hurried
):
    receiver.script = [behaviour]
    _, conversation = await begin(told)
    await tell(told, conversation)
    async with sending(told, receiver):
        await receiver.got(1)
        await until(told, "waiting")
    assert (await rows(told))[0].last_error == error


async def test_nobody_listening_is_a_failure_like_another(told, receiver):
    _, conversation = await begin(told)
    await tell(told, conversation)
    await receiver.__aexit__()
    async with sending(told, receiver):
        await until_tried(told, 1)
    row = (await rows(told))[0]
    assert (row.state, row.tries) == ("waiting", 1)
    assert row.last_error.startswith("unreachable ")
    await receiver.__aenter__()


async def test_gone_is_dead_at_once_and_a_refusal_after_three_tries(told, receiver):
    receiver.behave = lambda body: 410 if body["type"] == "ticket.asked" else 401
    _, one = await begin(told)
    _, other = await begin(told)
    await tell(told, one, "ticket.asked")
    await tell(told, other, "ticket.progress")
    async with sending(told, receiver):
        await until(told, "dead", "waiting")
        for tries, wait_s in enumerate(WAITS_S[:2], start=1):
            await until_tried(told, tries)
            told.now.pass_s(wait_s)
        await until(told, "dead", "dead")
    assert [row.tries for row in await rows(told)] == [1, 3]


async def test_after_a_day_it_is_dead(told, receiver):
    receiver.behave = lambda body: 503
    _, conversation = await begin(told)
    await tell(told, conversation, "conversation.agent_message")  # at any hour
    async with sending(told, receiver):
        for number, wait_s in enumerate([*WAITS_S, 0], start=1):
            await until_tried(told, number)
            told.now.pass_s(wait_s)
        await until(told, "dead")
    assert told.now() - NOON > timedelta(hours=24)
    told.now.pass_s(30 * 24 * 3600)
    assert await outbox.take(told, 8) == []


async def test_a_redirection_is_not_followed(told, receiver):
    receiver.script = [307]
    receiver.headers = {"Location": receiver.url}
    _, conversation = await begin(told)
    await tell(told, conversation)
    async with sending(told, receiver):
        await receiver.got(1)
        await until(told, "waiting")
        await asyncio.sleep(0.1)
    assert len(receiver.requests) == 1


async def test_the_receiver_may_ask_for_time(told, receiver):
    receiver.script = [429]
    receiver.headers = {"Retry-After": "120"}
    _, conversation = await begin(told)
    await tell(told, conversation)
    async with sending(told, receiver):
        await receiver.got(1)
        await until(told, "waiting")
    assert (await rows(told))[0].not_before == NOON + timedelta(seconds=120)


async def test_a_process_that_dies_while_sending_leaves_it_to_another(told, receiver):
    _, conversation = await begin(told)
    await tell(told, conversation)
    (taken,) = await outbox.take(told, 8)  # and never settled
    assert await outbox.take(told, 8) == []
    told.now.pass_s(31)
    async with sending(told, receiver):
        await until(told, "delivered")
    assert receiver.ids == [taken.id]
    late = await outbox.settle(told, taken, outbox.Answer(500, "HTTP 500"))
    assert late.outcome == "failed"  # what the dead one would have said changes nothing
    assert await states(told) == ["delivered"]


async def test_two_couriers_send_each_delivery_once(told, receiver):
    for _ in range(12):
        _, conversation = await begin(told)
        await tell(told, conversation)
    async with sending(told, receiver), sending(told, receiver), sending(told, receiver):
        await until(told, *["delivered"] * 12)
    assert len(receiver.ids) == len(set(receiver.ids)) == 12


async def test_a_conversations_news_keep_their_order_whatever_fails(told, receiver):
    receiver.script = [500, 204]
    _, conversation = await begin(told)
    await tell(told, conversation, "ticket.opened")
    await tell(told, conversation, "ticket.progress")
    _, other = await begin(told)
    async with sending(told, receiver):
        await until_all(told, lambda found: found[0].tries == 1)
        await asyncio.sleep(0.2)
        assert receiver.kinds == ["ticket.opened"]  # the second one waits for the first
        await tell(told, other, "ticket.reopened")  # another conversation does not
        await receiver.got(2)
        told.now.pass_s(WAITS_S[0])
        await until(told, *["delivered"] * 3)
    assert receiver.kinds == [
        "ticket.opened",
        "ticket.reopened",
        "ticket.opened",
        "ticket.progress",
    ]


async def test_news_that_nobody_takes_do_not_hold_up_a_conversation_for_long(told, receiver):
    receiver.behave = lambda body: 500 if body["type"] == "ticket.opened" else 204
    _, conversation = await begin(told)
    await tell(told, conversation, "ticket.opened")
    await tell(told, conversation, "ticket.progress")
    async with sending(told, receiver):
        for tries, wait_s in enumerate(WAITS_S[:4], start=1):
            await until_all(told, lambda found, tries=tries: found[0].tries == tries)
            told.now.pass_s(wait_s)
        await until(told, "waiting", "delivered")


async def test_a_receiver_that_hangs_takes_no_place_from_anybody_else(told, receiver):
    receiver.behave = lambda body: "slow"
    for _ in range(8):
        _, conversation = await begin(told)
        await tell(told, conversation)
    async with sending(told, receiver):
        await receiver.got(8)
        who, conversation = await begin(told)
        async with asyncio.timeout(WebhookClient.timeout_s / 2):  # not when a place is free again
            await customer.say(told, who, conversation, "在吗", "c1")


# --- quiet hours ----------------------------------------------------------------------------------


async def test_of_the_nights_news_about_a_ticket_only_the_newest_is_sent_in_the_morning(
    told, receiver
):
    told.now.now = EVENING
    _, conversation = await begin(told)
    _, other = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    await open_ticket(told, other, f"{other}:1")
    async with sending(told, receiver):
        told.now.pass_s(3600)
        await tell(told, conversation, "ticket.progress", ticket)
        told.now.pass_s(3600)
        await tell(told, conversation, "ticket.completed", ticket)
        await asyncio.sleep(0.2)
        assert receiver.requests == []
        told.now.now = MORNING
        await until(told, "superseded", "delivered", "superseded", "delivered")
    assert sorted(receiver.kinds) == ["ticket.completed", "ticket.opened"]
    assert told.counted[:2] == [("ticket.opened", "superseded"), ("ticket.progress", "superseded")]


async def test_an_agents_answer_is_sent_at_night_past_what_waits_for_the_morning(told, receiver):
    told.now.now = EVENING
    _, conversation = await begin(told)
    await open_ticket(told, conversation, f"{conversation}:1")
    await tell(told, conversation, "conversation.agent_message")
    async with sending(told, receiver):
        await until(told, "waiting", "delivered")
        assert receiver.kinds == ["conversation.agent_message"]
        told.now.now = MORNING
        await until(told, "delivered", "delivered")


async def test_a_try_that_would_fall_into_the_night_waits_for_the_morning(told, receiver):
    told.now.now = EVENING - timedelta(hours=1, seconds=3)  # 21:59:57
    receiver.script = [500]
    _, conversation = await begin(told)
    await tell(told, conversation)
    async with sending(told, receiver):
        await receiver.got(1)
        await until(told, "waiting")
    row = (await rows(told))[0]
    assert (row.not_before, row.held) == (MORNING, True)


async def test_news_of_the_evening_that_nobody_could_send_wakes_nobody_at_night(told, receiver):
    told.now.now = EVENING - timedelta(hours=1, minutes=5)  # 21:55, and no courier is at work
    _, conversation = await begin(told)
    await tell(told, conversation)
    await tell(told, conversation, "conversation.agent_message")
    told.now.now = EVENING
    async with sending(told, receiver):
        await until(told, "waiting", "delivered")
        row = (await rows(told))[0]
        assert (row.not_before, row.held, row.tries) == (MORNING, True, 0)
        told.now.now = MORNING
        await until(told, "delivered", "delivered")
    assert receiver.kinds == ["conversation.agent_message", "ticket.progress"]


async def test_a_handover_told_twice_in_a_night_is_sent_once(told):
    told.now.now = EVENING
    _, conversation = await begin(told)
    await tell(told, conversation, "conversation.handed_over")
    await tell(told, conversation, "conversation.handed_over")
    assert await states(told) == ["superseded", "waiting"]


async def test_what_is_being_sent_is_not_superseded(told):
    told.now.now = EVENING
    _, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    told.now.now = MORNING
    (taken,) = await outbox.take(told, 8)
    told.now.now = MORNING + timedelta(seconds=1)
    await tell(told, conversation, "ticket.progress", ticket)
    await outbox.settle(told, taken, outbox.Answer(204))
    assert await states(told) == ["delivered", "waiting"]


# --- dead letters ---------------------------------------------------------------------------------


async def kill(desk, conversation, kind="ticket.progress", ticket=None) -> str:
    """News that end up dead."""
    await tell(desk, conversation, kind, ticket)
    last = ""
    while taken := await outbox.take(desk, 8):
        for parcel in taken:
            await outbox.settle(desk, parcel, outbox.Answer(410, "HTTP 410 gone"))
            last = parcel.id
    return last


async def test_a_dead_delivery_is_shown_and_sent_again_with_the_same_id(told, receiver):
    _, conversation = await begin(told)
    dead = await kill(told, conversation)
    view = await outbox.deliveries_view(told)
    assert view["counts"] == {"waiting": 0, "failing": 0, "dead": 1}
    (shown,) = view["deliveries"]
    assert (shown["id"], shown["last_error"], shown["tries"]) == (dead, "HTTP 410 gone", 1)
    assert "body" not in shown and "text" not in shown
    again = await outbox.send_again(told, dead)
    assert (again["state"], again["tries"]) == ("waiting", 0)
    async with sending(told, receiver):
        await until(told, "delivered")
    assert receiver.ids == [dead]
    assert (await outbox.send_again(told, dead))["state"] == "delivered"  # nothing to send again
    assert (await outbox.deliveries_view(told))["deliveries"] == []


async def test_one_that_has_failed_can_be_sent_now_but_not_one_under_way(told, receiver):
    _, conversation = await begin(told)
    await tell(told, conversation)
    (taken,) = await outbox.take(told, 8)
    assert (await outbox.send_again(told, taken.id))["may_send_again"] is False
    assert await outbox.take(told, 8) == []
    await outbox.settle(told, taken, outbox.Answer(500, "HTTP 500"))
    (waiting,) = (await outbox.deliveries_view(told, ["waiting"]))["deliveries"]
    assert waiting["may_send_again"] is True
    await outbox.send_again(told, taken.id)
    assert [parcel.id for parcel in await outbox.take(told, 8)] == [taken.id]


async def test_all_again_sends_only_the_newest_news_of_each_ticket(told, receiver):
    _, conversation = await begin(told)
    ticket, _ = await open_ticket(told, conversation, f"{conversation}:1")
    await kill(told, conversation, "ticket.progress", ticket)
    await kill(told, conversation, "ticket.completed", ticket)
    await kill(told, conversation, "conversation.handed_over")
    assert await states(told) == ["dead"] * 4
    assert await outbox.send_all_again(told) == {"again": 2, "superseded": 2, "left": 0}
    async with sending(told, receiver):
        await until(told, "superseded", "superseded", "delivered", "delivered")
    assert receiver.kinds == ["ticket.completed", "conversation.handed_over"]


async def test_all_again_takes_a_thousand_at_a_time_in_a_few_statements(told):
    _, conversation = await begin(told)
    await kill(told, conversation)
    async with told.db.begin() as tx:
        await tx.execute(
            text(
                "insert into deliveries (id, kind, body, conversation_id, not_before, state, tries,"
                " held, created_at, updated_at) select id || n, kind, body, conversation_id,"
                " not_before, state, tries, held, created_at, updated_at"
                " from deliveries, generate_series(1, 1500) as n"
            )
        )
    statements = []
    sqlalchemy.event.listen(
        told.db.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    assert await outbox.send_all_again(told) == {"again": 1000, "superseded": 0, "left": 501}
    assert len(statements) < 8
    assert await outbox.send_all_again(told) == {"again": 501, "superseded": 0, "left": 0}
    assert (await outbox.counts(told))["dead"] == 0


async def test_sent_again_at_night_it_waits_for_the_morning(told):
    _, conversation = await begin(told)
    dead = await kill(told, conversation)
    told.now.now = EVENING
    assert (await outbox.send_again(told, dead))["quiet"] is True
    assert await outbox.take(told, 8) == []


async def test_an_unknown_delivery_is_not_found(told):
    with pytest.raises(Refused) as refused:
        await outbox.send_again(told, "d_nothing")
    assert refused.value.code == "not_found"


async def test_settled_deliveries_are_forgotten_after_a_month_and_waiting_ones_never(told):
    _, conversation = await begin(told)
    await kill(told, conversation)
    await tell(told, conversation)
    told.now.pass_s(29 * 24 * 3600)
    assert await outbox.forget_old(told) == 0
    told.now.pass_s(2 * 24 * 3600)
    assert await outbox.forget_old(told) == 1
    assert await states(told) == ["waiting"]
