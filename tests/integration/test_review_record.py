"""Who said what before a ticket: kept with it, shown to agents, never to customers."""

from __future__ import annotations

from desk.flow.agent import conversation_view
from desk.flow.bot import bot_opens_ticket
from desk.flow.tickets import ticket_json
from desk.store import tickets
from tests.integration.test_flow import begin

MODEL = {"model": "m", "category": "pickup_urge", "quote": "还没来", "prompt_tokens": 900}


async def test_an_agent_reads_who_said_what_and_the_customer_does_not(desk) -> None:
    _, conversation = await begin(desk)
    async with desk.db.begin() as tx:
        epoch = (await desk.must_lock(tx, conversation)).epoch
    record = {"verdict": "agree", "message": [["pickup_urge", 0.9]], "model": MODEL}
    request = {
        "conversation_id": conversation,
        "epoch": epoch,
        "category": "pickup_urge",
        "idempotency_key": f"{conversation}:1",
        "text": "还没来",
        "review": record,
    }
    made = await bot_opens_ticket(desk, request)
    assert "review" not in made["ticket"]
    (seen,) = (await conversation_view(desk, conversation))["tickets"]
    assert seen["review"]["model"] == MODEL
    assert seen["review"]["message"] == [["pickup_urge", 0.9]]
    async with desk.db.begin() as tx:
        stored = await tickets.get(tx, made["ticket"]["id"])
    assert "review" not in ticket_json(desk, stored, "zh")


async def test_a_ticket_nobody_reviewed_has_no_verdict(desk) -> None:
    _, conversation = await begin(desk)
    async with desk.db.begin() as tx:
        epoch = (await desk.must_lock(tx, conversation)).epoch
    request = {
        "conversation_id": conversation,
        "epoch": epoch,
        "category": "loss_claim",
        "idempotency_key": f"{conversation}:1",
        "text": "x",
    }
    await bot_opens_ticket(desk, request)
    (seen,) = (await conversation_view(desk, conversation))["tickets"]
    assert "verdict" not in seen["review"]
