"""The data files: every documented code, every category's completing facts and look-alikes."""

from __future__ import annotations

import pytest
import yaml

from desk.rules.categories import RULE_LISTS, read_categories
from desk.rules.facts import FURTHER, ORDER_STATES, holds, read_code_map, read_fact_kinds
from tests.unit.desk.rules_at_work import CATEGORIES, CODES, KINDS, ROOT, fact, live

#: Every code that Kuaidi100 documents. Order callbacks: the consumer list (0 1 2 9 10 11 12 13 14
#: 99 101) and the merchant list (0 610 1 9 99 10 15 155), and those seen in the field (2 11 13 14
#: 101 400 166 200 201). Tracking: the main states and their advanced codes. Pushes: `status`.
DOCUMENTED = {
    "order": "0 1 2 9 10 11 12 13 14 15 99 101 155 166 200 201 400 610",
    "track": "0 1001 1002 1003 1 101 102 103 2 201 202 203 204 205 206 207 208 209 210 "
    "3 301 302 303 304 4 401 5 501 6 7 8 10 11 12 13 14",
    "push": "polling shutdown abort updateall",
}


def test_every_documented_code_is_a_fact_or_on_purpose_none_and_no_other_is_listed():
    documented = {(source, code) for source, row in DOCUMENTED.items() for code in row.split()}
    assert set(CODES) == documented


def test_the_two_code_spaces_are_never_mixed_up():
    assert CODES[("order", "10")] == "parcel.collected"
    assert CODES[("track", "10")] == "parcel.in_customs"
    assert CODES[("order", "101")] == "parcel.underway"
    assert CODES[("track", "101")] == "order.placed"
    assert CODES[("order", "13")] == "parcel.delivered"
    assert CODES[("track", "13")] == "parcel.customs_problem"
    assert CODES[("order", "2")] == "pickup.scheduled"
    assert CODES[("track", "2")] == "parcel.trouble"


def test_every_order_state_has_its_place_on_the_way():
    assert sorted(FURTHER) == sorted(ORDER_STATES)


@pytest.mark.parametrize("code", ["101", "102", "1"])
def test_track_codes_under_collected_that_are_not_collected_do_not_complete_a_pickup(code):
    name = CODES[("track", code)]
    if name is not None:
        assert live("pickup_urge", [fact(name, 0.5)]).ticket.state == "open"


#: The last column of the taxonomy: category -> what completes it, and look-alikes that must not.
COMPLETES = {
    "pickup_urge": (
        "parcel.collected",
        "order.accepted pickup.scheduled order.placed pickup.failed",
    ),
    "transit_urge": ("parcel.delivered", "parcel.in_transit parcel.delivered_to_locker"),
    "delivery_urge": (
        "parcel.delivered",
        "parcel.delivered_to_locker parcel.at_pickup_point parcel.signed_by_other",
    ),
    "false_pickup": ("parcel.in_transit", "parcel.collected parcel.underway"),
    "false_delivery": (None, "parcel.delivered"),
    "weight_dispute": (
        "weight.corrected",
        "weight.upheld fee.settled refund.confirmed parcel.delivered",
    ),
    "charge_dispute": ("refund.confirmed", "fee.settled fee.charged_again refund.partial"),
    "cancel_appeal": ("order.cancelled", "parcel.collected pickup.failed order.failed"),
    "address_change": (None, "parcel.returned"),
    "damage_claim": (None, "parcel.delivered refund.confirmed"),
    "loss_claim": (None, "parcel.delivered"),
    "courier_complaint": (None, "parcel.delivered"),
}


@pytest.mark.parametrize("category", sorted(COMPLETES))
def test_each_category_completes_on_what_the_taxonomy_says_and_not_on_its_look_alikes(category):
    good, look_alikes = COMPLETES[category]
    if good is None:
        for name in KINDS:
            assert live(category, [fact(name, 0.5)]).ticket.state == "open", name
    else:
        assert live(category, [fact(good, 0.5)]).ticket.completed_because == good
    for name in look_alikes.split():
        assert live(category, [fact(name, 0.5)]).ticket.state == "open", name


@pytest.mark.parametrize("category", sorted(COMPLETES))
def test_whatever_takes_back_a_completing_fact_is_listed_as_reopening(category):
    """Else a ticket would stay closed on a cancellation that was revived."""
    rules = CATEGORIES[category]
    cancels = [
        name for name in rules.completes_on | rules.ends_on if KINDS[name].state == "cancelled"
    ]
    delivers = [name for name in rules.completes_on if KINDS[name].state == "delivered"]
    if cancels:
        assert "order.revived" in rules.reopens_on
    if delivers and "parcel.in_transit" not in rules.completes_on:
        backwards = {
            name for name, kind in KINDS.items()
            if kind.state and kind.state not in ("created", "accepted", "collecting", "collected")
            and not holds("delivered", kind.state) and kind.state != "pickup_failed"
        }  # fmt: skip
        assert backwards <= rules.reopens_on


