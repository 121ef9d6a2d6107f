"""action_review: weighs a message and sets `verdict`. It says nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.answering import settle
from actions.acts.base import Tools
from actions.review.answer import read_answer, rejects
from actions.review.decision import opinion_matters, review
from actions.review.evidence import NOT_NEEDED, Evidence, Opinion, Silence, Verdict
from actions.slots import SlotEvent, slots, verdict_event
from actions.turn import Turn, read_turn

#: Longest text that goes into a ticket; the desk's own limit for one message.
_TEXT_LIMIT = 2000


class ActionReview(Action):
    """A request, or an answer to our question in the customer's own words."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_review"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """Sets verdict; with it category or offered, misses, request_text."""
        turn = read_turn(tracker)
        if turn.asking and turn.offered:
            answer = read_answer(turn.text, turn.offered, self.tools.catalog.words())
            if answer.kind != "unclear":
                return settle(turn, answer, self.tools)
        text = request_text(turn)
        correcting = turn.correcting if turn.asking else _ticket_to_correct(turn)
        evidence = _evidence(turn, correcting)
        heard = await self._ask_the_model(evidence, text)
        if isinstance(heard, Opinion):
            evidence = replace(evidence, opinion=heard)
        verdict = review(evidence, self.tools.settings)
        fresh = {} if turn.asking else {"ticket_open": bool(correcting), "questions_asked": 0.0}
        return [
            verdict_event(verdict.kind, _record(evidence, verdict, heard)),
            *slots(
                category=verdict.category,
                offered=[name for name, _ in verdict.candidates]
                if verdict.kind == "clarify"
                else list(turn.offered) or None,
                misses=0.0 if verdict.understood else turn.misses + 1.0,
                request_text=text,
                correcting=correcting,
                **fresh,
            ),
        ]

    async def _ask_the_model(self, evidence: Evidence, text: str) -> Opinion | Silence | None:
        """The model's word where it could change something; None when there is no model."""
        witness = self.tools.witness
        if not witness.model:
            return None
        if not opinion_matters(evidence, self.tools.settings, witness.model):
            return Silence(witness.model, NOT_NEEDED)
        return await witness.opinion(text)


def request_text(turn: Turn) -> str:
    """The customer's words for the request: this message, after the earlier ones about it."""
    before = turn.request_text if turn.asking or turn.misses else ""
    parts = [part for part in (before, "" if turn.tapped else turn.text.strip()) if part]
    return "\n".join(parts)[:_TEXT_LIMIT]


def _ticket_to_correct(turn: Turn) -> str | None:
    """The last ticket, if the message begins by saying that we got it wrong."""
    ticket = turn.slots.get("ticket_id")
    if ticket and turn.slots.get("ticket_open") and rejects(turn.text):
        return str(ticket)
    return None


def _evidence(turn: Turn, correcting: str | None) -> Evidence:
    wrong = turn.ticket_category(correcting)
    return Evidence(
        message=turn.text,
        stated=turn.stated,
        ranking=turn.ranking,
        order_state=turn.order_state,
        questions_asked=turn.questions_asked if turn.asking else 0,
        misses=turn.misses,
        offered=turn.offered if turn.asking else (),
        rejected=(wrong,) if wrong else (),
    )


def _record(
    evidence: Evidence, verdict: Verdict, heard: Opinion | Silence | None
) -> dict[str, Any]:
    """Who said what, for the ticket."""
    return {
        **verdict.as_record(),
        "message": [[intent, round(p, 4)] for intent, p in evidence.ranking[:3]],
        "stated": evidence.stated,
        "order_state": evidence.order_state,
        "model": heard.as_record() if heard else None,
        "questions_asked": evidence.questions_asked,
        "confirmed_by": "agreement" if verdict.kind == "agree" else None,
    }
