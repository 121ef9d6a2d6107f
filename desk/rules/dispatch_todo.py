"""What the due step of a dispatch is: to send, to look up, to ask, to give up, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from desk.rules.dispatch import (
    THERE,
    Command,
    Dispatch,
    GiveUp,
    Lose,
    Send,
    given_up_at,
    next_question,
)

#: What the job does next: a command to carry out at once, a question to the other side, or nothing.
Todo = Command | Literal["look_up", "ask"] | None


def todo(
    dispatch: Dispatch, now: datetime, *, needed: bool, parent: Dispatch | None = None
) -> Todo:
    """What the due step of a dispatch is.

    Args:
        needed: its ticket is active, and no later round has taken its place.
        parent: of an addition: the dispatch of the ticket itself.
    """
    missing = dispatch.request.get("missing")
    if parent is not None and not (parent.remote_id or parent.repeatable):
        missing = ["number"]  # an agent found it there and did not say under which number
    match dispatch.state:
        case "waiting" if not needed:
            return GiveUp("no longer needed")
        case "waiting" if parent is not None and parent.state not in THERE:
            return None  # the acceptance of the ticket itself brings it up again
        case "waiting" if missing:
            return GiveUp("missing: " + ", ".join(map(str, missing)))
        case "waiting" | "unknown" if dispatch.tries and now >= given_up_at(dispatch):
            return GiveUp(dispatch.why)
        case "waiting":
            return Send()
        case "sending":
            return Lose("the process ended during the call")
        case "unknown" if dispatch.repeatable:
            return Send() if needed else GiveUp("no longer needed")
        case "unknown" if dispatch.part:
            return "look_up"
        case "unknown":
            return GiveUp(dispatch.why)
        case "accepted" if needed:
            return "ask"
        case _:
            return None


def asked(dispatch: Dispatch, status: str | None, now: datetime) -> Dispatch:
    """After asking for news: once more asked, and what the other side called its state."""
    count = int(dispatch.answer.get("asked") or 0) + 1
    changed = replace(dispatch, answer={**dispatch.answer, "asked": count}, updated_at=now)
    if status:
        changed = replace(changed, answer={**changed.answer, "status": status})
    return replace(changed, next_at=next_question(changed, now))
