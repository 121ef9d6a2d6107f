"""What holds for every review, whatever the figures are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from actions.catalog import load_catalog
from actions.review.costs import expected_costs
from actions.review.decision import review
from actions.review.evidence import DIALOGUE_INTENTS, Evidence, Opinion
from actions.review.settings import load_review_settings

ROOT = Path(__file__).resolve().parents[3]
CATALOG = load_catalog(ROOT / "data" / "categories.yml")
SETTINGS = load_review_settings(ROOT / "data" / "review.yml", tuple(CATALOG))
CATEGORIES = SETTINGS.categories
INTENTS = [*CATEGORIES, *SETTINGS.outside, *sorted(DIALOGUE_INTENTS)]
SUM_TO_ONE = pytest.approx(1.0, abs=1e-9)

widely = hypothesis_settings(max_examples=120, deadline=None)

shares = st.dictionaries(
    st.sampled_from(INTENTS), st.floats(0.0, 1.0, allow_nan=False), min_size=1, max_size=10
)


@st.composite
def rankings(draw: st.DrawFn) -> tuple[tuple[str, float], ...]:
    """A classifier's ranking: best first, adding up to at most 1, possibly cut short."""
    raw = draw(shares)
    total = max(1.0, sum(raw.values()))
    ranked = sorted(raw.items(), key=lambda pair: -pair[1])
    return tuple((name, p / total) for name, p in ranked)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Any evidence the actions could put together."""
    said = draw(st.sampled_from([None, "cannot_decide", *CATEGORIES]))
    opinion = None
    if said:
        opinion = Opinion(None if said == "cannot_decide" else said, "", "m", 0, "json_object")
    asked = draw(st.integers(0, 3))
    some: Any = st.lists(st.sampled_from(CATEGORIES), unique=True, max_size=3).map(tuple)
    return Evidence(
        message="x",
        stated=draw(st.sampled_from([None, *CATEGORIES])),
        ranking=draw(rankings()),
        order_state=draw(st.sampled_from([None, *SETTINGS.states])),
        opinion=opinion,
        questions_asked=asked,
        misses=draw(st.integers(0, 2)),
        offered=draw(some) if asked else (),
        rejected=draw(some),
    )


@widely
@given(evidences())
def test_probabilities_add_up_to_one(evidence: Evidence) -> None:
    posterior = review(evidence, SETTINGS).posterior
    assert sum(posterior.values()) == SUM_TO_ONE
    assert all(p >= 0 for p in posterior.values())


@widely
@given(evidences(), st.randoms(use_true_random=False))
def test_the_order_of_the_ranking_below_its_head_does_not_matter(
    evidence: Evidence, random: Any
) -> None:
    head, *rest = evidence.ranking
    random.shuffle(rest)
    shuffled = review(replace(evidence, ranking=(head, *rest)), SETTINGS)
    before = review(evidence, SETTINGS)
    assert (shuffled.kind, shuffled.category) == (before.kind, before.category)
    assert shuffled.posterior == pytest.approx(before.posterior)


@widely
@given(evidences(), st.sampled_from(CATEGORIES))
def test_ticking_a_category_never_makes_it_less_likely(evidence: Evidence, category: str) -> None:
    with_tick = review(replace(evidence, stated=category), SETTINGS).posterior[category]
    for other in (None, *CATEGORIES):
        without = review(replace(evidence, stated=other), SETTINGS).posterior[category]
        assert with_tick >= without - 1e-12


@widely
@given(evidences())
def test_ticking_the_agreed_category_never_takes_the_ticket_away(evidence: Evidence) -> None:
    verdict = review(replace(evidence, stated=None), SETTINGS)
    if verdict.kind == "agree":
        ticked = review(replace(evidence, stated=verdict.category), SETTINGS)
        assert (ticked.kind, ticked.category) == ("agree", verdict.category)


@widely
@given(evidences())
def test_what_the_model_supports_becomes_no_less_likely(evidence: Evidence) -> None:
    for category in CATEGORIES[:3]:
        opinion = Opinion(category, "", "m", 0, "json_object")
        heard = review(replace(evidence, opinion=opinion), SETTINGS).posterior[category]
        silent = review(replace(evidence, opinion=None), SETTINGS).posterior[category]
        assert heard >= silent - 1e-12


@widely
@given(evidences())
def test_a_message_outside_our_work_never_becomes_a_ticket(evidence: Evidence) -> None:
    ranking = [(name, p * 0.3) for name, p in evidence.ranking if name not in SETTINGS.outside]
    for outside in ("out_of_scope", "chitchat", "human"):
        dominated = replace(evidence, ranking=((outside, 0.65), *ranking))
        assert review(dominated, SETTINGS).kind != "agree"


@widely
@given(evidences())
def test_a_question_offers_two_or_three_different_categories(evidence: Evidence) -> None:
    verdict = review(evidence, SETTINGS)
    names = [name for name, _ in verdict.candidates]
    assert len(set(names)) == len(names)
    assert set(names) <= set(CATEGORIES) - set(evidence.rejected)
    if verdict.kind == "clarify":
        assert 2 <= len(names) <= 3


@widely
@given(evidences())
def test_nobody_is_asked_a_third_time(evidence: Evidence) -> None:
    if evidence.questions_asked >= 2:
        assert review(evidence, SETTINGS).kind in ("agree", "human")


@widely
@given(evidences())
def test_nobody_is_misunderstood_twice_without_a_person(evidence: Evidence) -> None:
    verdict = review(evidence, SETTINGS)
    if evidence.misses and not verdict.understood:
        assert verdict.kind == "human"


@widely
@given(evidences())
def test_only_an_agreement_names_a_category_and_it_is_the_likeliest(evidence: Evidence) -> None:
    verdict = review(evidence, SETTINGS)
    if verdict.kind == "agree":
        assert verdict.category not in evidence.rejected
        assert verdict.posterior[str(verdict.category)] == max(
            verdict.posterior[c] for c in CATEGORIES
        )
    else:
        assert verdict.category is None


@widely
@given(evidences())
def test_while_a_question_is_left_no_ticket_is_dearer_than_asking(evidence: Evidence) -> None:
    verdict = review(evidence, SETTINGS)
    if verdict.kind == "agree" and evidence.questions_asked < SETTINGS.most_questions:
        names = [name for name, _ in verdict.candidates]
        costs = expected_costs(str(verdict.category), names, verdict.posterior, SETTINGS)
        assert evidence.opinion or costs.ticket <= min(costs.question, costs.person)


@widely
@given(evidences())
def test_there_is_always_a_reason(evidence: Evidence) -> None:
    assert all(reason.strip() for reason in review(evidence, SETTINGS).reasons)
