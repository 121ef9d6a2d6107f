"""action_choose: taps, "the first one", "yes"."""

from __future__ import annotations

from typing import Any

import pytest

from actions.acts.answering import ActionChoose

REVIEWED = {
    "event": "slot",
    "name": "verdict",
    "value": "clarify",
    "metadata": {"review": {"verdict": "clarify", "probabilities": {"pickup_urge": 0.6}}},
}
ASKED = {
    "asking": True,
    "questions_asked": 1.0,
    "offered": ["pickup_urge", "charge_dispute"],
    "request_text": "怎么就扣费了",
}


async def test_a_tapped_choice_is_settled_and_recorded(act: Any, make_tracker: Any) -> None:
    tracker = make_tracker(chosen="pickup_urge", slots=ASKED, events=[REVIEWED])
    said = await act(ActionChoose, tracker)
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "pickup_urge"
    assert said.slots["request_text"] == "怎么就扣费了"
    assert said.record["confirmed_by"] == "tap"
    assert said.record["probabilities"] == {"pickup_urge": 0.6}


async def test_a_category_nobody_knows_settles_nothing(act: Any, make_tracker: Any) -> None:
    said = await act(ActionChoose, make_tracker(chosen="free_money", slots=ASKED))
    assert said.slots["verdict"] == "clarify"
    assert "category" not in said.slots


async def test_a_tap_out_of_the_blue_begins_a_request(act: Any, make_tracker: Any) -> None:
    said = await act(ActionChoose, make_tracker(chosen="loss_claim", slots={"correcting": "t-0"}))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "loss_claim"
    assert said.slots["correcting"] is None
    assert said.slots["request_text"] == ""


async def test_a_tap_keeps_the_ticket_that_is_being_corrected(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "correcting": "t-1"}
    said = await act(ActionChoose, make_tracker(chosen="pickup_urge", slots=slots))
    assert "correcting" not in said.slots


@pytest.mark.parametrize(("text", "category"), [("第一个", "pickup_urge"), ("2", "charge_dispute")])
async def test_a_typed_place_is_a_choice(
    act: Any, make_tracker: Any, text: str, category: str
) -> None:
    said = await act(ActionChoose, make_tracker(text, {"pick_one": 0.9}, slots=ASKED))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == category
    assert said.record["confirmed_by"] == "typed"


async def test_yes_to_a_single_choice_is_that_one(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "offered": ["pickup_urge"]}
    said = await act(ActionChoose, make_tracker("是的", {"affirm": 0.9}, slots=slots))
    assert said.slots["category"] == "pickup_urge"


async def test_yes_to_several_is_unclear_once_and_then_for_a_person(
    act: Any, make_tracker: Any
) -> None:
    first = await act(ActionChoose, make_tracker("是的", {"affirm": 0.9}, slots=ASKED))
    assert first.slots == {"verdict": "clarify", "misses": 1.0}
    slots = {**ASKED, "misses": 1.0}
    second = await act(ActionChoose, make_tracker("是的", {"affirm": 0.9}, slots=slots))
    assert second.slots["verdict"] == "human"


async def test_none_of_them_counts_as_a_further_question(act: Any, make_tracker: Any) -> None:
    said = await act(ActionChoose, make_tracker("都不是", {"pick_one": 0.9}, slots=ASKED))
    assert said.slots["verdict"] == "clarify"
    assert said.slots["questions_asked"] == 2.0
    assert not set(said.slots["offered"]) & set(ASKED["offered"])


@pytest.mark.parametrize("intent", ["out_of_scope", "chitchat", "thanks", "deny"])
async def test_an_answer_is_heard_whatever_the_classifier_makes_of_it(
    act: Any, make_tracker: Any, intent: str
) -> None:
    said = await act(ActionChoose, make_tracker("两个", {intent: 0.9}, slots=ASKED))
    assert (said.slots["verdict"], said.slots["category"]) == ("agree", "pickup_urge")
    assert said.slots["needs"] == ["pickup_urge", "charge_dispute"]


@pytest.mark.parametrize(
    ("text", "intent"),
    [("今天天气不错", "out_of_scope"), ("都不是", "none_of_these"), ("/none_of_these", "deny")],
)
async def test_what_is_no_answer_is_left_to_its_own_rule(
    act: Any, make_tracker: Any, text: str, intent: str
) -> None:
    said = await act(ActionChoose, make_tracker(text, {intent: 0.9}, slots=ASKED))
    assert said.slots == {"verdict": "aside"}


async def test_a_place_when_nothing_was_asked_is_unclear(act: Any, make_tracker: Any) -> None:
    said = await act(ActionChoose, make_tracker("第一个", {"pick_one": 0.9}))
    assert said.slots["verdict"] == "clarify"
    assert said.slots["misses"] == 1.0
