"""Facts, the order state derived from them, and what they do to tickets."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.categories import read_categories
from desk.rules.completion import rule_on
from desk.rules.facts import Fact, order_state, read_code_map, read_fact_kinds
from desk.rules.ticket import Ticket

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
KINDS = read_fact_kinds(yaml.safe_load((ROOT / "data/facts.yml").read_text()))
CODES = read_code_map(yaml.safe_load((ROOT / "data/carriers/kuaidi100.yml").read_text()), KINDS)
CATEGORIES = read_categories(
    yaml.safe_load((ROOT / "data/categories.yml").read_text()), frozenset(KINDS)
)


def fact(name: str, minutes: float = 0, received: float | None = None) -> Fact:
    learned = NOW + timedelta(minutes=minutes if received is None else received)
    return Fact(name, "kuaidi100.order", "x", learned, NOW + timedelta(minutes=minutes))


def ticket(category: str) -> Ticket:
    opened = NOW - timedelta(hours=1)
    return Ticket("t", "o", "c", category, "", opened, NOW, active_since=opened)


@given(st.permutations(range(5)))
def test_the_order_state_does_not_depend_on_the_order_of_arrival(order):
    names = [
        "order.accepted",
        "parcel.collected",
        "parcel.in_transit",
        "parcel.out_for_delivery",
        "parcel.delivered",
    ]
    told = [fact(name, minutes) for minutes, name in enumerate(names)]
    shuffled = [told[i] for i in order]
    assert order_state("created", shuffled, KINDS, NOW - timedelta(days=1)) == "delivered"


def test_a_repeated_fact_changes_nothing():
    told = [fact("parcel.collected", 1), fact("parcel.in_transit", 2)]
    random.shuffle(told)
    state = order_state("created", told, KINDS, NOW)
    assert order_state("created", told + told, KINDS, NOW) == state == "in_transit"


def test_what_the_merchant_said_later_stands_against_an_older_fact():
    assert order_state("cancelled", [fact("parcel.collected", -5)], KINDS, NOW) == "cancelled"


def test_the_two_code_spaces_are_never_mixed_up():
    assert CODES[("order", "10")] == "parcel.collected"
    assert CODES[("track", "10")] != "parcel.collected"
    assert CODES[("order", "101")] == "parcel.in_transit"
    assert CODES[("track", "101")] == "order.placed"
    assert CODES[("order", "13")] == "parcel.delivered"
    assert CODES[("track", "13")] != "parcel.delivered"


@pytest.mark.parametrize("code", ["101", "102", "1"])
def test_track_codes_under_collected_that_are_not_collected_do_not_complete_a_pickup(code):
    name = CODES[("track", code)]
    if name is not None:
        ruling = rule_on(ticket("pickup_urge"), CATEGORIES["pickup_urge"], fact(name))
        assert ruling.effect != "complete"


#: The last column of the taxonomy: category -> the fact that completes it, and one that must not.
COMPLETES = {
    "pickup_urge": ("parcel.collected", "order.accepted"),
    "transit_urge": ("parcel.delivered", "parcel.in_transit"),
    "delivery_urge": ("parcel.delivered", "parcel.delivered_to_locker"),
    "false_pickup": ("parcel.in_transit", "parcel.collected"),
    "false_delivery": (None, "parcel.delivered"),
    "weight_dispute": ("weight.corrected", "fee.settled"),
    "charge_dispute": ("refund.confirmed", "fee.settled"),
    "cancel_appeal": ("order.cancelled", "parcel.collected"),
    "address_change": (None, "parcel.returned"),
    "damage_claim": (None, "parcel.delivered"),
    "loss_claim": (None, "parcel.delivered"),
    "courier_complaint": (None, "parcel.delivered"),
}


@pytest.mark.parametrize("category", sorted(COMPLETES))
def test_each_category_completes_on_what_the_taxonomy_says_and_not_on_its_look_alike(category):
    good, bad = COMPLETES[category]
    if good is None:
        for name in KINDS:
            effect = rule_on(ticket(category), CATEGORIES[category], fact(name)).effect
            assert effect != "complete", f"{category} must never complete by itself ({name})"
    else:
        assert rule_on(ticket(category), CATEGORIES[category], fact(good)).effect == "complete"
    assert rule_on(ticket(category), CATEGORIES[category], fact(bad)).effect != "complete"


def test_a_fact_known_before_the_ticket_cannot_settle_it():
    old = fact("parcel.collected", -120)
    ruling = rule_on(ticket("pickup_urge"), CATEGORIES["pickup_urge"], old)
    assert ruling.effect == "nothing"
    assert "known before" in ruling.why


def test_a_completed_ticket_is_left_alone():
    from dataclasses import replace

    done = replace(ticket("pickup_urge"), state="completed")
    ruling = rule_on(done, CATEGORIES["pickup_urge"], fact("parcel.collected"))
    assert ruling.effect == "nothing"


def test_a_category_that_names_an_unknown_fact_is_refused_with_the_place():
    row = {"label": {"zh": "x", "en": "x"}, "choice": {"zh": "x", "en": "x"}}
    row |= {"promise": {"zh": "x", "en": "x"}, "due_hours": 4, "completes_on": ["parcel.flew"]}
    with pytest.raises(ValueError, match=r"pickup_urge\.completes_on.*parcel\.flew"):
        read_categories({"categories": {"pickup_urge": row}}, frozenset(KINDS))


def test_a_category_without_an_english_label_is_refused_with_the_place():
    with pytest.raises(ValueError, match=r"pickup_urge\.label"):
        read_categories({"categories": {"pickup_urge": {"label": {"zh": "x"}}}}, frozenset())


def test_a_carrier_code_mapped_to_an_unknown_fact_is_refused():
    with pytest.raises(ValueError, match="order 10"):
        read_code_map({"sources": {"order": {"10": "parcel.flew"}}}, KINDS)
