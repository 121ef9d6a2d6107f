"""action_hand_over: a person. The desk writes the notice; here nothing is said on success."""

from __future__ import annotations

import logging

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.types import DomainDict

from actions.acts.base import Tools
from actions.desk_client import DeskRefused, DeskUnavailable, StaleEpoch
from actions.slots import LISTEN, REQUEST_OVER, SlotEvent, slots
from actions.summary import summary
from actions.turn import Turn, read_turn

logger = logging.getLogger(__name__)


class ActionHandOver(Action):
    """Moves the conversation to the queue, with a reason and a summary for the agent."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def name(self) -> str:
        """The action's name in domain.yml."""
        return "action_hand_over"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: DomainDict
    ) -> list[SlotEvent]:
        """If the desk cannot be reached, the wish travels with the bot's answer instead."""
        turn = read_turn(tracker)
        if turn.rehearsal:
            dispatcher.utter_message(response="utter_handing_over")
            return [*slots(**REQUEST_OVER), LISTEN]
        reason, text = handover_reason(turn), summary(turn, self.tools.catalog)
        try:
            await self.tools.desk.hand_over(
                conversation_id=str(turn.conversation_id),
                epoch=turn.epoch,
                reason=reason,
                summary=text,
            )
        except StaleEpoch:
            logger.info("handed over already")
        except (DeskUnavailable, DeskRefused) as error:
            logger.warning("handover goes with the answer: %s", error)
            dispatcher.utter_message(
                json_message={"hand_over": {"reason": reason, "summary": text}}
            )
        return [*slots(**REQUEST_OVER), LISTEN]


def handover_reason(turn: Turn) -> str:
    """asked, not_understood or bot_uncertain (the desk's words for it)."""
    top = turn.ranking[0][0] if turn.ranking else turn.intent
    if "human" in (turn.intent, top):
        return "asked"
    return "not_understood" if turn.misses >= 2 else "bot_uncertain"
