"""action_choose: a tapped choice, "the first one", "yes", and what each of them settles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.base import Tools
from actions.acts.request_words import joined
from actions.review.answer import Answer, read_answer
from actions.slots import SlotEvent, latest_record, slots, verdict_event
from actions.turn import Turn, read_turn

#: What a message may be besides an answer to the open question.
_ASIDE = frozenset(
    {"greet", "thanks", "goodbye", "chitchat", "out_of_scope", "none_of_these", "deny"}
)
#: A question with more choices than this is the whole menu: nobody wants all of that.
_MOST_TOGETHER = 3


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
        """agree: `category` is settled. clarify: the question stands. human: twice unclear.

        aside: it was no answer but small talk, or none of the choices; the rules go on with that.
        """
        turn = read_turn(tracker)
        if turn.chosen in self.tools.catalog:
            return _settled(turn, str(turn.chosen), "tap")
        if turn.intent == "affirm" and len(turn.offered) == 1:
            return _settled(turn, turn.offered[0], "typed")
        answer = read_answer(turn.text, turn.offered, self.tools.catalog.words())
        if turn.intent in _ASIDE and (
            turn.tapped
            or answer.kind == "unclear"
            or (answer.kind == "none" and turn.intent in ("none_of_these", "deny"))
        ):
            return [verdict_event("aside", latest_record(turn.events))]
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
    if answer.kind == "several" and 0 < len(answer.categories) <= _MOST_TOGETHER:
        # The first becomes the ticket, the others are noted in it.
        return _settled(turn, answer.categories[0], "typed", needs=answer.categories)
    record = latest_record(turn.events)
    if exhausted:
        return [verdict_event("human", record)]
    offered, said_no = list(turn.offered), {}
    if answer.kind == "none":
        said_no = refusing(turn)
        offered = likeliest(record, tools, without=said_no_to(turn))[:3]
        if not offered:
            return [verdict_event("human", record)]
    asked = {"questions_asked": turn.questions_asked + 1.0} if counts else {}
    return [
        verdict_event("clarify", record),
        *slots(offered=offered, misses=0.0, category=None, **said_no, **asked),
    ]


def refusing(turn: Turn) -> dict[str, Any]:
    """The slots after a "none of these" to the open question: nothing offered is wanted."""
    refused = dict.fromkeys([*turn.refused, *turn.offered])
    return {"refused": list(refused), "needs": None}


def said_no_to(turn: Turn) -> set[str]:
    """What "none of these" leaves out: all that was offered in this request, and the wrong ticket.

    `turn` is as before that answer.
    """
    return {*turn.refused, *turn.offered, *wrong_category(turn)}


def wrong_category(turn: Turn) -> set[str]:
    """The category of the ticket being corrected: it is not offered again."""
    category = turn.ticket_category(turn.correcting)
    return {category} if category else set()


def likeliest(record: dict[str, Any], tools: Tools, without: set[str]) -> list[str]:
    """All other categories, the likeliest of the last review first, then in menu order."""
    known: dict[str, float] = record.get("probabilities") or {}
    left = [name for name in tools.catalog if name not in without]
    return sorted(left, key=lambda name: -known.get(name, 0.0))


def _settled(turn: Turn, category: str, how: str, needs: Sequence[str] = ()) -> list[SlotEvent]:
    """`category` is agreed; `needs`: all that were wanted, where the answer named several."""
    record = {**latest_record(turn.events), "category": category, "confirmed_by": how}
    words = [turn.request_text] if turn.asking else []
    if needs or not (turn.tapped or turn.asking):
        words.append(turn.text)
    changed: dict[str, Any] = {"needs": list(needs)} if needs else {}
    if not turn.asking:  # a choice out of the blue begins a request of its own
        changed |= {"correcting": None, "refused": None, "needs": None}
    return [
        verdict_event("agree", record),
        *slots(category=category, misses=0.0, request_text=joined(*words), **changed),
    ]


def _unclear(turn: Turn) -> list[SlotEvent]:
    kind = "human" if turn.misses else "clarify"
    return [
        verdict_event(kind, latest_record(turn.events)),
        *slots(misses=turn.misses + 1.0),
    ]
