"""What a model may do to a decision: raise a doubt, add a choice; never open a ticket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from actions.review.decision import opinion_matters, review
from actions.review.evidence import Evidence, Opinion, Verdict
from actions.review.settings import ReviewSettings
from tests.unit.actions.test_decision_properties import (
    CATEGORIES,
    SETTINGS,
    evidences,
    widely,
)

#: Two categories so close that nothing but a question is right.
TORN = {"damage_claim": 0.6, "loss_claim": 0.38}
#: Sure enough for a ticket, not so sure that a doubt would be out of place.
UNSURE = {"damage_claim": 0.94, "loss_claim": 0.04}


def evidence(ranking: dict[str, float], **more: Any) -> Evidence:
    """Evidence with only a ranking, and what the test is about."""
    given: dict[str, Any] = {"message": "x", "stated": None, "order_state": None, **more}
    return Evidence(ranking=tuple(ranking.items()), **given)


def says(category: str | None, model: str = "m") -> Opinion:
    return Opinion(category, "x", model, 5, "json_schema")


def offered(verdict: Verdict) -> list[str]:
    return [name for name, _ in verdict.candidates]


@widely
@given(evidences())
def test_whatever_the_model_says_it_opens_no_ticket_and_changes_none(case: Evidence) -> None:
    alone = review(replace(case, opinion=None), SETTINGS)
    for reliability in (0.6, 0.95):
        trusting = replace(SETTINGS, model_unmeasured=reliability)
        for word in (None, *CATEGORIES):
            heard = review(replace(case, opinion=says(word)), trusting)
            if heard.kind == "agree":
                assert (alone.kind, alone.category) == ("agree", heard.category)


@widely
@given(evidences())
def test_whatever_the_model_says_it_sends_nobody_to_a_person(case: Evidence) -> None:
    alone = review(replace(case, opinion=None), SETTINGS)
    for word in (None, *CATEGORIES):
        heard = review(replace(case, opinion=says(word)), SETTINGS)
        assert heard.kind != "human" or alone.kind == "human"


@widely
@given(evidences())
def test_a_word_from_outside_the_list_weighs_nothing(case: Evidence) -> None:
    alone = review(replace(case, opinion=None), SETTINGS)
    for word in (None, "human", "out_of_scope", "chitchat", "cannot_decide", "pizza"):
        heard = review(replace(case, opinion=says(word)), SETTINGS)
        assert replace(heard, reasons=()) == replace(alone, reasons=())


@widely
@given(evidences())
def test_what_was_not_understood_stays_not_understood(case: Evidence) -> None:
    alone = review(replace(case, opinion=None), SETTINGS)
    for word in CATEGORIES[:4]:
        heard = review(replace(case, opinion=says(word)), SETTINGS)
        assert alone.understood or not heard.understood


@widely
@given(evidences())
def test_what_is_offered_first_stays_first(case: Evidence) -> None:
    alone = review(replace(case, opinion=None), SETTINGS)
    if alone.kind == "clarify":
        for word in CATEGORIES:
            assert (
                offered(review(replace(case, opinion=says(word)), SETTINGS))[0]
                == (offered(alone)[0])
            )


def test_a_model_that_contradicts_turns_a_ticket_into_a_question(settings: ReviewSettings) -> None:
    assert review(evidence(UNSURE), settings).kind == "agree"
    verdict = review(evidence(UNSURE, opinion=says("loss_claim")), settings)
    assert verdict.kind == "clarify"
    assert offered(verdict)[:2] == ["damage_claim", "loss_claim"]
    assert "its doubt turns the ticket into a question" in verdict.reasons


def test_a_model_that_agrees_leaves_the_ticket(settings: ReviewSettings) -> None:
    verdict = review(evidence(UNSURE, opinion=says("damage_claim")), settings)
    assert (verdict.kind, verdict.category) == ("agree", "damage_claim")


def test_a_model_that_takes_a_side_does_not_answer_for_the_customer(
    settings: ReviewSettings,
) -> None:
    for side in TORN:
        verdict = review(evidence(TORN, opinion=says(side)), settings)
        assert verdict.kind == "clarify"
        assert set(offered(verdict)) >= set(TORN)


def test_a_conflict_is_asked_about_even_if_the_model_takes_a_side(settings: ReviewSettings) -> None:
    for side in ("loss_claim", "transit_urge", "damage_claim"):
        conflict = evidence({"loss_claim": 0.9}, stated="transit_urge", opinion=says(side))
        verdict = review(conflict, settings)
        assert verdict.kind == "clarify"
        assert {"loss_claim", "transit_urge", side} <= set(offered(verdict))


def test_a_category_the_message_does_not_speak_for_becomes_a_choice_and_no_more(
    settings: ReviewSettings,
) -> None:
    verdict = review(evidence(TORN, opinion=says("courier_complaint")), settings)
    assert verdict.kind == "clarify"
    assert "courier_complaint" in offered(verdict)


def test_what_the_customer_ruled_out_is_not_brought_back_by_a_model(
    settings: ReviewSettings,
) -> None:
    case = evidence(TORN, opinion=says("weight_dispute"), rejected=("weight_dispute",))
    assert "weight_dispute" not in offered(review(case, settings))


def test_a_person_who_was_asked_for_comes_whatever_the_model_says(
    settings: ReviewSettings,
) -> None:
    asks = evidence({"human": 0.95}, misses=1, opinion=says("pickup_urge"))
    assert review(asks, settings).kind == "human"


def test_a_model_may_ask_before_a_person_is_called_out_of_doubt(settings: ReviewSettings) -> None:
    cheap = replace(settings, cost_person=0.9, cost_wrong=dict.fromkeys(settings.cost_wrong, 2.0))
    torn = evidence({"transit_urge": 0.35, "loss_claim": 0.34, "delivery_urge": 0.3})
    assert review(torn, cheap).kind == "human"
    assert review(replace(torn, opinion=says("loss_claim")), cheap).kind == "clarify"


def test_after_the_last_question_a_model_has_no_say(settings: ReviewSettings) -> None:
    asked = evidence(UNSURE, questions_asked=settings.most_questions)
    alone = review(asked, settings)
    for word in settings.categories:
        heard = review(replace(asked, opinion=says(word)), settings)
        assert (heard.kind, heard.category) == (alone.kind, alone.category)
    assert not opinion_matters(asked, settings)


def test_a_model_is_asked_where_its_doubt_could_stop_a_ticket(settings: ReviewSettings) -> None:
    assert opinion_matters(evidence(UNSURE), settings)
    assert not opinion_matters(evidence({"damage_claim": 0.995}), settings)
    assert not opinion_matters(evidence({"human": 0.95}), settings)


def test_a_model_is_asked_about_a_question_only_if_the_need_may_be_missing_from_it(
    settings: ReviewSettings,
) -> None:
    assert not opinion_matters(evidence(TORN), settings)
    assert opinion_matters(evidence(dict.fromkeys(settings.categories, 0.08)), settings)


def test_a_measured_model_counts_with_the_lower_end_of_what_was_measured(
    settings: ReviewSettings,
) -> None:
    measured = replace(settings, model_measured={"good": 0.93, "bad": 0.2, "useless": 0.01})
    assert measured.reliability_of("good") == 0.93
    assert measured.reliability_of("nobody") == settings.model_unmeasured
    assert measured.reliability_of("useless") == pytest.approx(1 / 12)  # blind chance


def test_a_model_no_better_than_chance_weighs_nothing(settings: ReviewSettings) -> None:
    measured = replace(settings, model_measured={"useless": 0.01})
    alone = review(evidence(UNSURE), measured)
    heard = review(evidence(UNSURE, opinion=says("loss_claim", "useless")), measured)
    assert (heard.kind, heard.category) == (alone.kind, alone.category)
    assert heard.posterior == pytest.approx(alone.posterior)


def test_a_model_no_better_than_chance_is_not_asked_and_adds_no_choice(
    settings: ReviewSettings,
) -> None:
    measured = replace(settings, model_measured={"useless": 0.01, "faint": 0.1})
    puzzled = evidence(dict.fromkeys(settings.categories, 0.08))
    for case in (evidence(UNSURE), puzzled):
        assert not opinion_matters(case, measured, "useless")
    assert opinion_matters(puzzled, measured, "faint")
    missing = next(c for c in settings.categories if c not in offered(review(puzzled, measured)))
    heard = review(replace(puzzled, opinion=says(missing, "useless")), measured)
    assert offered(heard) == offered(review(puzzled, measured))
    heard = review(replace(puzzled, opinion=says(missing, "faint")), measured)
    assert missing in offered(heard)


def test_the_reasons_tell_the_decision_without_the_model_first(settings: ReviewSettings) -> None:
    alone = review(evidence(UNSURE), settings)
    heard = review(evidence(UNSURE, opinion=says("loss_claim")), settings)
    assert heard.reasons[: len(alone.reasons)] == alone.reasons
    assert "the model m says loss_claim" in heard.reasons
