"""The estimate without a running system: what each verdict comes to for the customer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from actions.catalog import load_catalog
from actions.review.settings import ReviewSettings, load_review_settings
from evaluation import rankings
from evaluation.cases import CATEGORIES, Case
from evaluation.offline import estimated_figures, told
from evaluation.rankings import CannotRank, rank, rank_kept
from evaluation.replay import Replayed, replay, replay_all
from evaluation.table import counted, shown

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(name="settings", scope="module")
def _settings() -> ReviewSettings:
    catalog = load_catalog(ROOT / "data/categories.yml")
    return load_review_settings(ROOT / "data/review.yml", tuple(catalog))


def case(true: str, stated: str | None, state: str = "accepted", message: str = "字") -> Case:
    return Case("c", message, true, stated, state, "plain")


def lived(one: Case, settings: ReviewSettings, **heard: float) -> Replayed:
    ranking = tuple(sorted(heard.items(), key=lambda pair: -pair[1]))
    return replay(one, ranking, settings, lambda text: "转人工" in text)


def test_a_clear_message_with_the_right_tick_is_solved_without_a_question(settings) -> None:
    found = lived(case("pickup_urge", "pickup_urge"), settings, pickup_urge=0.97)
    assert (found.outcome.ticket, found.outcome.questions) == ("pickup_urge", 0)
    assert found.understood_right


def test_a_clear_message_with_the_wrong_tick_is_solved_after_one_question(settings) -> None:
    found = lived(case("pickup_urge", "loss_claim"), settings, pickup_urge=0.97)
    assert (found.outcome.ticket, found.outcome.questions) == ("pickup_urge", 1)


def test_a_need_that_was_not_offered_is_picked_from_the_rest_after_two_questions(settings) -> None:
    one = case("damage_claim", "loss_claim")
    found = lived(one, settings, pickup_urge=0.97)
    assert (found.outcome.ticket, found.outcome.questions) == ("damage_claim", 2)


def test_a_misread_message_that_fits_the_tick_is_a_wrong_ticket(settings) -> None:
    found = lived(case("cancel_appeal", "pickup_urge"), settings, pickup_urge=0.97)
    assert found.outcome.result == "pickup_urge"
    assert told(found).startswith("c  need cancel_appeal")


@pytest.mark.parametrize("intent", ["human", "pickup_urge"])
def test_whoever_asks_for_a_person_gets_one_from_the_desk_or_the_bot(settings, intent) -> None:
    said = "转人工" if intent == "pickup_urge" else "叫个活的来"
    found = lived(case("human", "pickup_urge", message=said), settings, **{intent: 0.9})
    assert (found.outcome.person_turn, found.outcome.ticket) == (1, None)


def test_a_need_taken_for_small_talk_leaves_the_customer_stranded(settings) -> None:
    found = lived(case("pickup_urge", "pickup_urge"), settings, chitchat=0.9)
    assert found.outcome.stranded and not found.outcome.ticket


def test_small_talk_answered_is_no_failure_and_makes_no_ticket(settings) -> None:
    found = lived(case("chitchat", "pickup_urge"), settings, thanks=0.9)
    assert not found.outcome.stranded and not found.outcome.ticket


def test_none_of_these_to_no_question_shows_everything(settings) -> None:
    found = lived(case("loss_claim", "loss_claim"), settings, deny=0.9)
    assert (found.outcome.ticket, found.outcome.questions) == ("loss_claim", 1)


def test_a_message_below_the_threshold_is_asked_about_and_keeps_its_likeliest_intent(
    settings,
) -> None:
    ranking = {"nlu_fallback": 0.9, **dict.fromkeys(CATEGORIES, 0.05), "pickup_urge": 0.2}
    found = lived(case("pickup_urge", "pickup_urge"), settings, **ranking)
    assert found.top == "pickup_urge" and found.outcome.questions > 0


def test_the_estimate_shows_no_figure_it_cannot_know(settings) -> None:
    found = [lived(case("pickup_urge", "pickup_urge"), settings, pickup_urge=0.97)]
    names = {figure.name: figure for figure in estimated_figures(found)}
    assert names["solved"].value == names["nlu_accuracy"].value == 1.0
    assert not {"reply_p50_s", "corrected", "no_way_out"} & set(names)


def test_rankings_are_kept_for_the_model_that_made_them_and_made_anew_for_another(
    tmp_path, monkeypatch
) -> None:
    asked: list[list[str]] = []

    def fake(messages, model):
        asked.append(list(messages))
        return dict.fromkeys(messages, (("greet", 1.0),))

    monkeypatch.setattr(rankings, "rank", fake)
    model, kept = tmp_path / "m.tar.gz", tmp_path / "out" / "kept.json"
    model.write_bytes(b"one")
    assert rank_kept(["你好"], model, kept) == rank_kept(["你好"], model, kept)
    assert asked == [["你好"]]
    model.write_bytes(b"two")
    rank_kept(["你好"], model, kept)
    kept.write_text(json.dumps(["something else"]), encoding="utf-8")
    rank_kept(["你好"], model, kept)
    assert len(asked) == 3


def test_how_far_the_models_probabilities_hold_is_a_figure_of_the_estimate(settings) -> None:
    cases = [case("pickup_urge", None, message="催"), case("loss_claim", None, message="丢")]
    ones = [replace(one, id=one.message) for one in cases]
    heard = {one.message: (("pickup_urge", 0.75), ("loss_claim", 0.25)) for one in ones}
    replayed = replay_all(ones, heard, settings, lambda text: False)
    (found,) = [one for one in estimated_figures(replayed) if one.name == "calibration_error"]
    assert (found.value, found.of) == (pytest.approx(0.25), 2)
    assert shown(found) == "0.250" and counted(found) == "of 2"


def test_a_missing_model_is_said_in_one_sentence(tmp_path) -> None:
    with pytest.raises(CannotRank, match="no trained model"):
        rank_kept(["你好"], tmp_path / "none.tar.gz", tmp_path / "kept.json")
    with pytest.raises(CannotRank, match=r"no trained model|no \.venv-bot"):
        rank(["你好"], tmp_path / "none.tar.gz")
