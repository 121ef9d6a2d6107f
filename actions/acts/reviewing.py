"""action_review: weighs a message and sets `verdict`. It says nothing itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.answering import settle
from actions.acts.base import Tools
from actions.acts.request_words import joined
from actions.review.answer import Answer, read_answer
from actions.review.decision import opinion_matters, review
from actions.review.evidence import NOT_NEEDED, Evidence, Opinion, Silence, Verdict
from actions.review.two_needs import which_first
from actions.slots import SlotEvent, slots, verdict_event
from actions.turn import Turn, read_turn


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
        two = self.tools.two_needs.asked_equally(turn.parts)
        if turn.asking and turn.offered:
            answer = read_answer(turn.text, turn.offered, self.tools.catalog.words())
            if two and set(two) <= set(turn.offered):  # both, in own words
                answer = Answer("several", categories=two)
            if answer.kind != "unclear":
                return settle(turn, answer, self.tools)
        text = request_text(turn)
        correcting = turn.correcting if turn.asking else self._ticket_to_correct(turn)
        evidence = _evidence(turn, correcting)
        if turn.asking or set(two) & set(evidence.rejected):
            two = ()
        # Which of two comes first only the customer knows: no model is asked.
        heard = None if two else await self._ask_the_model(evidence, text)
        if isinstance(heard, Opinion):
            evidence = replace(evidence, opinion=heard)
        verdict = review(evidence, self.tools.settings)
        if two:
            verdict = which_first(verdict, two)
        fresh: dict[str, Any] = {}
        if not turn.asking:
            fresh = {"ticket_open": bool(correcting), "questions_asked": 0.0}
            fresh |= {"refused": None, "needs": list(two) or None}
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

    def _ticket_to_correct(self, turn: Turn) -> str | None:
        """The last ticket, if the message begins by saying that it is not what was meant."""
        ticket = turn.slots.get("ticket_id")
        rejects = self.tools.wrong_ticket.rejects
        if ticket and turn.slots.get("ticket_open") and rejects(turn.text):
            return str(ticket)
        return None

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
    return joined(before, "" if turn.tapped else turn.text)


def _evidence(turn: Turn, correcting: str | None) -> Evidence:
    wrong = turn.ticket_category(correcting)
    refused = turn.refused if turn.asking else ()
    return Evidence(
        message=turn.text,
        stated=turn.stated,
        ranking=turn.ranking,
        order_state=turn.order_state,
        questions_asked=turn.questions_asked if turn.asking else 0,
        misses=turn.misses,
        offered=turn.offered if turn.asking else (),
        rejected=(*refused, wrong) if wrong and wrong not in refused else refused,
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
