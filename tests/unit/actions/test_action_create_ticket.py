"""action_create_ticket: success is said after the desk's yes, and never otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from actions.acts.tickets import ActionCreateTicket
from actions.desk_client import DeskRefused, DeskUnavailable, StaleEpoch

AGREED = {"category": "pickup_urge", "request_text": "还没来取件", "questions_asked": 1.0}
SUCCESS = {"utter_ticket_created", "utter_ticket_added", "utter_ticket_corrected"}


async def test_the_desks_yes_is_told_with_label_and_promise(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.will("created")
    said = await act(ActionCreateTicket, make_tracker(slots=AGREED))
    assert said.responses == ["utter_ticket_created"]
    assert said.messages[0]["label"] == "催取件"
    assert "4 小时内" in said.messages[0]["promise"]


@pytest.mark.parametrize(
    ("lang", "line", "sentence"),
    [
        ("zh", "另有：重复收费", "另外您提到的“重复收费”也已记下。"),
        ("en", "Also asked for: Charged twice or too much", "“Charged twice or too much”"),
    ],
)
async def test_the_other_need_is_kept_in_the_ticket_and_the_customer_hears_it(
    act: Any, make_tracker: Any, desk: Any, lang: str, line: str, sentence: str
) -> None:
    desk.will("created")
    slots = {**AGREED, "needs": ["pickup_urge", "charge_dispute"], "lang": lang}
    said = await act(ActionCreateTicket, make_tracker(slots=slots))
    assert desk.tickets[0]["text"] == f"还没来取件\n{line}"
    assert sentence in said.messages[0]["promise"]
    assert said.slots["needs"] is None


async def test_the_desk_is_told_everything_it_needs(act: Any, make_tracker: Any, desk: Any) -> None:
    desk.will()
    events = [
        {
            "event": "slot",
            "name": "verdict",
            "value": "agree",
            "metadata": {"review": {"confirmed_by": "tap"}},
        }
    ]
    await act(ActionCreateTicket, make_tracker(slots=AGREED, events=events))
    assert desk.tickets == [
        {
            "conversation_id": "c-1",
            "epoch": 3,
            "category": "pickup_urge",
            "idempotency_key": "c-1:7",
            "text": "还没来取件",
            "review": {"confirmed_by": "tap"},
            "correct_ticket_id": None,
        }
    ]


async def test_a_ticket_ends_the_request_and_can_be_corrected(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.will()
    said = await act(ActionCreateTicket, make_tracker(slots={**AGREED, "asking": True}))
    assert said.slots == {
        "asking": False,
        "offered": None,
        "questions_asked": 0.0,
        "misses": 0.0,
        "request_text": None,
        "correcting": None,
        "refused": None,
        "needs": None,
        "ticket_open": True,
        "ticket_id": "t-9",
        "category": "pickup_urge",
    }
    assert said.ends_the_turn


async def test_without_words_of_the_customers_the_ticket_carries_the_label(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.will()
    slots = {"category": "pickup_urge", "request_text": ""}
    await act(ActionCreateTicket, make_tracker(chosen="pickup_urge", slots=slots))
    assert desk.tickets[0]["text"] == "催取件"


@pytest.mark.parametrize(
    ("outcome", "response"),
    [
        ("added", "utter_ticket_added"),
        ("same", "utter_ticket_created"),
        ("created", "utter_ticket_created"),
    ],
)
async def test_each_outcome_has_its_sentence(
    act: Any, make_tracker: Any, desk: Any, outcome: str, response: str
) -> None:
    desk.will(outcome)
    said = await act(ActionCreateTicket, make_tracker(slots=AGREED))
    assert said.responses == [response]


@pytest.mark.parametrize(
    ("outcome", "response"),
    [("corrected", "utter_ticket_corrected"), ("same", "utter_already_corrected")],
)
async def test_a_correction_changes_that_very_ticket(
    act: Any, make_tracker: Any, desk: Any, outcome: str, response: str
) -> None:
    desk.will(outcome)
    said = await act(ActionCreateTicket, make_tracker(slots={**AGREED, "correcting": "t-1"}))
    assert desk.tickets[0]["correct_ticket_id"] == "t-1"
    assert said.responses == [response]
    assert said.slots["correcting"] is None


async def test_english_customers_get_english_words(act: Any, make_tracker: Any, desk: Any) -> None:
    desk.will()
    said = await act(ActionCreateTicket, make_tracker(slots={**AGREED, "lang": "en"}))
    assert said.messages[0]["label"] == "Pick up my parcel"
    assert "within 4 hours" in said.messages[0]["promise"]


@pytest.mark.parametrize("error", [DeskUnavailable("down"), DeskRefused("already_open")])
async def test_a_failure_is_said_and_a_person_is_asked_for(
    act: Any, make_tracker: Any, desk: Any, error: Exception
) -> None:
    desk.will_fail(error)
    said = await act(ActionCreateTicket, make_tracker(slots=AGREED))
    assert said.responses == ["utter_ticket_failed"]
    assert said.hand_over is not None
    assert said.hand_over["reason"] == "ticket_failed"
    assert "还没来取件" in said.hand_over["summary"]
    assert not SUCCESS & set(said.responses)


async def test_a_failure_keeps_the_request(act: Any, make_tracker: Any, desk: Any) -> None:
    desk.will_fail(DeskUnavailable("down"))
    said = await act(ActionCreateTicket, make_tracker(slots=AGREED))
    assert said.slots == {"asking": False}
    assert said.ends_the_turn


async def test_when_a_person_has_the_conversation_nothing_is_said(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.will_fail(StaleEpoch())
    said = await act(ActionCreateTicket, make_tracker(slots=AGREED))
    assert said.messages == []
    assert "ticket_id" not in said.slots


async def test_without_an_agreed_category_there_is_no_ticket(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    said = await act(ActionCreateTicket, make_tracker(slots={"category": None}))
    assert desk.tickets == []
    assert said.hand_over is not None


@pytest.mark.parametrize(("lang", "words"), [("zh", "没有真正登记"), ("en", "no ticket exists")])
async def test_a_rehearsal_says_that_nothing_was_opened(
    act: Any, make_tracker: Any, desk: Any, lang: str, words: str
) -> None:
    tracker = make_tracker(slots={**AGREED, "lang": lang}, no_desk=True)
    said = await act(ActionCreateTicket, tracker)
    assert desk.tickets == []
    assert words in said.messages[0]["text"]
    assert said.responses == []
    assert said.slots["ticket_open"] is True
