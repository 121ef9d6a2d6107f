"""What agents can do about a dispatch that is stuck, and how they are called to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.agent import Agent
from desk.flow.desk import Desk
from desk.flow.dispatch_outcome import Held, hold, settle
from desk.flow.dispatch_shown import actions, shown
from desk.flow.dispatching import plan
from desk.flow.handover import clock_words, hand_over
from desk.rules.conversation import AgentNote
from desk.rules.dispatch import Accept, GiveUp, decide
from desk.rules.refused import Refused
from desk.rules.ticket import ACTIVE, Entry
from desk.store import dispatches, events, tickets
from desk.store import jobs as job_names

Action = Literal["mark_sent", "again"]
#: Under this name the desk itself leaves notes for agents.
DESK_NAME = "Kefu"
#: The bot finishes its turn first: its answer is no longer written once a person has the customer.
AFTER_THE_BOT = timedelta(seconds=5)
MISSING = "missing: "
_VIA = {"kuaidi100": "快递100", "webhook": "商家系统"}
_NEEDED = {
    "waybill": "运单号",
    "number": "对方的工单号",
    "details.weight_kg": "重量（订单信息）",
    "details.goods_value": "货值（订单信息）",
}


async def act(
    desk: Desk, agent: Agent, ticket_id: str, action: Action, number: str | None = None
) -> dict[str, Any]:
    """`mark_sent`: it is there, found or sent by hand, under `number`. `again`: a new round.

    Raises:
        Refused: `not_found`, `ticket_state` (settled already), `dispatch_state` (not stuck),
            `dispatch_nowhere` (nobody takes it any more).
    """
    async with desk.db.begin() as tx:
        last = await dispatches.last(tx, ticket_id)
        held = await hold(desk, tx, last.id) if last else None
        if held is None:
            raise Refused("not_found", what="dispatch")
        if held.ticket.state not in ACTIVE:
            raise Refused("ticket_state", state=held.ticket.state, command=action)
        if action not in actions(held.dispatch):
            raise Refused("dispatch_state", state=held.dispatch.state, command=action)
        author = f"agent:{agent.name}"
        if action == "mark_sent":
            await settle(desk, tx, held, Accept(number), author)
        else:
            await _again(desk, tx, held, author)
        view = await shown(tx, ticket_id)
        assert view is not None
        return view


async def _again(desk: Desk, tx: AsyncConnection, held: Held, author: str) -> None:
    now = desk.now()
    if held.dispatch.state == "unknown":
        stopped = decide(held.dispatch, GiveUp(held.dispatch.why), now)
        await dispatches.save(tx, held.dispatch, stopped)
    planned = await plan(desk, tx, held.ticket)
    if planned is None:
        raise Refused("dispatch_nowhere")
    entry = Entry("dispatch_again", f"{planned.via} {planned.round}")
    await tickets.add_entry(tx, held.ticket.id, entry, author, now)


async def call_person(desk: Desk, dispatch_id: str) -> bool:
    """The job `call_for_dispatch`: a person learns what is stuck and what to look up, once.

    Returns:
        Whether somebody was told.
    """
    async with desk.db.begin() as tx:
        held = await hold(desk, tx, dispatch_id)
        if held is None or held.dispatch.state not in ("refused", "given_up"):
            return False
        if held.ticket.state not in ACTIVE or not held.current:
            return False
        conversation, key = held.conversation, f"dispatch:{dispatch_id[-12:]}"
        if await events.by_client_id(tx, conversation.id, "agent", key):
            return False  # told before: this job was run twice
        if conversation.owner == "bot" and conversation.unanswered_since is not None:
            later = desk.now() + AFTER_THE_BOT
            await desk.jobs.defer(
                tx, job_names.CALL_FOR_DISPATCH, lock=None, at=later, dispatch_id=dispatch_id
            )
            return False
        told = summary(desk, held)
        note = AgentNote("", DESK_NAME, told, key)
        conversation, _ = await desk.carry_out(tx, conversation, note)
        await hand_over(
            desk,
            tx,
            conversation,
            "dispatch_failed",
            told,
            words=lambda queue: _words(desk, conversation.lang, held, queue),
        )
        return True


def _words(desk: Desk, lang: str, held: Held, queue: Mapping[str, Any]) -> str:
    """What the customer reads, who did not ask for a person: which request needs one."""
    label = desk.content.categories.label(held.ticket.category, lang)
    if "promised_at" not in queue:
        return desk.say("utter_dispatch_handed_over", lang, label=label)
    promise = clock_words(desk, datetime.fromisoformat(queue["promised_at"]), lang)
    return desk.say("utter_dispatch_handed_over_closed", lang, label=label, promise=promise)


def missing(why: str) -> list[str]:
    """What a dispatch lacks, by the reason it stopped for; empty: it stopped for another."""
    return why.removeprefix(MISSING).split(", ") if why.startswith(MISSING) else []


def summary(desk: Desk, held: Held) -> str:
    """What an agent reads: what happened, and what to do now."""
    dispatch = held.dispatch
    ticket = f"工单 {desk.content.categories.label(held.ticket.category, 'zh')}"
    via, why = _VIA.get(dispatch.via, dispatch.via), dispatch.why
    if names := missing(why):
        why = "缺少" + "、".join(_NEEDED.get(name, name) for name in names)
    if dispatch.part:
        return f"{ticket}：客户补充的内容没能转达{via}（{why}）。请人工转达"
    if dispatch.state == "refused":
        return f"{ticket}：{via}不接受（{why}）。请人工处理，处理后点“已送达”"
    if why != dispatch.why:
        return f"{ticket}：{why}，没有提交{via}。请人工提交后点“已送达”，或补齐后点“再发一次”"
    if dispatch.answer.get("lost") and not dispatch.repeatable:
        return (
            f"{ticket}：提交{via}没有得到确认（{why}），不知道对方是否收到。"
            f"请在{via}后台按运单号核对：有就点“已送达”，没有就点“再发一次”"
        )
    return f"{ticket}：一直没能送达{via}（{why}）。请人工处理后点“已送达”，或点“再发一次”"
