"""Handing a conversation to a person: from the customer's button, the bot, or the desk's timers."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.flow.outbox import tell
from desk.rules.conversation import Conversation, HandOver, Release
from desk.store import conversations, events, tickets

log = structlog.get_logger("desk.handover")

#: Reasons for which the bot, not the customer, is the cause: the notice says so.
_BOT_FAILED = ("bot_failed", "bot_silent", "bot_slow", "ticket_failed")
#: Days that have a name, by how far away they are.
NEAR_DAYS = {
    "zh": {-1: "昨天", 0: "今天", 1: "明天"},
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
}


async def hand_over(
    desk: Desk,
    tx: AsyncConnection,
    conversation: Conversation,
    reason: str,
    summary: str | None = None,
    epoch: int | None = None,
    words: Callable[[dict[str, Any]], str] | None = None,
) -> Conversation:
    """Bot -> queue, with the customer's notice; nothing happens if a person has it already.

    Args:
        conversation: loaded under lock in `tx`.
        reason: one of `rules.conversation.HANDOVER_REASONS`.
        summary: what the agent should know; made from the log when None.
        epoch: the epoch the bot acted in; None for the customer and the desk.
        words: the notice, made from the place in the queue; None = the usual one for `reason`.

    Raises:
        Refused: `stale_epoch`.
    """
    if conversation.owner != "bot":
        return conversation
    queue = await desk.queue_info(tx, conversation)
    command = HandOver(
        reason=reason,
        summary=summary or await make_summary(desk, tx, conversation),
        notice=words(queue) if words else notice(desk, conversation.lang, reason, queue),
        queue=queue,
        epoch=epoch,
    )
    after, _ = await desk.carry_out(tx, conversation, command)
    # who asked for it, or waits for an answer in the conversation at this moment, sees it there
    if reason != "asked" and conversation.unanswered_since is None:
        await tell(desk, tx, "conversation.handed_over", after)
    return after


def notice(desk: Desk, lang: str, reason: str, queue: dict[str, Any]) -> str:
    """What the customer is told when a person takes over."""
    if "promised_at" in queue:
        promise = clock_words(desk, datetime.fromisoformat(queue["promised_at"]), lang)
        return desk.say("utter_handed_over_closed", lang, promise=promise)
    name = "utter_bot_failed_handed_over" if reason in _BOT_FAILED else "utter_handed_over"
    return desk.say(
        name, lang, position=queue["position"], wait=wait_words(int(queue["wait_s"]), lang)
    )


def wait_words(seconds: int, lang: str) -> str:
    """A wait as people say it, after "about": `1 分钟`, `5 minutes`."""
    minutes = max(1, round(seconds / 60))
    hours = math.ceil(minutes / 60)  # as the banner of the page rounds
    if lang == "en":
        if minutes >= 60:
            return "an hour" if hours == 1 else f"{hours} hours"
        return "a minute" if minutes == 1 else f"{minutes} minutes"
    return f"{minutes} 分钟" if minutes < 60 else f"{hours} 小时"


def clock_words(desk: Desk, when: datetime, lang: str) -> str:
    """A promised time as people say it, in the desk's own time zone."""
    zone = ZoneInfo(desk.content.service.timezone)
    local, today = when.astimezone(zone), desk.now().astimezone(zone).date()
    days = (local.date() - today).days
    near = NEAR_DAYS[lang].get(days)
    if lang == "en":
        return f"by {local:%H:%M} {near or f'on {local.day} {local:%B}'}"
    return f"{near or f'{local.month}月{local.day}日'} {local:%H:%M} 前"


async def make_summary(desk: Desk, tx: AsyncConnection, conversation: Conversation) -> str:
    """A few lines for the agent: ticked category, open tickets, the last words."""
    lines = []
    if conversation.stated:
        lines.append(f"客户勾选：{desk.content.categories.label(conversation.stated, 'zh')}")
    for ticket in await tickets.active_of_order(tx, conversation.order_id):
        lines.append(f"处理中工单：{desk.content.categories.label(ticket.category, 'zh')}")
    words = await events.last_customer_message(tx, conversation.id)
    lines.append(f"客户最后说：{words[:200]}" if words else "客户还没有留言")
    return "\n".join(lines)


async def rescue_unanswered(desk: Desk) -> list[str]:
    """Hand over every conversation the bot has left unanswered for too long.

    Returns:
        The ids of the conversations handed over. Safe to run in every process at once.
    """
    limit = desk.now() - timedelta(seconds=desk.content.service.bot_answers_within_s)
    async with desk.db.begin() as tx:
        overdue = await conversations.unanswered_by_bot(tx, limit)

    async def rescue(tx: AsyncConnection, conversation: Conversation) -> bool:
        since = conversation.unanswered_since
        if conversation.owner != "bot" or since is None or since >= limit:
            return False
        await hand_over(desk, tx, conversation, "bot_slow")
        return True

    return await _rescue_each(desk, overdue, rescue)


async def rescue_left(desk: Desk) -> list[str]:
    """Put conversations back at the front of the queue whose agent is gone while a customer waits.

    Returns:
        The ids of the conversations put back.
    """
    limit = desk.now() - timedelta(seconds=desk.content.service.agent_gone_after_s)
    async with desk.db.begin() as tx:
        left = await conversations.left_by_agents(tx, limit)

    async def rescue(tx: AsyncConnection, conversation: Conversation) -> bool:
        owed = conversation.agent_owes_since
        if conversation.owner != "agent" or owed is None or owed >= limit:
            return False
        command = Release(
            agent_id=conversation.agent_id or "",
            to="queue",
            notice=desk.say("utter_agent_left_requeued", conversation.lang),
            reason="agent_left",
            queue=await desk.queue_info(tx, conversation),
            forced=True,
        )
        await desk.carry_out(tx, conversation, command)
        return True

    return await _rescue_each(desk, left, rescue)


async def _rescue_each(
    desk: Desk,
    conversation_ids: Sequence[str],
    rescue: Callable[[AsyncConnection, Conversation], Awaitable[bool]],
) -> list[str]:
    """Rescue each conversation in a transaction of its own: one that fails holds up no other."""
    rescued = []
    for conversation_id in conversation_ids:
        try:
            async with desk.db.begin() as tx:
                if await rescue(tx, await desk.must_lock(tx, conversation_id)):
                    rescued.append(conversation_id)
        except Exception:
            log.exception("a conversation could not be rescued", conversation=conversation_id)
    return rescued
