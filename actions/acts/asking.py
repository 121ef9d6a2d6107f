"""The questions: what is offered, in which words."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.answering import likeliest, refusing, said_no_to
from actions.acts.base import Tools, choice_buttons
from actions.slots import LISTEN, SlotEvent, latest_record, slots, verdict_event
from actions.turn import Turn, read_turn


class ActionAskClarify(Action):
    """The clarifying question with its two or three choices."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_ask_clarify"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """Asks what slot `offered` holds, and counts the question."""
        turn = read_turn(tracker)
        if not turn.offered:
            dispatcher.utter_message(response="utter_rephrase")
            return [LISTEN]
        buttons = choice_buttons(self.tools.catalog, turn.offered, turn.lang)
        if turn.misses:
            dispatcher.utter_message(response="utter_ask_clarify_unsure", buttons=buttons)
        else:
            question = self.tools.catalog.question(turn.offered, turn.lang)
            dispatcher.utter_message(
                response="utter_ask_clarify", buttons=buttons, question=question
            )
        return [*slots(asking=True, questions_asked=turn.questions_asked + 1.0), LISTEN]


class ActionAskAgain(Action):
    """The open question once more, after small talk or an unclear answer. Counts nothing."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_ask_again"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """Shows what slot `offered` holds."""
        turn = read_turn(tracker)
        if turn.offered:
            buttons = choice_buttons(self.tools.catalog, turn.offered, turn.lang)
            dispatcher.utter_message(response="utter_ask_again", buttons=buttons)
        else:
            dispatcher.utter_message(response="utter_rephrase")
        return [LISTEN]


class ActionShowCategories(Action):
    """都不是: all categories that were not offered yet, as the second question."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_show_categories"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """verdict clarify: shown. verdict human: no question is left."""
        turn = read_turn(tracker)
        record = latest_record(turn.events)
        asked = turn.questions_asked if turn.asking else 0
        if asked >= self.tools.settings.most_questions:
            return [verdict_event("human", record)]
        without = said_no_to(turn) if turn.asking else set()
        offered = likeliest(record, self.tools, without=without)
        if not offered:
            return [verdict_event("human", record)]
        said_no = refusing(turn) if turn.asking else {"refused": None, "needs": None}
        buttons = choice_buttons(self.tools.catalog, offered, turn.lang)
        dispatcher.utter_message(response="utter_show_categories", buttons=buttons)
        return [
            verdict_event("clarify", record),
            *slots(
                asking=True, offered=offered, questions_asked=asked + 1.0, misses=0.0, **said_no
            ),
            LISTEN,
        ]


class ActionCorrectTicket(Action):
    """理解错了 after a ticket: which category instead? The choice recategorises that ticket."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_correct_ticket"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """Offers the likeliest other categories and remembers the ticket in `correcting`."""
        turn = read_turn(tracker)
        ticket = turn.slots.get("ticket_id")
        offered = self._others(turn, turn.ticket_category(ticket))
        buttons = choice_buttons(self.tools.catalog, offered, turn.lang)
        dispatcher.utter_message(response="utter_correct_which", buttons=buttons)
        asked = {"asking": True, "questions_asked": 1.0, "misses": 0.0, "refused": None}
        return [*slots(offered=offered, correcting=ticket, **asked), LISTEN]

    def _others(self, turn: Turn, wrong: str | None) -> list[str]:
        """Three: those of the last review first, then those most often confused with the wrong one.

        A category the review gave next to nothing is no better a guess than a usual confusion.
        """
        settings = self.tools.settings
        known = latest_record(turn.events).get("probabilities") or {}

        def rank(name: str) -> tuple[float, float]:
            heard = known.get(name, 0.0)
            confused = settings.mistick[name][wrong] if wrong and wrong in settings.mistick else 0.0
            return (heard if heard >= settings.third_choice else 0.0, confused)

        others = [name for name in self.tools.catalog if name != wrong]
        return sorted(others, key=rank, reverse=True)[:3]
