"""Explanations: every fact with its rule, and what would move the ticket next."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from desk.rules.explain import explain, text_of
from tests.unit.desk.rules_at_work import CATEGORIES, KINDS, Life, at, fact, live, ticket

ZONE = ZoneInfo("Asia/Shanghai")


def test_every_fact_is_named_with_the_rule_that_looked_at_it():
    life = live("pickup_urge", [fact("pickup.scheduled", 0.5), fact("parcel.collected", 1, 1.1)])
    found = explain(life.case, at(2))
    assert [(one.fact.fact, one.effect, one.why) for one in found.facts] == [
        ("pickup.scheduled", "nothing", "pickup.scheduled is behind: the order is collected"),
        ("parcel.collected", "complete", "pickup_urge completes on parcel.collected"),
    ]
    assert "opened again by the customer, then as false_pickup" in found.next
    assert any("order.revived" in line for line in found.next)


def test_facts_stand_in_the_order_in_which_they_happened_and_echoes_are_marked():
    echo = fact("parcel.delivered", None, 3)
    life = live(
        "transit_urge", [fact("parcel.delivered", 2, 2), fact("parcel.in_transit", 1), echo]
    )
    found = explain(life.case, at(4))
    assert [one.fact.fact for one in found.facts][:2] == ["parcel.in_transit", "parcel.delivered"]
    assert [one.fact for one in found.facts if one.echo] == [echo]


def test_an_open_question_and_a_waiting_fact_are_what_it_waits_for(monkeypatch):
    asked = live("pickup_urge", [fact("parcel.collected", -1)])
    assert "does parcel.collected settle it?" in explain(asked.case, at(2)).waits[0]
    waits = replace(CATEGORIES["cancel_appeal"], waits_hours={"order.cancelled": 2.0})
    monkeypatch.setitem(CATEGORIES.by_id, "cancel_appeal", waits)
    waiting = live("cancel_appeal", [fact("order.cancelled", 1)])
    text = text_of(explain(waiting.case, at(2)), [], ZONE)
    assert "order.cancelled has to stand until 11-23 21:00" in text
    assert "completes on order.cancelled (after 2 h)" in text


@pytest.mark.parametrize("category", sorted(CATEGORIES.by_id))
def test_whatever_the_ticket_an_explanation_says_something_about_each_fact(category):
    done = {"completed_at": at(1), "completed_by": "fact", "completed_because": "parcel.delivered"}
    for more in ({}, {"state": "completed", **done}, {"state": "closed", **done}):
        life = Life(ticket(category, **more), facts=[fact(name, 0.5) for name in KINDS])
        found = explain(life.case, at(2))
        assert len(found.facts) == len(KINDS)
        assert all(one.why for one in found.facts)
        assert found.next
        text = text_of(found, [], ZONE)
        assert all(name in text for name in KINDS)
        assert "{" not in text


def test_a_closed_ticket_is_over():
    done = {"completed_at": at(1), "completed_by": "agent", "completed_because": "x"}
    life = Life(ticket("loss_claim", state="closed", **done))
    assert explain(life.case, at(2)).next == ("nothing: it is closed for good",)
