"""One turn: a message goes in, the bot's answer comes out, or the turn fails as a whole."""

from typing import Any, Dict, List, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.core.exceptions import AgentNotReady
from rasa.core.processor import MessageProcessor
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.events import ActionExecuted, BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker


class Collected(OutputChannel):
    """Keeps what the bot says, each in the shape of `BotUttered.message()`."""

    def __init__(self) -> None:
        self.said: List[Dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        """The channel's name, also for channel-specific responses."""
        return "desk"

    async def send_response(self, recipient_id: str, message: Dict[str, Any]) -> None:
        """Called by Rasa for each message."""
        self.said.append(message)


async def take_turn(agent: Agent, message: UserMessage) -> List[Dict[str, Any]]:
    """Runs the turn for `message` and gives back what the bot said in it.

    A message whose id was seen before gets the answer it got then, and nothing runs.
    Whatever goes wrong is raised, and then nothing of the turn is stored.
    The steps are those of Rasa's `Agent.handle_message`, with the look-up in between.
    """
    processor = _processor(agent)
    output = Collected()
    message.output_channel = output
    async with agent.lock_store.lock(message.sender_id):
        tracker = await processor.fetch_tracker_and_update_session(
            message.sender_id, output, message.metadata
        )
        earlier = answer_given(tracker, message.message_id)
        if earlier is not None:
            return earlier
        await processor._handle_message_with_tracker(message, tracker)
        tracker = await processor.run_action_extract_slots(output, tracker)
        await processor._run_prediction_loop(output, tracker)
        await processor.save_tracker(tracker)
    return output.said


def answer_given(tracker: DialogueStateTracker, message_id: str) -> Optional[List[Dict[str, Any]]]:
    """What the bot said to the message with this id; None when it never came."""
    answer: Optional[List[Dict[str, Any]]] = None
    for event in tracker.events:
        if isinstance(event, UserUttered):
            if answer is not None:
                break
            if event.message_id == message_id:
                answer = []
        elif answer is not None and isinstance(event, BotUttered):
            answer.append(event.message())
    return answer


async def warm_up(agent: Agent) -> None:
    """Parses a message and predicts one step, storing nothing.

    The first use of jieba builds its dictionary (one to two seconds); this takes it before
    the first customer comes.
    """
    processor = _processor(agent)
    tracker = DialogueStateTracker.from_events(
        "warm-up", [ActionExecuted(ACTION_LISTEN_NAME)], processor.domain.slots
    )
    await processor._handle_message_with_tracker(UserMessage("快递还没来取件"), tracker)
    processor._predict_next_with_tracker(tracker)


def _processor(agent: Agent) -> MessageProcessor:
    if agent.processor is None:
        raise AgentNotReady("The agent has no model.")
    return agent.processor
