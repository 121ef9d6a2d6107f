"""Sending what was planned, and finding out what became of it: one job, one step at a time.

Before a call the dispatch is written down as `sending` and committed; whatever ends the process
after that, the next step finds it so and treats it as a request whose fate is not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.dispatch_outcome import Held, hold, settle
from desk.flow.dispatch_questions import ask, look_up
from desk.rules.carrier_api import (
    CarrierLimit,
    CarrierRefused,
    CarrierUnknown,
    CarrierUnreachable,
    TicketApi,
)
from desk.rules.dispatch import (
    THERE,
    Accept,
    Command,
    Dispatch,
    Fail,
    Lose,
    Refuse,
    Send,
)
from desk.rules.dispatch_todo import todo
from desk.rules.kuaidi100_tickets import read_said
from desk.rules.refused import Refused
from desk.rules.ticket import ACTIVE
from desk.store import dispatches

log = structlog.get_logger("desk.dispatch")

#: What Kuaidi100 calls a request that it has had before.
DUPLICATE = "重复"
#: Seconds between tries to write down how a call ended; with the call they are less than a minute.
PAUSES = (0.5, 2.0, 5.0, 10.0)


class MerchantApi(Protocol):
    """The merchant's system. Every call raises one of the four failures of `carrier_api`."""

    async def send(self, dispatch_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Deliver one signed request; the same id again is the same request.

        Returns:
            The JSON object answered, or {}; `id` is what the merchant's system calls it.
        """
        ...


@dataclass(frozen=True)
class Receivers:
    """Who takes dispatches in this process; None = not set up."""

    kuaidi100: TicketApi | None = None
    webhook: MerchantApi | None = None


async def step(desk: Desk, receivers: Receivers, dispatch_id: str, due: datetime) -> str:
    """The job `step_dispatch`: the one step that is due at `due`, whoever runs it and how often.

    Returns:
        What was done, for the log: the state after it, or `stale` when another job had it.
    """
    async with desk.db.begin() as tx:
        held = await hold(desk, tx, dispatch_id)
        if held is None or held.dispatch.next_at != due:
            return "stale"
        action = todo(
            held.dispatch,
            desk.now(),
            needed=held.ticket.state in ACTIVE and held.current,
            parent=await dispatches.parent_of(tx, held.dispatch) if held.dispatch.part else None,
        )
        if action is None:
            await dispatches.save(tx, held.dispatch, replace(held.dispatch, next_at=None))
            return held.dispatch.state
        if not isinstance(action, str):
            held = await settle(desk, tx, held, action)
    match action:
        case "ask":
            await ask(desk, receivers.kuaidi100, held.dispatch)
        case "look_up":
            await look_up(desk, receivers.kuaidi100, held.dispatch)
        case Send():
            outcome = await _send(desk, receivers, held.dispatch)
            return await _write_down(desk, dispatch_id, outcome)
    return held.dispatch.state


async def _write_down(desk: Desk, dispatch_id: str, outcome: Command) -> str:
    """Keep how a call ended, through a short absence of the database: it is known only here."""
    for pause in (*PAUSES, None):
        try:
            async with desk.db.begin() as tx:
                held = await hold(desk, tx, dispatch_id)
                assert held is not None
                return (await _finish(desk, tx, held, outcome)).dispatch.state
        except Exception:
            if pause is None:  # the next step finds it as lost
                raise
            log.warning("the end of a call could not be written down yet", exc_info=True)
            await asyncio.sleep(pause)
    raise AssertionError("not reached")


async def _send(desk: Desk, receivers: Receivers, dispatch: Dispatch) -> Command:
    """The call itself, outside any transaction."""
    try:
        if dispatch.via == "webhook":
            if receivers.webhook is None:
                return Fail("KEFU_DISPATCH_URL is no longer set")
            answer = await receivers.webhook.send(dispatch.id, _for_merchant(dispatch))
            return Accept(read_said(answer).remote_id)
        if receivers.kuaidi100 is None:
            return Fail("the account with Kuaidi100 is no longer set")
        if dispatch.part:
            async with desk.db.begin() as tx:
                parent = await dispatches.parent_of(tx, dispatch)
            await receivers.kuaidi100.reply(parent.remote_id or "", dispatch.request["content"])
            return Accept()
        answer = await receivers.kuaidi100.create(_for_kuaidi100(desk, dispatch))
        return Accept(read_said(answer).remote_id)
    except CarrierLimit as failure:
        return Fail(failure.why, failure.retry_at)
    except CarrierUnreachable as failure:
        return Fail(str(failure))
    except CarrierRefused as failure:
        return Refuse(str(failure))
    except CarrierUnknown as failure:
        return Lose(str(failure))


def _for_merchant(dispatch: Dispatch) -> dict[str, Any]:
    """The webhook's body: the same at every repetition."""
    data = {**dispatch.request["data"]}
    data.setdefault("dispatch", dispatch.id)
    return {
        "type": dispatch.request["type"],
        "timestamp": dispatch.created_at.isoformat(),
        "data": data,
    }


def _for_kuaidi100(desk: Desk, dispatch: Dispatch) -> dict[str, Any]:
    """The `param` of `create`. The page has the words in `desc`, the samples beside it: both."""
    content = dispatch.request["content"]
    callback = f"{desk.base_url}/hooks/kuaidi100/ticket/{dispatch.id}"
    return {
        **dispatch.request["fields"],
        "desc": {"content": content, "attach": []},
        "content": content,
        "callBackUrl": callback,
        "msgCallBackUrl": f"{callback}/message",
    }


async def _finish(desk: Desk, tx: AsyncConnection, held: Held, outcome: Command) -> Held:
    """Write down how a call ended. Word from the other side may have come before its answer."""
    if isinstance(outcome, Refuse | Lose) and DUPLICATE in outcome.why:
        outcome = await _duplicate(tx, held, outcome)
    if held.dispatch.state in THERE and not isinstance(outcome, Accept):
        return held  # it called back: it has it, whatever became of the answer
    try:
        return await settle(desk, tx, held, outcome)
    except Refused as refused:  # an agent has settled it meanwhile
        log.info("a call ended too late", dispatch=held.dispatch.ticket_id, why=str(refused))
        return held


async def _duplicate(tx: AsyncConnection, held: Held, outcome: Command) -> Command:
    """ "Had it before" is a yes where something of ours may have been there before."""
    earlier = [
        d
        for d in await dispatches.of_ticket(tx, held.ticket.id)
        if d.round < held.dispatch.round and not d.part and d.sent_at and d.state != "refused"
    ]
    if not earlier:
        return outcome
    return Accept(next((d.remote_id for d in reversed(earlier) if d.remote_id), None))
