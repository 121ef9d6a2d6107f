"""action_hand_over: reason, summary, and silence once a person has it."""

from __future__ import annotations

from typing import Any

import pytest

from actions.acts.handing_over import ActionHandOver, handover_reason
from actions.catalog import Catalog
from actions.desk_client import DeskUnavailable, StaleEpoch
from actions.summary import summary
from actions.turn import read_turn


def bot(*categories: str) -> dict[str, Any]:
    payloads = [f'/choose{{"category":"{name}"}}' for name in categories]
    buttons = [{"title": "x", "payload": p} for p in [*payloads, "/none_of_these"]]
    return {"event": "bot", "text": "?", "data": {"buttons": buttons}}


def user(text: str) -> dict[str, Any]:
    return {"event": "user", "text": text}


REVIEWED = {
    "event": "slot",
    "name": "verdict",
    "value": "clarify",
    "metadata": {
        "review": {
            "stated": "false_pickup",
            "probabilities": {
                "pickup_urge": 0.56,
                "charge_dispute": 0.24,
                "out_of_scope": 0.1,
                "loss_claim": 0.01,
            },
        }
    },
}


async def test_on_success_the_desk_speaks_and_the_bot_does_not(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    said = await act(ActionHandOver, make_tracker("转人工", {"human": 0.9}))
    assert said.messages == []
    assert desk.handovers[0]["reason"] == "asked"
    assert (desk.handovers[0]["conversation_id"], desk.handovers[0]["epoch"]) == ("c-1", 3)
    assert said.ends_the_turn


async def test_the_request_is_over_for_the_bot(act: Any, make_tracker: Any) -> None:
    slots = {"asking": True, "offered": ["loss_claim"], "questions_asked": 2.0, "misses": 2.0}
    said = await act(ActionHandOver, make_tracker("转人工", {"human": 0.9}, slots=slots))
    assert said.slots["asking"] is False
    assert said.slots["offered"] is None
    assert said.slots["questions_asked"] == 0.0


async def test_if_the_desk_cannot_be_reached_the_wish_goes_with_the_answer(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.handover_fails = DeskUnavailable("down")
    said = await act(ActionHandOver, make_tracker("转人工", {"human": 0.9}))
    assert said.hand_over == {"reason": "asked", "summary": "客户说：转人工"}


async def test_if_a_person_has_it_already_nothing_is_said(
    act: Any, make_tracker: Any, desk: Any
) -> None:
    desk.handover_fails = StaleEpoch()
    said = await act(ActionHandOver, make_tracker("转人工", {"human": 0.9}))
    assert said.messages == []


async def test_a_rehearsal_only_says_so(act: Any, make_tracker: Any, desk: Any) -> None:
    said = await act(ActionHandOver, make_tracker("转人工", {"human": 0.9}, no_desk=True))
    assert said.responses == ["utter_handing_over"]
    assert desk.handovers == []


@pytest.mark.parametrize(
    ("ranking", "misses", "reason"),
    [
        ({"human": 0.9}, 0.0, "asked"),
        ({"nlu_fallback": 0.7}, 2.0, "not_understood"),
        ({"none_of_these": 1.0}, 0.0, "bot_uncertain"),
        ({"pickup_urge": 0.4}, 0.0, "bot_uncertain"),
    ],
)
def test_the_reason_fits(
    make_tracker: Any, ranking: dict[str, float], misses: float, reason: str
) -> None:
    assert (
        handover_reason(read_turn(make_tracker("x", ranking, slots={"misses": misses}))) == reason
    )


def test_the_summary_tells_the_whole_story_in_short_lines(
    make_tracker: Any, catalog: Catalog
) -> None:
    tracker = make_tracker(
        "转人工",
        {"human": 0.9},
        slots={"request_text": "还未取件,怎么就产生费用了?"},
        context={
            "stated": "false_pickup",
            "tickets": [{"id": "t", "category": "weight_dispute", "state": "open"}],
        },
        events=[
            user("还未取件,怎么就产生费用了?"),
            REVIEWED,
            bot("pickup_urge", "charge_dispute", "false_pickup"),
            user("/none_of_these"),
            bot("transit_urge", "loss_claim", "cancel_appeal", "damage_claim"),
            user("转人工"),
        ],
    )
    assert summary(read_turn(tracker), catalog).split("\n") == [
        "勾选：虚假发货",
        "客户说：还未取件,怎么就产生费用了?",
        "机器人理解：催取件 56%、重复收费 24%、与快递无关 10%",
        "问过：催取件、重复收费、虚假发货；客户答：都不是",
        "问过：其余 4 类；客户答：转人工",
        "已有工单：重量不符",
    ]


def test_two_needs_of_one_message_are_both_named(make_tracker: Any, catalog: Catalog) -> None:
    slots = {"request_text": "件碎了，另外重复扣费", "needs": ["damage_claim", "charge_dispute"]}
    told = summary(read_turn(make_tracker("转人工", {"human": 0.9}, slots=slots)), catalog)
    label = catalog["damage_claim"].label["zh"]
    assert f"同时提出：{label}、重复收费" in told.split("\n")


def test_a_tapped_answer_is_told_by_its_label(make_tracker: Any, catalog: Catalog) -> None:
    events = [bot("pickup_urge", "loss_claim"), user('/choose{"category": "loss_claim"}')]
    told = summary(read_turn(make_tracker("x", {"human": 0.9}, events=events)), catalog)
    assert "问过：催取件、丢失短少；客户答：丢失短少" in told


def test_an_unanswered_question_is_told_as_such(make_tracker: Any, catalog: Catalog) -> None:
    events = [bot("pickup_urge", "loss_claim")]
    told = summary(read_turn(make_tracker("x", {"human": 0.9}, events=events)), catalog)
    assert "客户答：（未答）" in told


def test_long_words_are_cut(make_tracker: Any, catalog: Catalog) -> None:
    told = summary(read_turn(make_tracker("哎" * 900, {"human": 0.9})), catalog)
    assert len(told) < 200
    assert told.endswith("…")


def test_nothing_said_yet_is_a_summary_too(make_tracker: Any, catalog: Catalog) -> None:
    told = summary(read_turn(make_tracker("/human", {"human": 1.0})), catalog)
    assert told == "客户还没有说明问题。"
