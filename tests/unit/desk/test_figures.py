"""Fees and weights beside those that were told before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desk.rules.facts import Fact
from desk.rules.facts_figures import money_of, same_figures, weighed
from tests.unit.desk.rules_at_work import at

FREIGHT = {"kind": "freight", "amount": 12.0, "paid": True}
PACKING = {"kind": "packing", "amount": 3.0, "paid": True}


def money(name: str, code: str, came: float, happened: float | None = None) -> Fact:
    when = None if happened is None else at(happened)
    return Fact(name, "kuaidi100.fee", code, at(came), when)


def back(code: str, came: float = 9) -> Fact:
    return money("refund.confirmed", code, came)


def paid(code: str, came: float = 1) -> Fact:
    return money("fee.settled", f"paid {code}", came)


@pytest.mark.parametrize(
    ("code", "known", "told", "whole"),
    [
        ("FREIGHT 12", [], [], True),
        ("FREIGHT 12", [], [FREIGHT], True),
        ("PACKING 3", [], [FREIGHT, PACKING], False),
        ("FREIGHT 6", [], [FREIGHT], False),
        ("FREIGHT 12 + PACKING 3", [], [FREIGHT, PACKING], True),
        ("PACKING 3", [back("FREIGHT 12", 5)], [FREIGHT, PACKING], True),  # the rest of it
        ("PACKING 3", [paid("FREIGHT 12 + PACKING 3")], [], False),
        ("PACKING 3", [paid("FREIGHT 12"), paid("PACKING 3", 2)], [], False),
        ("FREIGHT 10", [paid("FREIGHT 10")], [FREIGHT], True),  # the last that was said
        ("FREIGHT 12", [], [FREIGHT, FREIGHT], True),  # the double
        ("FREIGHT 12", [], [FREIGHT, FREIGHT, FREIGHT], False),
        ("PACKING 3", [], [FREIGHT, FREIGHT, PACKING], False),
        ("ISSUE 12", [], [FREIGHT], True),  # under another name
        ("PACKING 3", [], [{**FREIGHT, "paid": False}], True),
        ("PACKING 3", [], [{**FREIGHT, "amount": None}], True),
    ],
)
def test_a_refund_is_whole_when_nothing_paid_is_left_or_the_double_came_back(
    code, known, told, whole
):
    (found,) = money_of([back(code)], known, told)
    expected = ("refund.confirmed", code) if whole else ("refund.partial", f"partly {code}")
    assert (found.fact, found.code) == expected


def test_a_callback_that_lists_what_is_paid_is_taken_at_its_word():
    listed = [back("FREIGHT 12", 9), paid("FREIGHT 12", 9)]
    assert money_of(listed, [], [FREIGHT, FREIGHT, PACKING]) == listed


@pytest.mark.parametrize(
    ("listed", "known", "told", "again"),
    [
        (paid("FREIGHT 12", 20), [back("FREIGHT 12", 5)], [FREIGHT], "again freight 12"),
        (paid("FREIGHT 12", 6), [back("FREIGHT 12", 5)], [FREIGHT], None),  # it may be late
        (paid("FREIGHT 9", 20), [back("FREIGHT 12", 5)], [FREIGHT], None),  # the right amount
        (paid("FREIGHT 12", 20), [back("FREIGHT 12", 5)], [FREIGHT, FREIGHT], None),  # the other
        (
            paid("FREIGHT 12", 20),
            [back("FREIGHT 12", 5), paid("FREIGHT 12", 5)],
            [FREIGHT],
            None,
        ),
        (paid("FREIGHT 12", 20), [], [FREIGHT], None),
    ],
)
def test_a_fee_is_charged_again_when_it_certainly_came_back_before(listed, known, told, again):
    codes = [one.code for one in money_of([listed], known, told) if one != listed]
    assert codes == ([again] if again else [])


# --- weights --------------------------------------------------------------------------------------


def order(name: str, code: str, came: float) -> Fact:
    return Fact(name, "kuaidi100.order", code, at(came))


def charged(kg: str, came: float) -> Fact:
    return order("fee.settled", f"15 {kg} kg", came)


def corrected(kg: str, came: float) -> Fact:
    return order("weight.corrected", f"155 {kg} kg", came)


@pytest.mark.parametrize(
    ("known", "weight", "name"),
    [
        ([], "2", "weight.corrected"),
        ([charged("5", 1)], "2.0", "weight.corrected"),
        ([charged("5", 1)], "5.00", "weight.upheld"),
        ([charged("5", 1)], "6kg", "weight.upheld"),
        ([charged("1", 1), charged("5", 2)], "3", "weight.corrected"),
        ([charged("5", 1), corrected("6", 2)], "2", "weight.corrected"),
        ([charged("5", 1), corrected("6", 2)], "5", "weight.upheld"),
        ([charged("5", 1), corrected("2", 2)], "6", "weight.upheld"),
        ([charged("5", 1), corrected("4", 2)], "4.5", "weight.upheld"),
        ([corrected("4", 2)], "2", "weight.corrected"),
        ([charged("5", 30)], "6", "weight.corrected"),  # told later
        ([order("fee.settled", "15", 1)], "6", "weight.corrected"),
    ],
)
def test_a_correction_that_does_not_lower_the_weight_upholds_it(known, weight, name):
    found = weighed(order("weight.corrected", "155", 9), weight, known)
    assert found is not None
    assert found.fact == name
    assert found.code.startswith("155 ")


def test_the_last_correction_told_again_is_no_news():
    known = [charged("5", 1), corrected("2", 2)]
    assert weighed(order("weight.corrected", "155", 9), "2.00", known) is None


@pytest.mark.parametrize("weight", [None, "", "-", "0", "-1", "NaN", "1e999999999"])
def test_without_a_weight_a_correction_is_one(weight):
    told = order("weight.corrected", "155", 9)
    assert weighed(told, weight, [charged("5", 1)]) == told


def test_the_charge_keeps_its_weight_and_other_news_do_not():
    assert weighed(order("fee.settled", "15", 1), "5", []) == charged("5", 1)
    collected = order("parcel.collected", "10", 1)
    assert weighed(collected, "5", []) == collected


def test_other_figures_are_other_news():
    assert not same_figures(corrected("4", 1), corrected("2", 2))
    assert same_figures(corrected("4", 1), replace(corrected("4", 1), source="kuaidi100.detail"))
    assert same_figures(corrected("4", 1), order("weight.corrected", "155", 2))
    assert not same_figures(back("FREIGHT 12"), back("PACKING 3"))
