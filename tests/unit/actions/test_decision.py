"""The review's verdicts, one situation each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.review.decision import review
from actions.review.evidence import Evidence, Opinion, Verdict
from actions.review.settings import ReviewSettings

SEED = "这个快递还未取件,怎么就产生费用了?"


def evidence(ranking: dict[str, float], **more: Any) -> Evidence:
    """Evidence with only a ranking, and what the test is about."""
    given: dict[str, Any] = {"message": "x", "stated": None, "order_state": None, **more}
    return Evidence(ranking=tuple(ranking.items()), **given)


def says(category: str | None) -> Opinion:
    return Opinion(category, "x", "m", 5, "json_schema")


def offered(verdict: Verdict) -> list[str]:
    return [name for name, _ in verdict.candidates]


@pytest.mark.parametrize(
    "ranking",
    [
        {"pickup_urge": 0.45, "charge_dispute": 0.35, "false_pickup": 0.1},
        {"charge_dispute": 0.55, "pickup_urge": 0.3, "false_pickup": 0.1},
        {"pickup_urge": 0.93, "charge_dispute": 0.04, "false_pickup": 0.01},
        {"pickup_urge": 0.4, "charge_dispute": 0.25, "false_pickup": 0.2, "weight_dispute": 0.1},
    ],
)
def test_the_seed_is_asked_with_the_courier_and_the_money_among_the_choices(
    settings: ReviewSettings, ranking: dict[str, float]
) -> None:
    seed = evidence(ranking, message=SEED, stated="false_pickup", order_state="accepted")
    verdict = review(seed, settings)
    assert verdict.kind == "clarify"
    assert {"pickup_urge", "charge_dispute"} <= set(offered(verdict))
    assert 2 <= len(offered(verdict)) <= 3


def test_a_conflict_offers_what_was_written_first_and_what_was_ticked_last(
    settings: ReviewSettings,
) -> None:
    verdict = review(evidence({"loss_claim": 0.9}, stated="transit_urge"), settings)
    assert verdict.kind == "clarify"
    assert offered(verdict)[0] == "loss_claim"
    assert offered(verdict)[-1] == "transit_urge"


@pytest.mark.parametrize("sure", [0.8, 0.9, 0.95])
def test_ticked_and_clearly_written_agree(settings: ReviewSettings, sure: float) -> None:
    ranking = {"pickup_urge": sure, "delivery_urge": 0.02}
    verdict = review(evidence(ranking, stated="pickup_urge", order_state="accepted"), settings)
    assert (verdict.kind, verdict.category) == ("agree", "pickup_urge")


def test_ticked_but_hardly_written_is_asked_about(settings: ReviewSettings) -> None:
    ranking = {"pickup_urge": 0.35, "delivery_urge": 0.02}
    verdict = review(evidence(ranking, stated="pickup_urge", order_state="accepted"), settings)
    assert verdict.kind == "clarify"
    assert offered(verdict)[0] == "pickup_urge"


def test_agreement_against_the_orders_state_is_asked_about(settings: ReviewSettings) -> None:
    ranking = {"false_pickup": 0.75, "pickup_urge": 0.1}
    ticked = evidence(ranking, stated="false_pickup")
    assert review(replace(ticked, order_state="collected"), settings).kind == "agree"
    assert review(replace(ticked, order_state="accepted"), settings).kind == "clarify"


def test_a_very_clear_message_is_believed_against_the_orders_state(
    settings: ReviewSettings,
) -> None:
    ranking = {"false_pickup": 0.97, "pickup_urge": 0.01}
    clear = evidence(ranking, stated="false_pickup", order_state="accepted")
    assert review(clear, settings).kind == "agree"


def test_nothing_ticked_and_a_clear_message_becomes_a_ticket(settings: ReviewSettings) -> None:
    verdict = review(evidence({"damage_claim": 0.95}, order_state="delivered"), settings)
    assert (verdict.kind, verdict.category) == ("agree", "damage_claim")


def test_nothing_ticked_and_an_open_message_is_asked_about(settings: ReviewSettings) -> None:
    verdict = review(evidence({"transit_urge": 0.5, "loss_claim": 0.4}), settings)
    assert verdict.kind == "clarify"
    assert offered(verdict)[:2] == ["transit_urge", "loss_claim"]


def test_a_dearer_mistake_needs_more_certainty(settings: ReviewSettings) -> None:
    cheap = evidence({"pickup_urge": 0.93, "transit_urge": 0.05})
    dear = evidence({"cancel_appeal": 0.93, "transit_urge": 0.05})
    assert review(cheap, settings).kind == "agree"
    assert review(dear, settings).kind == "clarify"


@pytest.mark.parametrize("intent", ["out_of_scope", "chitchat", "greet"])
def test_a_tick_does_not_make_a_ticket_of_a_message_that_needs_none(
    settings: ReviewSettings, intent: str
) -> None:
    ranking = {intent: 0.6, "pickup_urge": 0.39}
    ticked = evidence(ranking, stated="pickup_urge", order_state="accepted")
    assert review(ticked, settings).kind == "clarify"
    assert review(replace(ticked, misses=1), settings).kind == "human"


def test_whoever_asks_for_a_person_gets_one_whatever_was_ticked(settings: ReviewSettings) -> None:
    verdict = review(evidence({"human": 0.7, "pickup_urge": 0.2}, stated="pickup_urge"), settings)
    assert verdict.kind == "human"


def test_the_first_message_not_understood_offers_what_tick_and_order_suggest(
    settings: ReviewSettings,
) -> None:
    ranking = {"nlu_fallback": 0.7, "loss_claim": 0.1, "pickup_urge": 0.1}
    verdict = review(evidence(ranking, stated="pickup_urge", order_state="accepted"), settings)
    assert verdict.kind == "clarify"
    assert not verdict.understood
    assert offered(verdict)[0] == "pickup_urge"


def test_the_second_message_not_understood_goes_to_a_person(settings: ReviewSettings) -> None:
    assert review(evidence({"nlu_fallback": 0.7}, misses=1), settings).kind == "human"


def test_an_answer_word_out_of_the_blue_is_not_understood(settings: ReviewSettings) -> None:
    verdict = review(evidence({"pick_one": 0.9, "pickup_urge": 0.05}), settings)
    assert verdict.kind == "clarify"
    assert not verdict.understood


def test_no_ranking_at_all_is_not_understood(settings: ReviewSettings) -> None:
    assert not review(evidence({}), settings).understood


def test_an_answer_in_own_words_is_read_in_the_light_of_the_question(
    settings: ReviewSettings,
) -> None:
    ranking = {"pickup_urge": 0.8, "delivery_urge": 0.05}
    asked = {"stated": "false_pickup", "questions_asked": 1}
    without = review(evidence(ranking, **asked), settings)
    with_offer = review(evidence(ranking, **asked, offered=("pickup_urge",)), settings)
    assert without.kind == "clarify"
    assert (with_offer.kind, with_offer.category) == ("agree", "pickup_urge")


def test_after_one_question_the_tick_alone_forces_no_second_one(settings: ReviewSettings) -> None:
    verdict = review(
        evidence(
            {"pickup_urge": 0.9},
            stated="false_pickup",
            order_state="accepted",
            questions_asked=1,
            offered=("pickup_urge", "charge_dispute", "false_pickup"),
        ),
        settings,
    )
    assert (verdict.kind, verdict.category) == ("agree", "pickup_urge")


def test_words_that_touch_an_offered_choice_open_no_ticket_dearer_than_a_question(
    settings: ReviewSettings,
) -> None:
    faint = evidence(
        {"transit_urge": 0.33, "out_of_scope": 0.28, "charge_dispute": 0.27},
        order_state="in_transit",
        questions_asked=1,
        offered=("transit_urge", "delivery_urge"),
    )
    verdict = review(faint, settings)
    assert verdict.posterior["transit_urge"] >= settings.agree_min_posterior
    assert verdict.kind == "clarify"
    assert any(reason.startswith("expected costs: ticket") for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("不是要取消", "cancel_appeal"),
        ("别给我取消订单", "cancel_appeal"),
        ("千万别取消", "cancel_appeal"),
        ("唔好幫我取消", "cancel_appeal"),
        ("I don’t want to cancel", "cancel_appeal"),
        ("Do not cancel my order", "cancel_appeal"),
        ("不要改地址", "address_change"),
        ("别退回来", "address_change"),
        ("不要拦截", "address_change"),
        ("Don't return it to the sender", "address_change"),
        ("没丢", "loss_claim"),
        ("It's not lost", "loss_claim"),
        ("他没有骂我", "courier_complaint"),
        ("没有多收钱", "charge_dispute"),
        ("不是虚假签收，我收到了", "false_delivery"),
    ],
)
@pytest.mark.parametrize("asked", [0, 1, 2])
@pytest.mark.parametrize("ticked", [False, True])
def test_what_a_message_only_denies_is_neither_a_ticket_nor_offered(
    settings: ReviewSettings, message: str, category: str, asked: int, ticked: bool
) -> None:
    denies = evidence(
        {category: 0.97, "pickup_urge": 0.01},
        message=message,
        stated=category if ticked else None,
        questions_asked=asked,
    )
    verdict = review(denies, settings)
    assert verdict.kind == ("clarify" if asked < 2 else "human")
    assert category not in offered(verdict)
    assert f"the message denies {category}: no ticket of it" in verdict.reasons


@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("不来取件", "pickup_urge"),
        ("没收到", "false_delivery"),
        ("不是我签收的", "false_delivery"),
        ("还没送，没有派送", "delivery_urge"),
        ("不更新", "transit_urge"),
        ("不给退款", "charge_dispute"),
        ("不要取消费，退给我", "charge_dispute"),
        ("取消不了", "cancel_appeal"),
        ("不能取消", "cancel_appeal"),
        ("cannot cancel", "cancel_appeal"),
        ("我没取消，谁给我取消的", "cancel_appeal"),
        ("要不要取消？取消吧", "cancel_appeal"),
        ("不是不要取消", "cancel_appeal"),
        ("特别想取消", "cancel_appeal"),
        ("别送了，退回来", "address_change"),
        ("不要退回，改到新地址", "address_change"),
        ("包装没破，里面碎了", "damage_claim"),
        ("有没有丢，找不到了", "loss_claim"),
    ],
)
def test_a_not_that_is_the_complaint_itself_denies_nothing(
    settings: ReviewSettings, message: str, category: str
) -> None:
    clear = evidence({category: 0.97, "human": 0.01}, message=message, stated=category)
    verdict = review(clear, settings)
    assert (verdict.kind, verdict.category) == ("agree", category)


def test_a_denied_need_beside_another_one_leaves_the_other_as_it_is(
    settings: ReviewSettings,
) -> None:
    ranking = {"pickup_urge": 0.96, "cancel_appeal": 0.02}
    verdict = review(evidence(ranking, message="不是要取消，快来取件"), settings)
    assert (verdict.kind, verdict.category) == ("agree", "pickup_urge")


def test_after_two_questions_it_is_a_ticket_when_reasonably_sure(settings: ReviewSettings) -> None:
    verdict = review(evidence({"pickup_urge": 0.8}, questions_asked=2), settings)
    assert (verdict.kind, verdict.category) == ("agree", "pickup_urge")


def test_after_two_questions_it_is_a_person_when_not(settings: ReviewSettings) -> None:
    ranking = {"pickup_urge": 0.5, "delivery_urge": 0.45}
    assert review(evidence(ranking, questions_asked=2), settings).kind == "human"


def test_what_the_customer_said_no_to_is_neither_chosen_nor_offered(
    settings: ReviewSettings,
) -> None:
    ranking = {"pickup_urge": 0.9, "cancel_appeal": 0.05}
    verdict = review(evidence(ranking, rejected=("pickup_urge",)), settings)
    assert "pickup_urge" not in offered(verdict)
    assert verdict.posterior["pickup_urge"] == 0.0


def test_when_everything_was_rejected_only_a_person_is_left(settings: ReviewSettings) -> None:
    verdict = review(evidence({"pickup_urge": 0.9}, rejected=settings.categories), settings)
    assert verdict.kind == "human"


def test_a_near_tie_with_the_ticked_one_is_no_conflict(settings: ReviewSettings) -> None:
    ranking = {"transit_urge": 0.45, "delivery_urge": 0.43}
    ticked = evidence(ranking, stated="delivery_urge", order_state="out_for_delivery")
    told = review(ticked, settings)
    assert "ticked and written differ: one question" not in told.reasons
    assert offered(told)[0] == "delivery_urge"
    trusting = replace(settings, mistick_trust=1.0)
    cheap = replace(trusting, cost_wrong=dict.fromkeys(settings.categories, 10.0))
    verdict = review(ticked, cheap)
    assert (verdict.kind, verdict.category) == ("agree", "delivery_urge")


def test_the_less_a_tick_is_trusted_the_clearer_the_message_must_be(
    settings: ReviewSettings,
) -> None:
    backed = evidence({"pickup_urge": 0.75, "delivery_urge": 0.1}, stated="pickup_urge")
    trusting = replace(settings, mistick_trust=1.0, agree_min_text=0.9)
    deaf = replace(trusting, mistick_trust=0.0)
    assert review(backed, trusting).kind == "agree"
    assert review(backed, deaf).kind == "clarify"


def test_a_conflict_may_be_left_to_the_costs_by_setting(settings: ReviewSettings) -> None:
    relaxed = replace(settings, always_ask=False)
    conflict = evidence({"damage_claim": 0.99}, stated="pickup_urge", order_state="delivered")
    assert review(conflict, settings).kind == "clarify"
    assert review(conflict, relaxed).kind == "agree"


def test_a_person_is_the_answer_where_nothing_else_is_cheaper(settings: ReviewSettings) -> None:
    cheap_person = replace(settings, cost_person=0.1)
    verdict = review(evidence({"transit_urge": 0.5, "loss_claim": 0.4}), cheap_person)
    assert verdict.kind == "human"


def test_an_unknown_tick_or_state_is_no_evidence(settings: ReviewSettings) -> None:
    plain = review(evidence({"damage_claim": 0.95}), settings)
    odd = review(evidence({"damage_claim": 0.95}, stated="pizza", order_state="lost"), settings)
    assert odd.posterior == plain.posterior
    assert odd.kind == plain.kind


def test_every_verdict_says_why(settings: ReviewSettings) -> None:
    verdict = review(
        evidence(
            {"loss_claim": 0.9},
            stated="transit_urge",
            order_state="in_transit",
            opinion=says("loss_claim"),
            offered=("address_change",),
            rejected=("damage_claim",),
        ),
        settings,
    )
    told = "\n".join(verdict.reasons)
    for part in ("the message says loss_claim", "ticked: transit_urge", "the order is in_transit"):
        assert part in told
    for part in (
        "the model m says loss_claim",
        "already offered: address_change",
        "expected costs",
    ):
        assert part in told
    assert "ruled out: damage_claim" in told


def test_the_record_for_the_ticket_is_short_json(settings: ReviewSettings) -> None:
    record = review(evidence({"loss_claim": 0.9}), settings).as_record()
    assert record["verdict"] == "agree"
    assert isinstance(record["probabilities"], dict)
    assert len(record["probabilities"]) == 5
