"""The real data files, a tracker like Rasa's, and a desk that answers as told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.acts.base import Tools
from actions.catalog import Catalog, load_catalog
from actions.desk_client import TicketAnswer
from actions.review.evidence import Opinion, Silence
from actions.review.settings import ReviewSettings, load_review_settings
from actions.review.two_needs import TwoNeeds, load_two_needs
from actions.review.wrong_ticket import WrongTicket, load_wrong_ticket

ROOT = Path(__file__).resolve().parents[3]

CONTEXT: dict[str, Any] = {
    "conversation_id": "c-1",
    "epoch": 3,
    "lang": "zh",
    "stated": None,
    "order": {"id": "o-1", "carrier": "sf", "state": "accepted", "fees": []},
    "tickets": [],
}


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(ROOT / "data" / "categories.yml")


@pytest.fixture(scope="session")
def settings(catalog: Catalog) -> ReviewSettings:
    return load_review_settings(ROOT / "data" / "review.yml", tuple(catalog))


@pytest.fixture(scope="session")
def two_needs(catalog: Catalog) -> TwoNeeds:
    return load_two_needs(ROOT / "data" / "two_needs.yml", tuple(catalog))


@pytest.fixture(scope="session")
def wrong_ticket() -> WrongTicket:
    return load_wrong_ticket(ROOT / "data" / "wrong_ticket.yml")


class FakeDesk:
    """Answers each call with the next of `answers` (or the last again); an exception is raised."""

    def __init__(self) -> None:
        self.answers: list[TicketAnswer | Exception] = []
        self.tickets: list[dict[str, Any]] = []
        self.handovers: list[dict[str, Any]] = []
        self.handover_fails: Exception | None = None

    def will(
        self, outcome: str = "created", category: str = "pickup_urge", id: str = "t-9"
    ) -> None:
        self.answers.append(TicketAnswer(id, category, "open", outcome))

    def will_fail(self, error: Exception) -> None:
        self.answers.append(error)

    async def open_ticket(self, **body: Any) -> TicketAnswer:
        self.tickets.append(body)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def hand_over(self, **body: Any) -> None:
        self.handovers.append(body)
        if self.handover_fails:
            raise self.handover_fails


class FakeWitness:
    """Says what it is told to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.model = "m"
        self.says: Opinion | Silence = Silence("m", "APITimeoutError", 2500)
        self.asked: list[str] = []

    async def opinion(self, message: str) -> Opinion | Silence:
        self.asked.append(message)
        return self.says

    async def close(self) -> None:
        pass


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def witness() -> FakeWitness:
    return FakeWitness()


@pytest.fixture
def tools(
    catalog: Catalog,
    settings: ReviewSettings,
    two_needs: TwoNeeds,
    wrong_ticket: WrongTicket,
    desk: FakeDesk,
    witness: FakeWitness,
) -> Tools:
    return Tools(catalog, settings, two_needs, wrong_ticket, desk, witness)  # type: ignore[arg-type]


class Said:
    """What an action said, and the slots it set."""

    def __init__(self, dispatcher: CollectingDispatcher, events: list[dict[str, Any]]) -> None:
        self.messages = dispatcher.messages
        self.events = events
        self.slots = {e["name"]: e["value"] for e in events if e["event"] == "slot"}

    @property
    def responses(self) -> list[str]:
        return [m["response"] for m in self.messages if m["response"]]

    @property
    def choices(self) -> list[str]:
        return [b["payload"] for m in self.messages for b in m["buttons"]]

    @property
    def hand_over(self) -> dict[str, Any] | None:
        found = [m["custom"]["hand_over"] for m in self.messages if m["custom"].get("hand_over")]
        return found[0] if found else None

    @property
    def record(self) -> dict[str, Any]:
        return next(e["metadata"]["review"] for e in self.events if e.get("metadata"))

    @property
    def ends_the_turn(self) -> bool:
        return self.events[-1] == {"event": "followup", "timestamp": None, "name": "action_listen"}


@pytest.fixture
def act(tools: Tools) -> Any:
    """Runs one action on a tracker."""

    async def run(action: Any, tracker: Tracker) -> Said:
        dispatcher = CollectingDispatcher()
        return Said(dispatcher, await action(tools).run(dispatcher, tracker, {}))

    return run


@pytest.fixture
def make_tracker() -> Any:
    """A tracker as Rasa 3.6 posts it: `ranking` best first, `slots` over the domain's defaults."""

    def make(
        text: str = "快递员怎么还不来",
        ranking: dict[str, float] | None = None,
        *,
        chosen: str | None = None,
        slots: dict[str, Any] | None = None,
        events: list[dict[str, Any]] | None = None,
        context: dict[str, Any] | None = None,
        no_desk: bool = False,
        parts: list[dict[str, float]] | None = None,
    ) -> Tracker:
        ranked = ranking or {"pickup_urge": 0.9, "false_pickup": 0.05}
        entities: list[dict[str, Any]] = []
        if chosen:
            text = f'/choose{{"category": "{chosen}"}}'
            ranked = {"choose": 1.0}
            entities = [{"entity": "category", "value": chosen}]
        metadata = {} if no_desk else {"context": {**CONTEXT, **(context or {})}}
        listed = [{"name": name, "confidence": p} for name, p in ranked.items()]
        return Tracker.from_dict(
            {
                "sender_id": "c-1",
                "slots": {
                    "lang": "zh",
                    "stated": (context or {}).get("stated"),
                    "asking": False,
                    "ticket_open": False,
                    "questions_asked": 0.0,
                    "misses": 0.0,
                    **(slots or {}),
                },
                "latest_message": {
                    "text": text,
                    "message_id": "c-1:7",
                    "intent": listed[0],
                    "intent_ranking": listed,
                    "entities": entities,
                    "metadata": metadata,
                    "parts": [[[name, p] for name, p in part.items()] for part in parts or ()],
                },
                "events": events or [],
                "paused": False,
                "active_loop": {},
            }
        )

    return make
