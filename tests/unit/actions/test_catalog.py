"""data/categories.yml: what designers may rely on, and what a mistake in it is called."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.catalog import Catalog, parse_catalog
from actions.review.yaml_checks import SettingsError

ROOT = Path(__file__).resolve().parents[3]
RAW: dict[str, Any] = yaml.safe_load((ROOT / "data/categories.yml").read_text(encoding="utf-8"))
CATEGORIES: dict[str, Any] = RAW["categories"]

LABELS = {
    "pickup_urge": ("催取件", "Pick up my parcel"),
    "transit_urge": ("催物流", "Tracking is stuck"),
    "delivery_urge": ("催派送", "Deliver my parcel"),
    "false_pickup": ("虚假发货", "Marked as shipped, but it was not"),
    "false_delivery": ("虚假签收", "Marked as delivered, but I have nothing"),
    "weight_dispute": ("重量不符", "Weight is wrong"),
    "charge_dispute": ("重复收费", "Charged twice or too much"),
    "cancel_appeal": ("取消订单申诉", "Cancel my order"),
    "address_change": ("改址拦截", "Change address or stop the parcel"),
    "damage_claim": ("破损理赔", "Damaged"),
    "loss_claim": ("丢失短少", "Lost or missing items"),
    "courier_complaint": ("服务投诉", "Complain about the courier"),
}


def test_the_twelve_categories_have_the_agreed_ids_order_and_labels() -> None:
    found = {name: (row["label"]["zh"], row["label"]["en"]) for name, row in CATEGORIES.items()}
    assert list(found.items()) == list(LABELS.items())


@pytest.mark.parametrize("name", LABELS)
def test_a_button_is_short_enough_for_a_phone(name: str) -> None:
    choice = CATEGORIES[name]["choice"]
    assert len(choice["zh"]) <= 14
    assert len(choice["en"]) <= 36


def test_no_two_buttons_or_labels_are_alike(catalog: Catalog) -> None:
    for lang in ("zh", "en"):
        assert len({catalog[c].choice[lang] for c in catalog}) == 12
        assert len({catalog[c].label[lang] for c in catalog}) == 12


@pytest.mark.parametrize("name", LABELS)
def test_a_promise_names_the_hours_after_which_the_ticket_is_overdue(name: str) -> None:
    row = CATEGORIES[name]
    assert f"{row['due_hours']} 小时内" in row["promise"]["zh"]
    assert f"within {row['due_hours']} hours" in row["promise"]["en"]


@pytest.mark.parametrize("name", LABELS)
def test_a_promise_holds_no_money_and_no_certain_outcome(name: str) -> None:
    promise = CATEGORIES[name]["promise"]
    assert not re.search(r"赔偿|赔付|退款|退还|一定|保证|元", promise["zh"])
    assert not re.search(r"refund|compensat|guarantee|pay you", promise["en"])


@pytest.mark.parametrize("name", LABELS)
def test_a_fact_has_one_effect_on_a_ticket(name: str) -> None:
    row = CATEGORIES[name]
    listed = [*row["completes_on"], *row["informs_on"], *row["escalates_on"]]
    assert len(listed) == len(set(listed))


def test_every_named_fact_exists() -> None:
    facts = yaml.safe_load((ROOT / "data/facts.yml").read_text(encoding="utf-8"))["facts"]
    for row in CATEGORIES.values():
        named = {*row["completes_on"], *row["informs_on"], *row["escalates_on"]}
        assert named <= set(facts)


def test_only_the_categories_of_the_taxonomy_close_by_themselves() -> None:
    moving = {
        *("parcel.in_transit", "parcel.arrived_destination", "parcel.in_customs"),
        *("parcel.out_for_delivery", "parcel.at_pickup_point", "parcel.delivered"),
        *("parcel.delivered_to_locker", "parcel.signed_by_other"),
    }
    expected = {
        "pickup_urge": {"parcel.collected", "parcel.underway", *moving},
        "transit_urge": {"parcel.delivered"},
        "delivery_urge": {"parcel.delivered"},
        "false_pickup": moving,
        "weight_dispute": {"weight.corrected"},
        "charge_dispute": {"refund.confirmed"},
        "cancel_appeal": {"order.cancelled", "order.cancelled_by_carrier"},
    }
    found = {
        name: set(row["completes_on"]) for name, row in CATEGORIES.items() if row["completes_on"]
    }
    assert found == expected


def test_a_disputed_record_never_closes_or_informs() -> None:
    for name, fact in (
        ("false_pickup", "parcel.collected"),
        ("false_delivery", "parcel.delivered"),
        ("charge_dispute", "fee.settled"),
    ):
        assert fact not in CATEGORIES[name]["completes_on"]
        assert fact not in CATEGORIES[name]["informs_on"]


def test_every_question_clause_can_stand_at_every_place_of_the_sentence(catalog: Catalog) -> None:
    for name in catalog:
        assert catalog[name].question["zh"].startswith("是")
        assert not re.search(r"[，。？！,.?]", catalog[name].question["zh"])
        assert re.match(r"[a-z]", catalog[name].question["en"])
        assert not re.search(r"[,.?]|\bor\b.*\bor\b", catalog[name].question["en"])


def test_two_and_three_choices_become_one_natural_question(catalog: Catalog) -> None:
    two = ["pickup_urge", "charge_dispute"]
    assert catalog.question(two, "zh") == "您是希望我们催快递员上门取件，还是想退回多收的费用？"
    three = [*two, "cancel_appeal"]
    assert catalog.question(three, "zh") == (
        "您是希望我们催快递员上门取件，是想退回多收的费用，还是想取消这个订单？"
    )
    assert catalog.question(three, "en") == (
        "Would you like us to chase the courier to collect your parcel, "
        "look into a charge you want back, or cancel this order?"
    )


def test_one_choice_becomes_a_yes_or_no_question(catalog: Catalog) -> None:
    assert catalog.question(["cancel_appeal"], "zh") == "您是想取消这个订单吗？"
    assert catalog.question(["cancel_appeal"], "en") == "Would you like us to cancel this order?"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda raw: raw.pop("joining"), "data/categories.yml: joining: is missing"),
        (
            lambda raw: raw["categories"]["loss_claim"]["label"].pop("en"),
            "data/categories.yml: categories: loss_claim: label: en: is missing",
        ),
        (
            lambda raw: raw["categories"]["loss_claim"].update(due_hours="soon"),
            "loss_claim: due_hours: expected a whole number from 1 to 720, got 'soon'",
        ),
        (
            lambda raw: raw["categories"].update(loss_claim="x"),
            "loss_claim: expected a mapping, got 'x'",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(change: Any, complaint: str) -> None:
    raw = copy.deepcopy(RAW)
    change(raw)
    with pytest.raises(SettingsError, match=re.escape(complaint)):
        parse_catalog(raw)
