"""action_review: from a message to a verdict and the slots that go with it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actions.acts.reviewing import ActionReview
from actions.review.evidence import NOT_NEEDED, Opinion

SEED = "这个快递还未取件,怎么就产生费用了?"
SEED_RANKING = {"pickup_urge": 0.45, "charge_dispute": 0.35, "false_pickup": 0.1}
ASKED = {
    "asking": True,
    "questions_asked": 1.0,
    "offered": ["pickup_urge", "charge_dispute", "false_pickup"],
    "request_text": SEED,
}


async def test_a_clear_request_agrees_and_keeps_the_customers_words(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionReview, make_tracker("还没来取", context={"stated": "pickup_urge"}))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "pickup_urge"
    assert said.slots["request_text"] == "还没来取"
    assert said.messages == []
    assert not said.ends_the_turn


async def test_the_seed_is_to_be_asked_with_its_choices(act: Any, make_tracker: Any) -> None:
    tracker = make_tracker(SEED, SEED_RANKING, context={"stated": "false_pickup"})
    said = await act(ActionReview, tracker)
    assert said.slots["verdict"] == "clarify"
    assert said.slots["category"] is None
    assert set(said.slots["offered"]) == {"pickup_urge", "charge_dispute", "false_pickup"}
    assert said.slots["misses"] == 0.0


#: A ticket without a model, but not so sure that no word could raise a doubt.
UNSURE = {"damage_claim": 0.9, "loss_claim": 0.05}
DELIVERED = {"order": {"id": "o-1", "state": "delivered"}}


async def test_the_record_says_who_said_what(act: Any, make_tracker: Any, witness: Any) -> None:
    witness.says = Opinion(
        "loss_claim", "不见了", "m", 80, "json_schema", False, "2", 900, 20, cost=0.001
    )
    ranking = {**UNSURE, "transit_urge": 0.02, "weight_dispute": 0.01}
    said = await act(ActionReview, make_tracker("破的，里面的不见了", ranking, context=DELIVERED))
    record = said.record
    assert record["message"] == [
        ["damage_claim", 0.9],
        ["loss_claim", 0.05],
        ["transit_urge", 0.02],
    ]
    assert (record["stated"], record["order_state"]) == (None, "delivered")
    assert record["model"] == {
        "category": "loss_claim",
        "quote": "不见了",
        "model": "m",
        "latency_ms": 80,
        "mode": "json_schema",
        "cached": False,
        "prompt_version": "2",
        "prompt_tokens": 900,
        "completion_tokens": 20,
        "cost": 0.001,
    }
    assert record["verdict"] == "clarify"
    assert any("its doubt" in reason for reason in record["reasons"])
    json.dumps(record)


async def test_the_record_says_why_the_model_said_nothing(
    act: Any, make_tracker: Any, witness: Any
) -> None:
    unsure = make_tracker("破的", UNSURE, context=DELIVERED)
    failed = (await act(ActionReview, unsure)).record["model"]
    assert failed == {"model": "m", "silent": "APITimeoutError", "latency_ms": 2500}
    sure = make_tracker("破的", {"damage_claim": 0.99}, context=DELIVERED)
    assert (await act(ActionReview, sure)).record["model"]["silent"] == NOT_NEEDED
    witness.model = ""
    assert (await act(ActionReview, unsure)).record["model"] is None


async def test_the_model_hears_the_customers_words_only_where_it_matters(
    act: Any, make_tracker: Any, witness: Any
) -> None:
    await act(ActionReview, make_tracker("转人工", {"human": 0.97}))
    await act(ActionReview, make_tracker(SEED, {"pickup_urge": 0.6, "charge_dispute": 0.38}))
    assert witness.asked == []
    await act(ActionReview, make_tracker("破的", UNSURE, context=DELIVERED))
    assert witness.asked == ["破的"]


async def test_a_first_miss_is_counted_and_offers_choices(act: Any, make_tracker: Any) -> None:
    said = await act(ActionReview, make_tracker("嘎嘎", {"nlu_fallback": 0.7}))
    assert said.slots["verdict"] == "clarify"
    assert said.slots["misses"] == 1.0
    assert 2 <= len(said.slots["offered"]) <= 3


async def test_a_second_miss_is_for_a_person(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "misses": 1.0}
    said = await act(ActionReview, make_tracker("嘎嘎", {"nlu_fallback": 0.7}, slots=slots))
    assert said.slots["verdict"] == "human"
    assert said.slots["misses"] == 2.0


@pytest.mark.parametrize(
    ("text", "category"), [("第二个", "charge_dispute"), ("催取件", "pickup_urge")]
)
async def test_a_typed_answer_settles_the_open_question(
    act: Any, make_tracker: Any, text: str, category: str
) -> None:
    said = await act(ActionReview, make_tracker(text, {"loss_claim": 0.9}, slots=ASKED))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == category
    assert said.slots["request_text"] == SEED
    assert said.record["confirmed_by"] == "typed"


async def test_an_answer_in_own_words_is_added_to_the_request(act: Any, make_tracker: Any) -> None:
    said = await act(ActionReview, make_tracker("让人快来拿", {"pickup_urge": 0.8}, slots=ASKED))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "pickup_urge"
    assert said.slots["request_text"] == f"{SEED}\n让人快来拿"


async def test_none_of_them_in_words_offers_others(act: Any, make_tracker: Any) -> None:
    said = await act(ActionReview, make_tracker("都不是", {"loss_claim": 0.9}, slots=ASKED))
    assert said.slots["verdict"] == "clarify"
    assert len(said.slots["offered"]) == 3
    assert not set(said.slots["offered"]) & set(ASKED["offered"])


async def test_none_of_them_after_the_last_question_is_for_a_person(
    act: Any, make_tracker: Any
) -> None:
    slots = {**ASKED, "questions_asked": 2.0}
    said = await act(ActionReview, make_tracker("都不是", {"loss_claim": 0.9}, slots=slots))
    assert said.slots["verdict"] == "human"


async def test_both_of_two_become_one_ticket_that_names_both(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "offered": ["pickup_urge", "charge_dispute"]}
    said = await act(ActionReview, make_tracker("两个都要", {"affirm": 0.9}, slots=slots))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "pickup_urge"
    assert said.slots["request_text"] == f"{SEED}\n两个都要"
    assert said.slots["needs"] == ["pickup_urge", "charge_dispute"]


async def test_two_of_three_without_saying_which_is_asked_again(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionReview, make_tracker("两个", {"loss_claim": 0.9}, slots=ASKED))
    assert said.slots["verdict"] == "clarify"
    assert said.slots["offered"] == ASKED["offered"]


BOTH = "我的件摔碎了，另外你们还重复扣费，赔钱加退款"
PARTS = [{"damage_claim": 0.99}, {"charge_dispute": 0.99}]


async def test_two_things_asked_for_as_equals_are_asked_which_first(
    act: Any, make_tracker: Any, witness: Any
) -> None:
    tracker = make_tracker(
        BOTH, {"charge_dispute": 0.998}, parts=PARTS, context={"stated": "charge_dispute"}
    )
    said = await act(ActionReview, tracker)
    assert said.slots["verdict"] == "clarify"
    assert said.slots["offered"] == said.slots["needs"] == ["damage_claim", "charge_dispute"]
    assert any("asked for as equals" in reason for reason in said.record["reasons"])
    assert witness.asked == []


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"damage_claim": 0.99}, {"damage_claim": 0.9}],
        [{"damage_claim": 0.99}, {"charge_dispute": 0.4}],
        [{"weight_dispute": 0.99}, {"charge_dispute": 0.99}],  # one story
        [{"damage_claim": 0.99}, {"human": 0.99}],
    ],
)
async def test_one_need_and_something_besides_is_no_such_question(
    act: Any, make_tracker: Any, parts: list[dict[str, float]]
) -> None:
    ranking, context = {"charge_dispute": 0.998}, {"stated": "charge_dispute"}
    said = await act(ActionReview, make_tracker(BOTH, ranking, parts=parts, context=context))
    assert said.slots["verdict"] == "agree"
    assert said.slots["needs"] is None


async def test_what_was_refused_is_not_agreed_to_later(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "offered": ["loss_claim", "transit_urge"], "refused": ["charge_dispute"]}
    said = await act(ActionReview, make_tracker("钱的事", {"charge_dispute": 0.9}, slots=slots))
    assert said.slots["verdict"] != "agree"
    assert "charge_dispute" not in said.slots["offered"]


async def test_every_refusal_adds_to_the_last(act: Any, make_tracker: Any) -> None:
    slots = {**ASKED, "refused": ["loss_claim"]}
    said = await act(ActionReview, make_tracker("都不是", {"loss_claim": 0.9}, slots=slots))
    assert said.slots["refused"] == ["loss_claim", *ASKED["offered"]]
    assert not set(said.slots["offered"]) & set(said.slots["refused"])


async def test_a_new_need_that_begins_with_wrong_leaves_the_ticket_alone(
    act: Any, make_tracker: Any
) -> None:
    slots = {"ticket_open": True, "ticket_id": "t-1", "category": "pickup_urge"}
    tracker = make_tracker("弄错了地址，帮我改一下", {"address_change": 0.97}, slots=slots)
    assert (await act(ActionReview, tracker)).slots["correcting"] is None


async def test_a_new_request_after_a_ticket_starts_afresh(act: Any, make_tracker: Any) -> None:
    slots = {"ticket_open": True, "ticket_id": "t-1", "category": "pickup_urge"}
    said = await act(
        ActionReview,
        make_tracker("里面的碗碎了", {"damage_claim": 0.95}, slots=slots),
    )
    assert said.slots["ticket_open"] is False
    assert said.slots["correcting"] is None
    assert said.slots["questions_asked"] == 0.0
    assert said.slots["request_text"] == "里面的碗碎了"


async def test_a_message_that_begins_with_wrong_corrects_the_ticket(
    act: Any, make_tracker: Any
) -> None:
    slots = {"ticket_open": True, "ticket_id": "t-1", "category": "pickup_urge"}
    ranking = {"charge_dispute": 0.7, "pickup_urge": 0.25}
    context = {"order": {"state": "delivered"}}
    tracker = make_tracker("不对，我是要退钱", ranking, slots=slots, context=context)
    said = await act(ActionReview, tracker)
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "charge_dispute"
    assert said.slots["correcting"] == "t-1"


async def test_words_instead_of_a_tap_still_correct_the_ticket(act: Any, make_tracker: Any) -> None:
    slots = {
        "asking": True,
        "ticket_open": True,
        "ticket_id": "t-1",
        "correcting": "t-1",
        "category": "pickup_urge",
        "questions_asked": 1.0,
        "offered": ["charge_dispute", "cancel_appeal", "false_pickup"],
    }
    ranking = {"cancel_appeal": 0.6, "pickup_urge": 0.3}
    said = await act(ActionReview, make_tracker("我不寄了", ranking, slots=slots))
    assert said.slots["verdict"] == "agree"
    assert said.slots["category"] == "cancel_appeal"
    assert said.slots["correcting"] == "t-1"


async def test_an_endless_request_is_cut_to_what_a_ticket_holds(
    act: Any, make_tracker: Any
) -> None:
    said = await act(ActionReview, make_tracker("开头" + "还没来" * 2000 + "结尾"))
    text = said.slots["request_text"]
    assert len(text) == 2000
    assert text.startswith("开头") and text.endswith("结尾") and "…" in text


async def test_a_rehearsal_is_reviewed_like_any_other_message(act: Any, make_tracker: Any) -> None:
    said = await act(ActionReview, make_tracker(no_desk=True, ranking={"pickup_urge": 0.97}))
    assert said.slots["verdict"] == "agree"
