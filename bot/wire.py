"""The two languages at the door: the desk's JSON, and Rasa's messages and payloads."""

import json
import re
from typing import Any, Dict, List, Optional

from rasa.core.channels.channel import UserMessage

from bot.nlu.desk_context import context_entities
from bot.nlu.text import without_command

_PLAIN_CHOICES = {"none": "none_of_these", "yes": "affirm", "no": "deny"}
_PLAIN_PAYLOADS = {f"/{intent}": choice for choice, intent in _PLAIN_CHOICES.items()}
_CATEGORY = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Refused(Exception):
    """The desk sent something this channel cannot take."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def message_from(body: Any) -> UserMessage:
    """The desk's JSON as a message for Rasa.

    Text is cleaned of whatever would make Rasa obey it. A choice never passes through the
    text parser: its intent and entities are given directly, so typed text cannot imitate one.
    Raises Refused.
    """
    if not isinstance(body, dict):
        raise Refused("body_invalid", "The body must be a JSON object.")
    sender, message_id = body.get("sender"), body.get("message_id")
    if not (isinstance(sender, str) and sender and isinstance(message_id, str) and message_id):
        raise Refused("body_invalid", "`sender` and `message_id` must be non-empty text.")
    metadata = {"context": body.get("context") or {}}
    parsed = None
    if body.get("choice") is not None:
        parsed = _parse_choice(body["choice"], metadata)
        text = parsed["text"]
    elif isinstance(body.get("text"), str):
        text = without_command(body["text"])
        if not text.strip():
            raise Refused("text_blank", "There is nothing in this text.")
    else:
        raise Refused("body_invalid", "Either `text` or `choice` must be given, as text.")
    return UserMessage(
        text,
        sender_id=sender,
        parse_data=parsed,
        input_channel="desk",
        message_id=message_id,
        metadata=metadata,
    )


def _parse_choice(choice: Any, metadata: Dict[str, Any]) -> Dict[str, Any]:
    entities = context_entities(metadata)
    if choice in _PLAIN_CHOICES:
        intent = _PLAIN_CHOICES[choice]
        text = f"/{intent}"
    elif isinstance(choice, str) and _CATEGORY.fullmatch(choice):
        intent = "choose"
        text = "/choose" + json.dumps({"category": choice})
        entities.append({"entity": "category", "value": choice, "start": 7, "end": len(text)})
    else:
        raise Refused("choice_invalid", "`choice` must be a category id, none, yes or no.")
    ranking = [{"name": intent, "confidence": 1.0}]
    return {"text": text, "intent": ranking[0], "intent_ranking": ranking, "entities": entities}


def messages_for_desk(said: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """What the bot said, as the desk's `messages`.

    A payload without text (`hand_over`) joins the message before it.
    """
    messages: List[Dict[str, Any]] = []
    for one in said:
        text = (one.get("text") or "").strip()
        hand_over = (one.get("custom") or {}).get("hand_over")
        choices = _choices(one.get("buttons") or [])
        if text or choices or not messages:
            messages.append({"text": text, "choices": choices})
        if hand_over:
            messages[-1]["hand_over"] = hand_over
    return [m for m in messages if m["text"] or m["choices"] or "hand_over" in m]


def _choices(buttons: List[Dict[str, Any]]) -> List[Dict[str, str]]:
    """Buttons as choices: each id once, "none of these" last."""
    found: Dict[str, Dict[str, str]] = {}
    for button in buttons:
        choice = _choice_id(str(button.get("payload", "")))
        if choice:
            found.setdefault(choice, {"id": choice, "label": str(button.get("title", ""))})
    return sorted(found.values(), key=lambda c: c["id"] == "none")


def _choice_id(payload: str) -> Optional[str]:
    if payload in _PLAIN_PAYLOADS:
        return _PLAIN_PAYLOADS[payload]
    if payload.startswith("/choose{"):
        category = json.loads(payload[len("/choose") :]).get("category")
        return category if isinstance(category, str) else None
    return None
