"""What counts as evidence: old, repeated and contradicting facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from desk.rules.completion import repeats, rule_on, rule_on_all
from desk.rules.facts import Fact
from tests.unit.desk.test_facts_and_completion import CATEGORIES, KINDS, NOW, ticket


def told(name: str, minutes: float, received: float = 60) -> Fact:
    """A fact that happened `minutes` after the ticket became active."""
    active = NOW - timedelta(hours=1)
    happened = active + timedelta(minutes=minutes)
    return Fact(name, "kuaidi100.track", name, active + timedelta(minutes=received), happened)


def untimed(name: str, received: float, source: str = "kuaidi100.order") -> Fact:
    return Fact(name, source, name, NOW + timedelta(minutes=received))


def outcome(category: str, *news: Fact, state: str = "in_transit", reopened: int = 0):
    held = replace(ticket(category), reopened=reopened)
    found = rule_on_all(held, CATEGORIES[category], news, state)
    return (found[0].fact, found[1].effect) if found else None


def test_what_happened_before_a_ticket_completes_it_but_not_after_a_reopen():
    old = told("parcel.collected", -5)
    assert outcome("pickup_urge", old) == ("parcel.collected", "complete")
    assert outcome("pickup_urge", old, reopened=1) is None


def test_a_time_without_fractions_of_the_second_of_a_reopen_is_not_before_it():
    held = replace(ticket("pickup_urge"), reopened=1, active_since=NOW.replace(microsecond=700))
    fact = Fact("parcel.collected", "s", "10", NOW + timedelta(seconds=1), NOW)
    assert rule_on(held, CATEGORIES["pickup_urge"], fact).effect == "complete"


@pytest.mark.parametrize("category", ["cancel_appeal", "pickup_urge"])
def test_an_old_cancellation_proves_nothing(category):
    assert outcome(category, told("order.cancelled", -5), state="cancelled") is None


def test_a_cancellation_counts_only_while_it_lasts():
    cancelled = told("order.cancelled", 1)
    assert outcome("cancel_appeal", cancelled, state="cancelled")[1] == "complete"
    assert outcome("cancel_appeal", cancelled, state="in_transit") is None


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (["order.cancelled", "order.revived"], ("order.revived", "escalate")),
        (["order.revived", "order.cancelled"], ("order.cancelled", "complete")),
    ],
)
def test_the_later_line_of_a_push_wins_in_whatever_order_they_come(facts, expected):
    news = [told(name, minutes) for minutes, name in enumerate(facts, start=1)]
    state = "cancelled" if facts[-1] == "order.cancelled" else "accepted"
    assert outcome("cancel_appeal", *news, state=state) == expected
    assert outcome("cancel_appeal", *reversed(news), state=state) == expected


def test_of_several_lines_that_complete_the_first_is_the_reason():
    news = [told("parcel.collected", 1), told("parcel.in_transit", 2)]
    assert outcome("pickup_urge", *news) == ("parcel.collected", "complete")


def test_of_several_lines_that_inform_the_newest_is_told_and_no_old_one():
    news = [told("parcel.in_transit", m) for m in (-9, -8, 1)]
    news.append(told("parcel.arrived_destination", 2))
    assert outcome("transit_urge", *news) == ("parcel.arrived_destination", "inform")
    assert outcome("transit_urge", *news[:2]) is None


def test_old_bad_news_calls_a_person_only_if_nothing_followed():
    delayed = told("parcel.delayed", -9)
    assert outcome("transit_urge", delayed) == ("parcel.delayed", "escalate")
    assert outcome("transit_urge", delayed, told("parcel.in_transit", -8)) is None


COLLECTED = untimed("parcel.collected", 0)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ([], True),
        ([untimed("parcel.in_transit", 1)], True),
        ([untimed("fee.settled", 1)], True),
        ([untimed("pickup.scheduled", 1)], False),
        ([untimed("order.cancelled", 1), untimed("order.revived", 2)], False),
    ],
)
def test_a_status_without_time_is_news_only_after_the_order_went_back(since, expected):
    again = untimed("parcel.collected", 9)
    assert repeats(again, [COLLECTED, *since], KINDS) is expected


def test_a_first_status_and_one_with_a_time_are_no_repetition():
    assert not repeats(COLLECTED, [], KINDS)
    assert not repeats(told("parcel.collected", 1), [COLLECTED], KINDS)


def test_a_correction_told_twice_in_a_row_is_a_repetition():
    once = untimed("weight.corrected", 0)
    again = untimed("weight.corrected", 5)
    assert repeats(again, [once], KINDS)
    assert not repeats(again, [once, untimed("fee.settled", 1)], KINDS)
