"""data/review.yml: the file that is shipped is right, and a wrong one is named exactly."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.catalog import Catalog
from actions.review.settings import ReviewSettings, load_review_settings, parse_review_settings
from actions.review.yaml_checks import SettingsError

ROOT = Path(__file__).resolve().parents[3]
RAW: dict[str, Any] = yaml.safe_load((ROOT / "data/review.yml").read_text(encoding="utf-8"))


def test_every_row_of_the_mistick_table_adds_up_to_one(settings: ReviewSettings) -> None:
    for row in settings.mistick.values():
        assert sum(row.values()) == pytest.approx(1.0)


def test_without_counts_the_tick_agrees_as_often_as_the_prior_says(
    settings: ReviewSettings,
) -> None:
    for needed, row in settings.mistick.items():
        assert row[needed] == pytest.approx(0.55)


def test_a_neighbour_is_ticked_by_mistake_more_often_than_a_stranger(
    settings: ReviewSettings,
) -> None:
    row = settings.mistick["pickup_urge"]
    assert row["false_pickup"] > 2 * row["damage_claim"]


def test_counts_from_confirmed_tickets_move_the_table(catalog: Catalog) -> None:
    raw = copy.deepcopy(RAW)
    raw["mistick"]["observed"] = {"pickup_urge": {"pickup_urge": 20, "loss_claim": 20}}
    before = parse_review_settings(RAW, tuple(catalog)).mistick["pickup_urge"]
    after = parse_review_settings(raw, tuple(catalog)).mistick["pickup_urge"]
    assert after["loss_claim"] == pytest.approx((before["loss_claim"] * 40 + 20) / 80)
    assert sum(after.values()) == pytest.approx(1.0)


def test_an_own_cost_replaces_the_general_one(settings: ReviewSettings) -> None:
    assert settings.cost_wrong["cancel_appeal"] == 28.0
    assert settings.cost_wrong["pickup_urge"] == 20.0


def test_a_measured_model_is_trusted_less_than_its_share_of_right_words(catalog: Catalog) -> None:
    raw = copy.deepcopy(RAW)
    raw["model"]["measured"] = {
        "few": {"right": 9, "asked": 10},
        "many": {"right": 900, "asked": 1000},
        "all": {"right": 100000, "asked": 100000},
    }
    settings = parse_review_settings(raw, tuple(catalog))
    assert settings.reliability_of("few") == pytest.approx(0.596, abs=0.001)
    assert settings.reliability_of("many") == pytest.approx(0.880, abs=0.001)
    assert settings.reliability_of("all") == 0.95
    assert settings.reliability_of("never heard of") == settings.model_unmeasured


def put(path: str, value: Any) -> Any:
    """A change of the file: the value at a dotted path."""

    def change(raw: dict[str, Any]) -> None:
        *above, last = path.split(".")
        for key in above:
            raw = raw[key]
        raw[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (put("negation.wish", []), "negation: wish: expected at least one phrase"),
        (put("negation.fact", [False]), "negation: fact: expected a list of names, got [False]"),
        (put("negation.wish", ["Don’t"]), "negation: wish: 'Don’t': write \"don't\""),
        (put("negation.between", [" "]), "negation: between: ' ': write 'a phrase'"),
        (put("negation.words.pizza", {}), "negation: words: pizza: is not known here"),
        (put("negation.words.loss_claim", {"fact": []}), "loss_claim: wish: is missing"),
        (
            put("negation.words.loss_claim", {"wish": ["丢"], "fact": ["丢"]}),
            "negation: words: loss_claim: fact: '丢' stands under wish too",
        ),
        (put("negation.unles", []), "negation: unles: is not known here"),
        (put("temperature", 0), "temperature: expected a number above 0, got 0"),
        (put("temperature", "hot"), "temperature: expected a number above 0, got 'hot'"),
        (put("costs.question", True), "costs: question: expected a number above 0, got True"),
        (put("costs.slip", 1), "costs: slip: expected a number at least 0 and below 1, got 1"),
        (put("question.most", 3), "question: most: expected a whole number from 1 to 2, got 3"),
        (put("conflict.always_ask", "yes"), "always_ask: expected true or false, got 'yes'"),
        (put("costs.qestion", 1), "costs: qestion: is not known here"),
        (
            put("model.measured", {"m": {"right": 5, "asked": 4}}),
            "model: measured: m: right: expected a whole number from 0 to 4, got 5",
        ),
        (put("model.measured", {"m": {"right": 5}}), "measured: m: asked: is missing"),
        (put("model.unmeasured", 0.99), "model: unmeasured: expected a number above 0 and at most"),
        (put("model.reliability", 0.9), "model: reliability: is not known here"),
        (put("tempreature", 1), "tempreature: is not known here"),
        (put("costs.wrong_ticket_of", {"pizza": 3}), "wrong_ticket_of: pizza: is not known here"),
        (put("outside.human", "person"), "outside: human: expected one of chitchat, human"),
        (put("outside", {"human": "human"}), "outside: chitchat: no intent speaks for it"),
        (put("outside.pickup_urge", "human"), "outside: pickup_urge: is a category"),
        (
            put("mistick.confused_with.pickup_urge", ["pickup_urge"]),
            "confused_with: pickup_urge: 'pickup_urge' is not allowed here",
        ),
        (put("mistick.confused_with.pickup_urge", []), "pickup_urge: expected some of the other"),
        (put("mistick.observed", {"pickup_urge": {"x": 1}}), "pickup_urge: x: is not known here"),
        (
            put("mistick.observed", {"pickup_urge": {"loss_claim": 500}}),
            "mistick: pickup_urge: makes the tick loss_claim likelier than loss_claim itself does",
        ),
        (
            put("order_state.likelihood.loss_claim", [1, 2]),
            "likelihood: loss_claim: expected a list of 10 numbers, got [1, 2]",
        ),
        (
            put("order_state.likelihood.loss_claim", [10.5] + [10] * 9),
            "likelihood: loss_claim: adds up to 100.5, expected 100",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(catalog: Catalog, change: Any, complaint: str) -> None:
    raw = copy.deepcopy(RAW)
    change(raw)
    with pytest.raises(SettingsError, match=re.escape(complaint)) as error:
        parse_review_settings(raw, tuple(catalog))
    assert str(error.value).startswith("data/review.yml: ")


def test_a_missing_number_is_said_to_be_missing(catalog: Catalog) -> None:
    raw = copy.deepcopy(RAW)
    del raw["agreement"]["min_lead"]
    with pytest.raises(SettingsError, match="agreement: min_lead: is missing"):
        parse_review_settings(raw, tuple(catalog))


def test_a_category_without_a_row_is_noticed(catalog: Catalog) -> None:
    with pytest.raises(SettingsError, match="confused_with: new_need: is missing"):
        parse_review_settings(RAW, (*catalog, "new_need"))


def test_a_file_that_is_not_there_or_not_yaml_is_named(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "review.yml"
    with pytest.raises(SettingsError, match=r"review\.yml: cannot be read"):
        load_review_settings(path, tuple(catalog))
    path.write_text("a: [", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"review\.yml: not valid YAML"):
        load_review_settings(path, tuple(catalog))
    path.write_text("a: {{b}: c}", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"review\.yml: not valid YAML"):
        load_review_settings(path, tuple(catalog))
    path.write_text("- a", encoding="utf-8")
    with pytest.raises(SettingsError, match="expected a mapping"):
        load_review_settings(path, tuple(catalog))


def test_a_key_that_stands_twice_is_named_with_its_line(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "review.yml"
    path.write_text("costs:\n  question: 1\n  person: 5\n  question: 2\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"review\.yml: .*'question' stands twice(.|\n)*line 4"):
        load_review_settings(path, tuple(catalog))