def test_every_state_and_every_fact_has_an_effect_in_some_category_or_on_purpose_none():
    ruled = {
        name
        for category in CATEGORIES.by_id.values()
        for key in RULE_LISTS
        for name in getattr(category, key)
    }
    #: placed says nothing new to anybody; the charge settled is what people dispute.
    assert sorted(set(KINDS) - ruled) == ["fee.settled", "order.placed"]


# --- mistakes in the files ------------------------------------------------------------------------


def row(**more: object) -> dict[str, object]:
    words = {"zh": "x", "en": "x"}
    return {"label": words, "choice": words, "promise": words, "due_hours": 4, **more}


def read(**more: object):
    rows = {"pickup_urge": row(**more), "false_pickup": row()}
    return read_categories({"categories": rows}, frozenset(KINDS))["pickup_urge"]


def test_a_file_from_before_the_newer_keys_is_still_read():
    category = read(completes_on=["parcel.collected"])
    assert (category.asks_on, category.reopens_on, category.dispatch) == (set(), set(), "none")
    assert category.check_after_hours is None


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"completes_on": ["parcel.flew"]}, r"pickup_urge\.completes_on.*parcel\.flew"),
        ({"ends_on": ["parcel.flew"]}, r"pickup_urge\.ends_on.*parcel\.flew"),
        ({"reopens_on": ["parcel.flew"]}, r"pickup_urge\.reopens_on.*parcel\.flew"),
        ({"asks_on": "order.placed"}, r"asks_on: expected a list of facts"),
        ({"asks_on": ["order.placed"], "informs_on": ["order.placed"]}, "in informs_on too"),
        ({"ends_on": ["order.placed"], "reopens_on": ["order.placed"]}, "of ends_on"),
        ({"reopened_as": {"order.placed": "false_pickup"}}, "facts of completes_on or ends_on"),
        ({"waits_hours": ["order.placed"]}, "expected a mapping from facts"),
    ],
)
def test_a_mistake_in_a_rule_is_refused_with_its_place(more, complaint):
    with pytest.raises(ValueError, match=complaint):
        read(**more)


def test_a_category_without_an_english_label_is_refused_with_the_place():
    with pytest.raises(ValueError, match=r"pickup_urge\.label"):
        read_categories({"categories": {"pickup_urge": {"label": {"zh": "x"}}}}, frozenset())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"order": {"10": "parcel.flew"}}, "kuaidi100.yml, order 10: expected a fact .*flew"),
        ({"order": {"10": ["parcel.collected"]}}, "order 10: expected a fact"),
        ({"order": {10: "parcel.collected"}}, 'a code in quotes such as "101", got 10'),
        ({"order": None}, "order: expected codes with their facts, got None"),
        ({"tracks": {}}, r"sources: expected order, track, push, got \[.*'tracks'\]"),
    ],
)
def test_a_mistake_in_a_carriers_codes_is_refused_with_its_place(change, complaint):
    sources = {"order": {}, "track": {}, "push": {}, **change}
    with pytest.raises(ValueError, match=complaint):
        read_code_map({"name": "kuaidi100", "sources": sources}, KINDS)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"name": "kuaidi"}, "name: expected one of kuaidi100, got 'kuaidi'"),
        ({"name": "kuaidi100"}, "sources: expected order, track, push, got None"),
        ({"name": "kuaidi100", "source": {}}, r"expected keys of name, .*got \['source'\]"),
    ],
)
def test_a_mistake_in_a_carriers_file_is_refused_with_its_place(data, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_code_map(data, KINDS)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (None, "parcel.lost: expected state, label, passes, got None"),
        ({"pases": True}, "parcel.lost: expected state, label, passes, got .*pases"),
        ({"label": "lost"}, "parcel.lost.label: expected zh and en, got 'lost'"),
    ],
)
def test_a_mistake_in_a_fact_is_refused_with_its_place(row, complaint):
    with pytest.raises(ValueError, match=complaint):
        read_fact_kinds({"facts": {"parcel.lost": row}})


def test_facts_under_another_key_are_missed():
    with pytest.raises(ValueError, match="expected a mapping under `facts:`"):
        read_fact_kinds({"fact": {}})


def test_bad_news_either_passes_or_not():
    facts = yaml.safe_load((ROOT / "data/facts.yml").read_text("utf-8"))
    facts["facts"]["parcel.delayed"]["passes"] = "perhaps"
    with pytest.raises(ValueError, match=r"parcel\.delayed\.passes.*perhaps"):
        read_fact_kinds(facts)
