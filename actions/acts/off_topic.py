"""action_off_topic: what no ticket serves gets one friendly answer, and then a person."""

from __future__ import annotations

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.base import Tools
from actions.slots import SlotEvent, latest_record, slots, verdict_event
from actions.turn import read_turn


class ActionOffTopic(Action):
    """Says that it is about parcels here. Who says such a thing twice may have been misread."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_off_topic"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """aside: answered. human: something was not understood just before, too."""
        turn = read_turn(tracker)
        if not turn.misses:
            dispatcher.utter_message(response="utter_out_of_scope")
        kind = "human" if turn.misses else "aside"
        return [
            verdict_event(kind, latest_record(turn.events)),
            *slots(misses=turn.misses + 1.0),
        ]
