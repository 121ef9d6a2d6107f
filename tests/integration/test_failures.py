"""Parts that die, hang or restart: the customer always has a person or a promise within 15 s."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.integration.people import SEED, Customer

pytestmark = pytest.mark.slow

PICKUP = "约了今天上午，快递员一直没来取件，麻烦催一下"


async def in_thread(function, *arguments):
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def assert_no_false_success(customer: Customer) -> None:
    """No words of success without a ticket in the log before them."""
    for event in customer.log:
        if event["author"] == "bot" and "已为您登记" in (event.get("text") or ""):
            assert any(e["kind"] == "ticket" and e["seq"] < event["seq"] for e in customer.log)


async def test_the_human_button_as_the_very_first_act_in_an_empty_chat(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        shown = await customer.human()
        assert shown["owner"] == "queue"
        assert shown["queue"]["position"] >= 1
        await customer.news()
        assert customer.owner == "queue"


async def test_ten_taps_on_the_human_button_are_one_handover(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        await asyncio.gather(*(customer.human() for _ in range(10)))
        await customer.news()
        assert [e["kind"] for e in customer.log].count("owner") == 1


#: What happens to which part, and how it is mended.
OUTAGES = [
    pytest.param(part, trouble, mend, id=f"{part} {trouble}")
    for part in ("bot", "actions")
    for trouble, mend in (("kill", "restart"), ("pause", "resume"))
]


@pytest.mark.parametrize(("part", "trouble", "mend"), OUTAGES)
async def test_a_part_dead_or_hanging_a_person_has_the_conversation_within_fifteen_seconds(
    kefu, part, trouble, mend
):
    async with Customer(kefu) as customer:
        await customer.open()
        await in_thread(getattr(kefu, trouble), part)
        try:
            await customer.say(PICKUP, category="pickup_urge")
            await customer.answer(within=15)
            assert customer.owner == "queue"
            assert_no_false_success(customer)
            assert not customer.tickets
        finally:
            await in_thread(getattr(kefu, mend), part)


async def test_a_late_answer_of_the_bot_after_the_handover_is_never_shown(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        await in_thread(kefu.pause, "actions")
        await customer.say(PICKUP, category="pickup_urge")
        await customer.human()
        await in_thread(kefu.resume, "actions")
        await asyncio.sleep(3)
        await customer.news()
        handed = next(e["seq"] for e in customer.log if e["kind"] == "owner")
        assert not [e for e in customer.log if e["seq"] > handed and e["author"] == "bot"]


async def test_the_desk_killed_in_mid_conversation_loses_nothing_and_goes_on(kefu):
    async with Customer(kefu) as customer:
        await customer.open(SEED, "false_pickup")
        await customer.answer()
        await in_thread(kefu.pause, "actions")  # the turn is under way when the desk dies
        await customer.tap("pickup_urge")
        await asyncio.sleep(0.3)
        await in_thread(kefu.kill, "desk")
        await in_thread(kefu.resume, "actions")
        await in_thread(kefu.restart, "desk")
        back = time.monotonic()
        await customer.wait_for(
            lambda e: e["kind"] == "ticket" or e.get("owner") == "queue", within=15
        )
        assert time.monotonic() - back < 15
        assert [e["seq"] for e in customer.log] == list(range(1, len(customer.log) + 1))
        assert len(customer.tickets) <= 1
        assert_no_false_success(customer)


async def test_postgresql_killed_and_back_nothing_accepted_is_lost(kefu):
    async with Customer(kefu) as customer:
        await customer.open()
        sent = await customer.say("我先说一句，等会儿再说")
        await customer.answer()
        await in_thread(kefu.kill, "postgres")
        status, answer = await customer.call(
            "POST",
            f"/api/conversations/{customer.conversation}/messages",
            {"client_id": "again", "text": PICKUP},
        )
        assert status == 503
        assert answer["error"]["code"] == "try_again"
        await in_thread(kefu.restart, "postgres")
        stored = await customer.say(PICKUP, client_id="again", category="pickup_urge")
        same = await customer.say(PICKUP, client_id="again")
        assert stored["seq"] == same["seq"]
        await customer.answer(within=20)
        texts = [e.get("text") for e in customer.log]
        assert sent["text"] in texts
        assert texts.count(PICKUP) == 1
