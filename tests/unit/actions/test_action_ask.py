"""The actions that ask: words, buttons, counting."""

from __future__ import annotations

from typing import Any

import pytest

from actions.acts.asking import (
    ActionAskAgain,
    ActionAskClarify,
    ActionCorrectTicket,
    ActionShowCategories,
)
from actions.catalog import Catalog

OFFER = ["pickup_urge", "charge_dispute"]
ASKED = {"asking": True, "questions_asked": 1.0, "offered": OFFER}


def reviewed(**probabilities: float) -> list[dict[str, Any]]:
    metadata = {"review": {"probabilities": probabilities}}
    return [{"event": "slot", "name": "verdict", "value": "clarify", "metadata": metadata}]


async def test_the_question_names_the_needs_and_has_a_button_for_each(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionAskClarify, make_tracker(slots={"offered": OFFER}))
    assert said.responses == ["utter_ask_clarify"]
    assert said.messages[0]["question"] == "您是希望我们催快递员上门取件，还是想退回多收的费用？"
    assert said.messages[0]["buttons"] == [
        {"title": "催快递员上门取件", "payload": '/choose{"category":"pickup_urge"}'},
        {"title": "退回多收的费用", "payload": '/choose{"category":"charge_dispute"}'},
    ]
    assert said.slots == {"asking": True, "questions_asked": 1.0}
    assert said.ends_the_turn


async def test_the_question_comes_in_the_customers_language(act: Any, make_tracker: Any) -> None:
    tracker = make_tracker(slots={"offered": OFFER, "lang": "en"})
    said = await act(ActionAskClarify, tracker)
    assert said.messages[0]["question"].startswith("Would you like us to chase the courier")
    assert said.messages[0]["buttons"][0]["title"] == "Get the courier to collect it"


async def test_after_a_miss_it_admits_not_having_understood(act: Any, make_tracker: Any) -> None:
    said = await act(ActionAskClarify, make_tracker(slots={"offered": OFFER, "misses": 1.0}))
    assert said.responses == ["utter_ask_clarify_unsure"]


async def test_with_nothing_to_offer_it_asks_for_other_words(act: Any, make_tracker: Any) -> None:
    said = await act(ActionAskClarify, make_tracker())
    assert said.responses == ["utter_rephrase"]
    assert said.slots == {}
    assert said.ends_the_turn


async def test_asking_again_shows_the_same_choices_and_counts_nothing(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionAskAgain, make_tracker(slots=ASKED))
    assert said.responses == ["utter_ask_again"]
    assert len(said.choices) == 2
    assert said.slots == {}
    assert said.ends_the_turn


async def test_asking_again_with_nothing_open_asks_for_other_words(
    act: Any, make_tracker: Any
) -> None:
    assert (await act(ActionAskAgain, make_tracker())).responses == ["utter_rephrase"]


async def test_none_of_these_shows_everything_else_likeliest_first(
    act: Any, make_tracker: Any
) -> None:
    events = reviewed(pickup_urge=0.5, loss_claim=0.2, cancel_appeal=0.3)
    said = await act(ActionShowCategories, make_tracker(slots=ASKED, events=events))
    assert said.responses == ["utter_show_categories"]
    assert said.slots["verdict"] == "clarify"
    assert said.slots["offered"][:2] == ["cancel_appeal", "loss_claim"]
    assert len(said.slots["offered"]) == 10
    assert not set(said.slots["offered"]) & set(OFFER)
    assert said.slots["questions_asked"] == 2.0
    assert said.slots["asking"] is True
    assert said.ends_the_turn


async def test_none_of_these_with_nothing_asked_shows_the_whole_menu(
    act: Any, make_tracker: Any, catalog: Catalog
) -> None:
    stale = {"offered": OFFER, "questions_asked": 2.0}
    said = await act(ActionShowCategories, make_tracker(slots=stale))
    assert said.slots["offered"] == list(catalog)
    assert said.slots["questions_asked"] == 1.0


async def test_none_of_these_after_the_second_question_is_for_a_person(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionShowCategories, make_tracker(slots={**ASKED, "questions_asked": 2.0}))
    assert said.slots == {"verdict": "human"}
    assert said.messages == []
    assert not said.ends_the_turn


@pytest.mark.parametrize("wrong", ["pickup_urge", "loss_claim", "courier_complaint"])
async def test_a_correction_offers_three_others_and_remembers_the_ticket(
    act: Any, make_tracker: Any, wrong: str
) -> None:
    slots = {"ticket_open": True, "ticket_id": "t-1", "category": wrong}
    said = await act(ActionCorrectTicket, make_tracker("理解错了", slots=slots))
    assert said.responses == ["utter_correct_which"]
    assert len(said.slots["offered"]) == 3
    assert wrong not in said.slots["offered"]
    assert said.slots["correcting"] == "t-1"
    assert said.slots["asking"] is True
    assert "verdict" not in said.slots
    assert said.ends_the_turn


async def test_a_correction_offers_first_what_the_review_held_likely(
    act: Any, make_tracker: Any
) -> None:
    slots = {"ticket_open": True, "ticket_id": "t-1", "category": "pickup_urge"}
    events = reviewed(pickup_urge=0.7, damage_claim=0.2, address_change=0.01)
    said = await act(ActionCorrectTicket, make_tracker(slots=slots, events=events))
    assert said.slots["offered"][0] == "damage_claim"
    assert "address_change" not in said.slots["offered"]


async def test_the_wrong_category_is_not_in_the_menu_either(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "correcting": "t-1", "category": "false_pickup"}
    said = await act(ActionShowCategories, make_tracker(slots=slots))
    assert "false_pickup" not in said.slots["offered"]
