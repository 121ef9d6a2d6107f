"""How a simulated customer answers: from their own need and what is on the screen, nothing else."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.cases import CATEGORIES, NO_TICKET, Case

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the customer does next: `tap` a choice, `say` the first message again, or `stop`.

    `slipped` is true when the tap was a mistake of theirs.
    """

    kind: str
    choice: str = ""
    slipped: bool = False


STOP = Reply("stop")
SAY_AGAIN = Reply("say")


def offered(events: Sequence[Event]) -> dict[str, str]:
    """Choice id -> label of the newest bot message that offers more than a person.

    When every message offers at most `human`, that one choice is all there is.

    Args:
        events: what the desk wrote since the customer's last turn, oldest first.
    """
    only_human: dict[str, str] = {}
    for event in reversed(events):
        if event.get("author") == "customer":
            continue
        choices = {str(one["id"]): str(one["label"]) for one in event.get("choices") or ()}
        if set(choices) - {"human"}:
            return choices
        only_human = only_human or choices
    return only_human


def words(events: Sequence[Event]) -> str:
    """Everything the desk said in these events."""
    return "\n".join(str(e.get("text") or "") for e in events if e.get("author") != "customer")


def reply(
    case: Case,
    events: Sequence[Event],
    labels: Mapping[str, str],
    *,
    said_again: bool,
    slip: float = 0.0,
    dice: random.Random | None = None,
) -> Reply:
    """The customer's next move.

    Args:
        case: who they are; they know `true` and their own message.
        events: what the desk wrote since their last turn.
        labels: category id -> its name in the menu.
        said_again: they have already repeated themselves once.
        slip: chance, 0..1, that a wrong category is tapped when one is offered.
        dice: source of chance for slips.
    """
    if case.true in NO_TICKET:
        return STOP
    choices = offered(events)
    wrong = [one for one in choices if one in CATEGORIES and one != case.true]
    if case.in_scope and wrong and dice is not None and dice.random() < slip:
        return Reply("tap", dice.choice(wrong), slipped=True)
    for choice in (case.true, "none"):
        if choice in choices:
            return Reply("tap", choice)
    if {"yes", "no"} & set(choices):
        # "Is it <the need>?" is the only question whose yes they can be sure of.
        named = bool(labels.get(case.true)) and labels[case.true] in words(events)
        answer = "yes" if named else "no"
        if answer in choices:
            return Reply("tap", answer)
    return STOP if said_again else SAY_AGAIN


def correction(events: Sequence[Event]) -> Reply:
    """How a customer says that the ticket just opened is the wrong one, if the desk lets them."""
    choices = offered(events)
    for choice in ("none", "no"):
        if choice in choices:
            return Reply("tap", choice)
    return STOP
