"""action_create_ticket: the only place that says a ticket exists, and only after the desk's yes."""

from __future__ import annotations

import logging

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.base import Tools
from actions.acts.request_words import joined
from actions.desk_client import DeskRefused, DeskUnavailable, StaleEpoch, TicketAnswer
from actions.slots import LISTEN, REQUEST_OVER, SlotEvent, latest_record, slots
from actions.summary import summary
from actions.turn import Turn, read_turn

logger = logging.getLogger(__name__)

#: Said in `rasa shell` only, never to a customer: it is not a sentence of the product.
_REHEARSAL = {
    "zh": "（演练）这里会登记“{label}”。现在没有连接服务台，没有真正登记。",
    "en": "(Rehearsal) “{label}” would be registered here. No desk is connected; no ticket exists.",
}
_REHEARSAL_TICKET = "rehearsal"


class ActionCreateTicket(Action):
    """A ticket of the agreed category, or that category for the ticket being corrected."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_create_ticket"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """Says what the desk answered. On failure a person is asked for, and the slots are kept."""
        turn = read_turn(tracker)
        category = turn.slots.get("category")
        if not category or category not in self.tools.catalog:
            logger.error("no agreed category to open a ticket for")
            return self._fail(dispatcher, turn)
        if turn.rehearsal:
            label = self.tools.catalog[category].label[turn.lang]
            dispatcher.utter_message(text=_REHEARSAL[turn.lang].format(label=label))
            return _opened(_REHEARSAL_TICKET, category)
        try:
            answer = await self._ask_desk(turn, category)
        except StaleEpoch:
            logger.info("a ticket came too late: the conversation has another owner")
            return _not_opened()
        except (DeskUnavailable, DeskRefused) as error:
            logger.warning("no ticket: %s", error)
            return self._fail(dispatcher, turn)
        self._confirm(dispatcher, turn, answer, self._others(turn, category))
        return _opened(answer.id, answer.category)

    async def _ask_desk(self, turn: Turn, category: str) -> TicketAnswer:
        return await self.tools.desk.open_ticket(
            conversation_id=str(turn.conversation_id),
            epoch=turn.epoch,
            category=category,
            idempotency_key=turn.message_id,
            text=joined(
                turn.request_text or self.tools.catalog[category].label[turn.lang],
                self.tools.two_needs.note_in_ticket(self._others(turn, category), turn.lang),
            ),
            review=latest_record(turn.events),
            correct_ticket_id=turn.correcting,
        )

    def _others(self, turn: Turn, category: str) -> list[str]:
        """The labels of what was asked for together with `category`."""
        others = [name for name in turn.needs if name != category and name in self.tools.catalog]
        return [self.tools.catalog[name].label[turn.lang] for name in others]

    def _confirm(
        self, dispatcher: CollectingDispatcher, turn: Turn, answer: TicketAnswer, others: list[str]
    ) -> None:
        category = self.tools.catalog[answer.category]
        label, promise = category.label[turn.lang], category.promise[turn.lang]
        also = self.tools.two_needs.note_for_customer(others, turn.lang)
        if also:
            promise += also if turn.lang == "zh" else f" {also}"
        if answer.outcome == "corrected":
            # with another category the time runs anew, so its own promise holds as it is written
            dispatcher.utter_message(
                response="utter_ticket_corrected", label=label, promise=promise
            )
        elif answer.outcome == "same" and turn.correcting:
            dispatcher.utter_message(response="utter_already_corrected", label=label)
        elif answer.outcome == "added":
            dispatcher.utter_message(response="utter_ticket_added", label=label, also=also)
        else:  # created, or the same request again: its first answer never arrived
            dispatcher.utter_message(response="utter_ticket_created", label=label, promise=promise)

    def _fail(self, dispatcher: CollectingDispatcher, turn: Turn) -> list[SlotEvent]:
        dispatcher.utter_message(response="utter_ticket_failed")
        dispatcher.utter_message(
            json_message={
                "hand_over": {
                    "reason": "ticket_failed",
                    "summary": summary(turn, self.tools.catalog),
                }
            }
        )
        return _not_opened()


def _opened(ticket_id: str, category: str) -> list[SlotEvent]:
    over = {**REQUEST_OVER, "ticket_open": True, "ticket_id": ticket_id, "category": category}
    return [*slots(**over), LISTEN]


def _not_opened() -> list[SlotEvent]:
    """The request is kept; only the question is closed, for a person has the conversation now."""
    return [*slots(asking=False), LISTEN]
