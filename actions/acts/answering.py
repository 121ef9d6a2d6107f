"""action_choose: a tapped choice, "the first one", "yes", and what each of them settles."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.base import Tools
from actions.review.answer import Answer, read_answer
from actions.slots import SlotEvent, latest_record, slots, verdict_event
from actions.turn import Turn, read_turn


class ActionChoose(Action):
    """An answer to our question that names a choice; sets `verdict`."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_choose"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """agree: `category` is settled. clarify: the question stands. human: twice unclear."""
        turn = read_turn(tracker)
        if turn.chosen in self.tools.catalog:
            return _settled(turn, str(turn.chosen), "tap")
        if turn.intent == "affirm" and len(turn.offered) == 1:
            return _settled(turn, turn.offered[0], "typed")
        answer = read_answer(turn.text, turn.offered, self.tools.catalog.words())
        if turn.asking and answer.kind != "unclear":
            # Rules follow `clarify` here with action_ask_again, which counts nothing.
            return settle(turn, answer, self.tools, counts=True)
        return _unclear(turn)


def settle(turn: Turn, answer: Answer, tools: Tools, *, counts: bool = False) -> list[SlotEvent]:
    """What a typed answer to the open question comes to.

    `counts`: a further question is counted here, because the next action does not.
    """
    if answer.kind == "picked":
        return _settled(turn, str(answer.category), "typed")
    exhausted = turn.questions_asked >= tools.settings.most_questions
    if answer.kind == "several" and (len(turn.offered) == 2 or exhausted):
        # Both are wanted: the likelier becomes the ticket, the other stands in its text.
        also = "、".join(tools.catalog[name].label["zh"] for name in turn.offered)
        return _settled(turn, turn.offered[0], "typed", said=f"{turn.text}（{also}）")
    record = latest_record(turn.events)
    if exhausted:
        return [verdict_event("human", record)]
    offered = list(turn.offered)
    if answer.kind == "none":
        offered = likeliest(record, tools, without={*offered, *wrong_category(turn)})[:3]
    asked = {"questions_asked": turn.questions_asked + 1.0} if counts else {}
    return [
        verdict_event("clarify", record),
        *slots(offered=offered, misses=0.0, category=None, **asked),
    ]


def wrong_category(turn: Turn) -> set[str]:
    """The category of the ticket being corrected: it is not offered again."""
    category = turn.ticket_category(turn.correcting)
    return {category} if category else set()


def likeliest(record: dict[str, Any], tools: Tools, without: set[str]) -> list[str]:
    """All other categories, the likeliest of the last review first, then in menu order."""
    known: dict[str, float] = record.get("probabilities") or {}
    left = [name for name in tools.catalog if name not in without]
    return sorted(left, key=lambda name: -known.get(name, 0.0))


def _settled(turn: Turn, category: str, how: str, said: str = "") -> list[SlotEvent]:
    record = {**latest_record(turn.events), "category": category, "confirmed_by": how}
    words = [turn.request_text] if turn.asking else []
    if said or not (turn.tapped or turn.asking):
        words.append(said or turn.text)
    # A choice out of the blue begins a request of its own.
    fresh = {} if turn.asking else {"correcting": None}
    return [
        verdict_event("agree", record),
        *slots(category=category, misses=0.0, request_text="\n".join(filter(None, words)), **fresh),
    ]


def _unclear(turn: Turn) -> list[SlotEvent]:
    kind = "human" if turn.misses else "clarify"
    return [
        verdict_event(kind, latest_record(turn.events)),
        *slots(misses=turn.misses + 1.0),
    ]
