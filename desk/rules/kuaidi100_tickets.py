"""Reading what Kuaidi100 says about its tickets: answers to our calls, and its callbacks.

Source: Kuaidi100's page of the ticket API (create answers `{code, data: {id, status}, message,
success}`) and its public samples. The forms of a status, a list of messages and a callback are not
public: whatever carries a known name is read, the rest is kept as it came and shown to agents. No
status number is given a meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desk.rules.dispatch_request import plain

#: Names under which a number, words and lists of messages are looked for, the likeliest first.
#: An `id` beside a `consultId` is another thing's: a message's.
NUMBERS = ("consultId", "id")
WORDS = ("result", "content", "replyContent", "reply", "msg", "remark", "message")
LISTS = ("list", "records", "replies", "messages", "data")
#: Words of the envelope: they report on the call, not on the ticket.
ENVELOPE = frozenset({"success", "ok", "成功", "提交成功", "操作成功", "查询成功", "请求成功"})
#: Characters of a foreign text that are kept.
LIMIT = 500


@dataclass(frozen=True)
class Said:
    """What a callback or an answer says about a ticket."""

    remote_id: str | None = None
    status: str | None = None
    texts: tuple[str, ...] = ()
    #: The words stand where a result stands.
    result: bool = False


def read_said(body: Mapping[str, Any]) -> Said:
    """A callback's body, or the answer to `create` or `status`."""
    inner = body.get("data")
    layers = [inner, body] if isinstance(inner, Mapping) else [body]
    # where there is a code, the words beside it report on the call
    worded = [layer for layer in layers if not ("code" in layer or "returnCode" in layer)]
    text = next((words for layer in worded if (words := _words(layer))), "")
    return Said(
        remote_id=next(
            (n for name in NUMBERS for layer in layers if (n := _first(layer, (name,)))), None
        ),
        status=next((s for layer in layers if (s := _first(layer, ("status", "state")))), None),
        texts=(text,) if text else (),
        result=any(bool(text) and _plain(layer.get("result")) == text for layer in worded),
    )


def read_replies(answer: Mapping[str, Any]) -> list[str]:
    """The messages of a ticket, in the order they are listed; ours are among them."""
    return [words for item in _items(answer) if (words := _words(item))]


def _items(value: Any) -> list[Mapping[str, Any]]:
    if isinstance(value, list):
        return [item for item in value if isinstance(item, Mapping)]
    if isinstance(value, Mapping):
        for name in LISTS:
            if isinstance(value.get(name), list | Mapping):
                return _items(value[name])
    return []


def _words(layer: Mapping[str, Any]) -> str:
    for name in WORDS:
        kept = _plain(layer.get(name))
        if kept and kept.lower() not in ENVELOPE:
            return kept
    return ""


def _plain(value: object) -> str:
    return plain(value, LIMIT) if isinstance(value, str) else ""


def _first(layer: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = layer.get(name)
        known = isinstance(value, str | int) and not isinstance(value, bool)
        if known and (text := plain(str(value), 64)):
            return text
    return None


def raw(body: Any) -> str:
    """A body nobody can read, as an agent is shown it."""
    return plain(json.dumps(body, ensure_ascii=False), LIMIT)
