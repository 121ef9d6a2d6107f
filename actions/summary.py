"""The handover summary: a few short Chinese lines for the agent who takes over."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actions.catalog import Catalog
from actions.slots import latest_record
from actions.turn import Turn

_SAID_LIMIT = 160  # characters of the customer's own words
_ANSWER_LIMIT = 60
_QUESTIONS = 3  # the last ones only
_OUTCOMES = {"human": "要人工", "chitchat": "闲聊", "out_of_scope": "与快递无关"}
_ANSWERS = {"/none_of_these": "都不是", "/deny": "不是", "/affirm": "是"}


def summary(turn: Turn, catalog: Catalog) -> str:
    """What was ticked, said, understood (with probabilities), wanted together, asked, answered."""
    record = latest_record(turn.events)
    lines = []
    stated = turn.stated or record.get("stated")
    if stated and stated in catalog:
        lines.append(f"勾选：{catalog[stated].label['zh']}")
    said = turn.request_text or ("" if turn.tapped else turn.text.strip())
    if said:
        lines.append(f"客户说：{_short(said.replace(chr(10), ' / '), _SAID_LIMIT)}")
    understood = _understood(record, catalog)
    if understood:
        lines.append(f"机器人理解：{understood}")
    together = [catalog[name].label["zh"] for name in turn.needs if name in catalog]
    if len(together) > 1:
        lines.append(f"同时提出：{'、'.join(together)}")
    for offered, answer in list(_asked(turn.events, catalog))[-_QUESTIONS:]:
        lines.append(f"问过：{offered}；客户答：{answer or '（未答）'}")
    for category in turn.tickets.values():
        if category in catalog:
            lines.append(f"已有工单：{catalog[category].label['zh']}")
    return "\n".join(lines) or "客户还没有说明问题。"


def _understood(record: Mapping[str, Any], catalog: Catalog) -> str:
    named = (record.get("probabilities") or {}).items()
    shares = [
        f"{catalog[name].label['zh'] if name in catalog else _OUTCOMES.get(name, name)} {p:.0%}"
        for name, p in named
        if p >= 0.05
    ]
    return "、".join(shares[:3])


def _asked(
    events: Sequence[Mapping[str, Any]], catalog: Catalog
) -> Iterator[tuple[str, str | None]]:
    """The bot's questions with choices, each with the customer's next words."""
    open_question: str | None = None
    for event in events:
        if event.get("event") == "bot":
            offered = _offered_labels(event, catalog)
            if offered:
                if open_question:
                    yield open_question, None
                open_question = offered
        elif event.get("event") == "user" and open_question:
            yield open_question, _answer(str(event.get("text") or ""), catalog)
            open_question = None
    if open_question:
        yield open_question, None


def _offered_labels(event: Mapping[str, Any], catalog: Catalog) -> str:
    buttons = (event.get("data") or {}).get("buttons") or []
    names = [_chosen(str(button.get("payload") or "")) for button in buttons]
    labels = [catalog[name].label["zh"] for name in names if name in catalog]
    return "、".join(labels) if len(labels) <= 3 else f"其余 {len(labels)} 类"


def _answer(text: str, catalog: Catalog) -> str:
    name = _chosen(text)
    if name in catalog:
        return str(catalog[name].label["zh"])
    return _ANSWERS.get(text) or _short(text, _ANSWER_LIMIT)


def _chosen(payload: str) -> str:
    """The category id in `/choose{"category":"..."}`, or ""."""
    if not payload.startswith("/choose{"):
        return ""
    try:
        return str(json.loads(payload.removeprefix("/choose")).get("category") or "")
    except ValueError:
        return ""


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
