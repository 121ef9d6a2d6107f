"""One turn as the actions see it, read from Rasa's tracker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasa_sdk import Tracker

from actions.catalog import LANGUAGES


@dataclass(frozen=True)
class Turn:
    """The customer's last message, the desk's context with it, and the slots."""

    lang: str
    text: str  #: as typed; of a tapped choice its payload ("/choose{...}")
    intent: str
    ranking: tuple[tuple[str, float], ...]
    chosen: str | None  #: the category in a tapped choice
    message_id: str
    conversation_id: str | None  #: None: no desk behind this conversation (`rasa shell`)
    epoch: int
    stated: str | None  #: ticked, and not yet used up by a ticket
    order_state: str | None
    tickets: Mapping[str, str]  #: id -> category of the active ones
    parts: tuple[tuple[tuple[str, float], ...], ...]  #: rankings of the parts joined as equals
    slots: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]

    @property
    def tapped(self) -> bool:
        """A choice was tapped, so `text` is no sentence of the customer's."""
        return self.text.startswith("/")

    @property
    def rehearsal(self) -> bool:
        """No desk: nothing that is said here may claim to have done something."""
        return self.conversation_id is None

    @property
    def asking(self) -> bool:
        """A question of ours is open."""
        return bool(self.slots.get("asking"))

    @property
    def offered(self) -> tuple[str, ...]:
        """Category ids of the open question."""
        return tuple(self.slots.get("offered") or ())

    @property
    def questions_asked(self) -> int:
        """Clarifying questions spent on the present request."""
        return int(self.slots.get("questions_asked") or 0)

    @property
    def misses(self) -> int:
        """Messages in a row that were not understood."""
        return int(self.slots.get("misses") or 0)

    @property
    def correcting(self) -> str | None:
        """The ticket that a choice recategorises."""
        return self.slots.get("correcting") or None

    @property
    def refused(self) -> tuple[str, ...]:
        """Categories the customer has said no to in the present request."""
        return tuple(self.slots.get("refused") or ())

    @property
    def needs(self) -> tuple[str, ...]:
        """Categories asked for together; one becomes the ticket, the others are noted in it."""
        return tuple(self.slots.get("needs") or ())

    @property
    def request_text(self) -> str:
        """What the customer has said for the present request so far."""
        return str(self.slots.get("request_text") or "")

    def ticket_category(self, ticket_id: str | None) -> str | None:
        """The category of a ticket opened here, as far as known."""
        if not ticket_id:
            return None
        return self.tickets.get(ticket_id) or self.slots.get("category")


def read_turn(tracker: Tracker) -> Turn:
    """The turn in `tracker`. Whatever the desk did not send (as in `rasa shell`) is empty."""
    message = tracker.latest_message or {}
    metadata = message.get("metadata") or {}
    context = metadata.get("context") or {}
    order = context.get("order") or {}
    lang = tracker.slots.get("lang") or context.get("lang")
    return Turn(
        lang=lang if lang in LANGUAGES else "zh",
        text=str(message.get("text") or ""),
        intent=str((message.get("intent") or {}).get("name") or ""),
        ranking=tuple(
            (str(one["name"]), float(one["confidence"]))
            for one in message.get("intent_ranking") or ()
        ),
        chosen=_chosen(message.get("entities") or ()),
        message_id=str(metadata.get("message_id") or message.get("message_id") or ""),
        conversation_id=context.get("conversation_id"),
        epoch=int(context.get("epoch") or 0),
        stated=context.get("stated") if context else _unused_tick(tracker),
        order_state=order.get("state"),
        tickets={t["id"]: t["category"] for t in context.get("tickets") or ()},
        parts=tuple(
            tuple((str(name), float(p)) for name, p in part) for part in message.get("parts") or ()
        ),
        slots=tracker.slots,
        events=tracker.events,
    )


def _chosen(entities: Sequence[Mapping[str, Any]]) -> str | None:
    return next((str(e["value"]) for e in entities if e.get("entity") == "category"), None)


def _unused_tick(tracker: Tracker) -> str | None:
    """The tick in `rasa shell`, where no desk says when a ticket has used it up."""
    stated = used = None
    for event in tracker.events:
        if event.get("event") != "slot":
            continue
        if event.get("name") == "stated":
            stated = event.get("value")
        elif event.get("name") == "ticket_id" and event.get("value"):
            used = stated
    ticked = tracker.slots.get("stated")
    return None if ticked == used else ticked
