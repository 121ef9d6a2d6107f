"""What counts as evidence: old, repeated, contradicting and late facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.rules.completion import EFFECTS, Case, decide_on, judge, repeats
from desk.rules.facts import FURTHER, LATE, ORDER_STATES, Fact, earlier, order_state
from desk.rules.ticket import STATES
from tests.unit.desk.rules_at_work import (
    CATEGORIES,
    KINDS,
    OPENED,
    Life,
    at,
    fact,
    live,
    ticket,
)

# --- which fact counts ----------------------------------------------------------------------------


def test_a_fact_known_before_the_ticket_cannot_settle_it():
    life = Life(ticket("pickup_urge"), facts=[fact("parcel.collected", -2, came=-1)])
    ruling = judge(life.case, life.facts[0])
    assert (ruling.effect, "known before" in ruling.why) == ("nothing", True)


def test_what_happened_before_the_customers_last_word_is_asked_about():
    life = live("pickup_urge", [fact("parcel.collected", -0.1)])
    assert (life.ticket.state, life.ticket.asked_fact) == ("open", "parcel.collected")


def test_a_time_without_fractions_of_the_second_of_a_word_is_not_before_it():
    spoke = OPENED.replace(microsecond=700)
    made = ticket("pickup_urge", active_since=spoke, spoke_at=spoke)
    life = Life(made)
    life.hear(Fact("parcel.collected", "s", "10", at(1), OPENED))
    assert life.ticket.state == "completed"


def test_after_a_no_the_same_evidence_is_asked_about_once_more_and_new_evidence_settles():
    life = live("pickup_urge", [fact("parcel.collected", -0.1)])
    life.say_no()
    assert life.hear(fact("parcel.collected", 0.2, came=2)).effect == "ask"
    assert life.hear(fact("parcel.in_transit", 3, came=3)).effect == "complete"


def test_a_question_is_not_asked_twice_while_it_is_open():
    life = live("delivery_urge", [fact("parcel.delivered", -1)], "in_transit")
    again = fact("parcel.delivered", -1, came=2, source="facts.facts")
    assert life.hear(again).effect == "nothing"


def test_an_event_that_was_denied_is_not_asked_about_again_because_another_source_repeats_it():
    life = live("transit_urge", [fact("parcel.delivered", 1, 1)], "in_transit")
    life.now = at(2)
    life.reopen()
    again = fact("parcel.delivered", 1, 3, source="kuaidi100.track")
    assert life.hear(again).effect == "nothing"
    assert life.hear(fact("parcel.delivered", 1.5, 4, source="other")).effect == "ask"


@pytest.mark.parametrize("first", [1, None])
@pytest.mark.parametrize(("again", "effect"), [(None, "nothing"), (8, "ask")])
def test_a_signature_that_was_denied_does_not_complete_because_it_is_told_again(
    first, again, effect
):
    life = live("transit_urge", [fact("parcel.delivered", first, 1)], "in_transit")
    life.now = at(2)
    life.reopen()
    assert life.hear(fact("parcel.delivered", again, 8, source="other")).effect == effect


@pytest.mark.parametrize(
    ("between", "effect"),
    [
        (fact("parcel.out_for_delivery", 5, 5), "complete"),
        (fact("parcel.out_for_delivery", 0.5, 5), "ask"),  # the round that ended in the first one
        (fact("parcel.out_for_delivery", None, 2.5), "ask"),  # may have happened before it
        (fact("parcel.out_for_delivery", None, 5), "complete"),
        (fact("parcel.collected", 5, 5), "ask"),  # an old status, sent again
        (fact("order.accepted", 5, 5), "ask"),
        (fact("fee.settled", 5, 5), "ask"),
    ],
    ids=lambda value: f"{value.fact} {value.occurred_at}" if isinstance(value, Fact) else value,
)
def test_signed_again_completes_only_when_the_parcel_was_on_its_way_between(between, effect):
    life = live("delivery_urge", [fact("parcel.delivered", 1, 1)], "in_transit")
    life.now = at(2)
    life.reopen()
    life.hear(between)
    assert life.hear(fact("parcel.delivered", 8, 8)).effect == effect


def test_a_second_signature_without_a_time_is_asked_about_when_it_may_be_the_second_rounds():
    life = live("delivery_urge", [fact("parcel.delivered", None, 1)], "in_transit")
    life.now = at(2)
    life.reopen()
    life.hear(fact("parcel.out_for_delivery", 7, 7))
    assert life.hear(fact("parcel.delivered", None, 8, source="other")).effect == "ask"


@pytest.mark.parametrize(
    ("again", "source", "effect"),
    [(8, "kuaidi100.x", "complete"), (8, "other", "ask"), (None, "other", "nothing")],
)
def test_a_second_correction_is_one_when_its_own_source_says_so_with_a_time(again, source, effect):
    life = live("weight_dispute", [fact("weight.corrected", 1, 1)], "delivered")
    life.now = at(2)
    life.reopen()
    assert life.hear(fact("weight.corrected", again, 8, source=source)).effect == effect


def test_other_money_that_comes_back_after_a_no_is_no_repetition():
    life = live("charge_dispute", [money("refund.confirmed", "FREIGHT 12")], "delivered")
    life.now = at(2)
    life.reopen()
    more = replace(money("refund.confirmed", "FREIGHT 12 + PACKING 3"), received_at=at(3))
    assert life.hear(more).effect == "complete"


@pytest.mark.parametrize("category", sorted(CATEGORIES.by_id))
@pytest.mark.parametrize("state", ["completed", "closed"])
def test_a_ticket_that_a_person_completed_is_left_alone(category, state):
    done = ticket(category, state=state, completed_at=OPENED, completed_by="agent")
    for name in KINDS:
        assert Life(done).hear(fact(name, 0.5)).effect == "nothing"


# --- contradictions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        (["order.cancelled", "order.revived"], "open"),
        (["order.revived", "order.cancelled"], "completed"),
    ],
)
def test_the_later_line_of_a_push_wins_in_whatever_order_they_come(facts, end):
    news = [fact(name, 0.1 + number / 10) for number, name in enumerate(facts)]
    for order in (news, news[::-1]):
        assert live("cancel_appeal", order).ticket.state == end
        life = Life(ticket("cancel_appeal"))
        life.hear(*order)
        assert life.ticket.state == end


def test_a_revival_reopens_what_the_cancellation_completed_and_calls_a_person():
    life = live("cancel_appeal", [fact("order.cancelled", 1, 1), fact("order.revived", 2, 2)])
    assert life.done == [("complete", "order.cancelled"), ("reopen", "order.revived")]
    assert (life.ticket.state, life.ticket.reopened) == ("open", 1)
    assert (life.ticket.spoke_at, life.ticket.active_since) == (OPENED, OPENED)


def test_a_completion_is_undone_for_seven_days_and_no_longer():
    news = [fact("order.cancelled", 1, 1), fact("order.revived", 200, 200)]
    assert live("cancel_appeal", news).ticket.state == "completed"


def test_a_completion_by_the_customers_own_word_is_not_undone():
    life = live("cancel_appeal", [])
    life.ticket = replace(
        life.ticket, state="completed", completed_at=OPENED, completed_by="customer",
        completed_because="order.cancelled",
    )  # fmt: skip
    assert life.hear(fact("order.revived", 2, 2)).effect == "nothing"


def test_a_signature_is_not_enough_while_the_parcel_is_said_to_be_in_a_locker():
    news = [fact("parcel.delivered_to_locker", 1), fact("parcel.delivered", None)]
    for order in (news, news[::-1]):
        life = live("delivery_urge", order, "in_transit")
        assert (life.ticket.state, bool(life.ticket.asked_fact)) == ("open", True)


def test_the_customers_own_signature_after_the_locker_is_enough():
    news = [fact("parcel.at_pickup_point", 1), fact("parcel.delivered", 3, 3)]
    assert live("delivery_urge", news, "in_transit").ticket.state == "completed"


@pytest.mark.parametrize("elsewhere", ["parcel.delivered_to_locker", "parcel.signed_by_other"])
@pytest.mark.parametrize("category", ["transit_urge", "delivery_urge"])
@pytest.mark.parametrize(
    ("signed", "end"),
    [
        (fact("parcel.delivered", None, 30, source="order"), "open"),  # the same, in other words
        (fact("parcel.delivered", 1.5, 2, source="order"), "open"),
        (fact("parcel.delivered", 9, 9, source="order"), "completed"),
        (fact("parcel.delivered", 1.5, 2), "completed"),  # its own source says it is another
    ],
)
def test_signed_for_without_more_may_be_somebody_elses_signature(elsewhere, category, signed, end):
    news = [fact(elsewhere, 1), signed]
    assert live(category, news, "in_transit").ticket.state == end


def test_signed_for_after_it_was_out_again_is_another_signature():
    news = [
        fact("parcel.signed_by_other", 1),
        fact("parcel.out_for_delivery", 5, 5),
        fact("parcel.delivered", None, 9),
    ]
    assert live("transit_urge", news, "in_transit").ticket.state == "completed"


@pytest.mark.parametrize(
    ("failed", "end"),
    [
        (fact("parcel.delivery_failed", 8, 8), "open"),
        (fact("parcel.delivery_failed", 1, 8), "completed"),  # before it, told late
        (fact("parcel.delivery_failed", None, 2), "completed"),  # perhaps before it
    ],
)
def test_a_failed_attempt_that_certainly_came_after_the_signature_denies_it(failed, end):
    news = [fact("parcel.delivered", 1.5, 1.5), failed]
    assert live("delivery_urge", news, "in_transit").ticket.state == end


def test_a_parcel_seen_on_the_road_was_not_cancelled_whatever_came_first():
    news = [fact("order.cancelled", 3, 3), fact("parcel.in_transit", 2, 5)]
    for order in (news, news[::-1]):
        assert live("cancel_appeal", order).ticket.state == "open"
    known = fact("parcel.in_transit", -2, -1)  # what the customer wants to be ended
    assert live("cancel_appeal", [known, news[0]]).ticket.state == "completed"


def test_a_question_is_over_when_what_it_is_about_was_undone():
    life = live("pickup_urge", [fact("order.cancelled_by_carrier", 1, 1)])
    assert life.ticket.asked_fact == "order.cancelled_by_carrier"
    assert life.hear(fact("order.revived", 2, 2)).effect == "inform"
    assert life.ticket.asked_fact is None


def test_one_question_covers_the_locker_and_the_signature_that_means_it():
    news = [fact("parcel.at_pickup_point", 0.5), fact("parcel.delivered", None)]
    life = live("delivery_urge", news, "in_transit")
    assert life.done == [("ask", "parcel.at_pickup_point")]


def test_damage_after_the_signature_calls_a_person_and_damage_before_it_does_not_hold_it_up():
    for when, end in ((0.9, "open"), (0.1, "completed")):
        news = [fact("parcel.delivered", 0.5), fact("parcel.damaged", when)]
        for order in (news, news[::-1]):
            life = live("delivery_urge", order, "in_transit")
            assert life.ticket.state == end
        together = Life(ticket("delivery_urge"), "in_transit")
        together.hear(*news)
        assert together.ticket.state == end


def test_a_signature_after_the_parcel_turned_round_is_the_senders():
    news = [fact("parcel.returning", 1), fact("parcel.delivered", 3, 3)]
    for order in (news, news[::-1]):
        life = live("transit_urge", order, "in_transit")
        assert (life.ticket.state, life.state) == ("open", "returned")


def test_of_several_lines_that_complete_the_first_is_the_reason():
    life = Life(ticket("pickup_urge"))
    life.hear(fact("parcel.collected", 0.1), fact("parcel.in_transit", 0.2))
    assert life.ticket.completed_because == "parcel.collected"


# --- what is told ---------------------------------------------------------------------------------


def test_of_several_lines_that_inform_the_newest_is_told_and_no_old_one():
    old = [fact("parcel.in_transit", hours) for hours in (-9, -8, 0.1)]
    life = Life(ticket("transit_urge"), "in_transit")
    life.hear(*old, fact("parcel.arrived_destination", 0.2))
    assert life.done == [("inform", "parcel.arrived_destination")]
    assert live("transit_urge", old[:2], "in_transit").done == []


def test_the_same_progress_is_told_once():
    hubs = [fact("parcel.in_transit", hour, hour + 0.1) for hour in range(1, 9)]
    assert live("transit_urge", hubs, "in_transit").done == [("inform", "parcel.in_transit")]


def test_progress_behind_the_parcel_is_not_told():
    news = [fact("parcel.out_for_delivery", 3, 3), fact("parcel.in_transit", 1, 4)]
    assert live("transit_urge", news).done == [("inform", "parcel.out_for_delivery")]


def test_old_bad_news_calls_a_person_only_if_no_better_news_followed():
    delayed = fact("parcel.delayed", -9)
    assert live("transit_urge", [delayed]).done == [("escalate", "parcel.delayed")]
    life = Life(ticket("transit_urge"), "in_transit")
    life.hear(delayed, fact("parcel.in_transit", -8))
    assert life.done == []


def test_damage_does_not_pass_because_the_parcel_moves_on():
    life = Life(ticket("transit_urge"), "in_transit")
    life.hear(fact("parcel.damaged", -9), fact("parcel.in_transit", -8))
    assert life.done == [("escalate", "parcel.damaged")]


def test_a_fact_that_has_to_stand_completes_when_the_time_has_passed(monkeypatch):
    waiting = replace(CATEGORIES["cancel_appeal"], waits_hours={"order.cancelled_by_carrier": 2.0})
    monkeypatch.setitem(CATEGORIES.by_id, "cancel_appeal", waiting)
    life = live("cancel_appeal", [fact("order.cancelled_by_carrier", 1, 1)])
    assert (life.ticket.state, life.ticket.waits_until) == ("open", at(3))
    assert life.wait(1).effect == "nothing"
    assert life.wait(1).effect == "complete"
    undone = live("cancel_appeal", [fact("order.cancelled_by_carrier", 1, 1)])
    assert undone.hear(fact("order.revived", 2, 2)).effect == "escalate"
    assert undone.wait(9).effect == "nothing"
    denied = live("cancel_appeal", [fact("order.cancelled_by_carrier", 1, 1)])
    denied.wait(0.5)
    denied.say_no()
    assert denied.wait(9).effect == "nothing"


# --- repetitions ----------------------------------------------------------------------------------

COLLECTED = fact("parcel.collected", None, 0.1)


@pytest.mark.parametrize(
    ("since", "came", "expected"),
    [
        ([], 9, True),
        ([fact("parcel.in_transit", None, 1)], 9, True),
        ([fact("fee.settled", None, 1)], 9, True),
        ([fact("pickup.scheduled", None, 1)], 9, False),
        ([fact("pickup.scheduled", None, 1)], 1.5, True),
        ([fact("order.cancelled", None, 1), fact("order.revived", None, 2)], 9, False),
    ],
)
def test_a_status_without_time_is_news_only_long_after_the_order_went_back(since, came, expected):
    again = fact("parcel.collected", None, came)
    assert repeats(again, [COLLECTED, *since], KINDS) is expected


def test_a_first_status_and_one_with_a_time_are_no_repetition():
    assert not repeats(COLLECTED, [], KINDS)
    assert not repeats(fact("parcel.collected", 1), [COLLECTED], KINDS)


def test_a_correction_told_again_is_a_repetition_whatever_was_said_between():
    once, again = fact("weight.corrected", None, 1), fact("weight.corrected", None, 9)
    assert repeats(again, [once], KINDS)
    assert repeats(again, [once, fact("fee.settled", None, 5)], KINDS)


def money(name: str, code: str) -> Fact:
    return Fact(name, "kuaidi100.fee", code, at(1))


def test_other_money_is_news_and_whole_money_does_not_become_a_part():
    back = money("refund.confirmed", "FREIGHT 12")
    assert not repeats(money("refund.confirmed", "FREIGHT 12 + FREIGHT 12"), [back], KINDS)
    assert not repeats(back, [money("refund.partial", "partly FREIGHT 12")], KINDS)
    assert repeats(money("refund.partial", "partly FREIGHT 12"), [back], KINDS)


# --- the state of an order ------------------------------------------------------------------------


def test_a_repeated_fact_changes_nothing():
    told = [fact("parcel.collected", 1), fact("parcel.in_transit", 2)]
    state = order_state("created", told, KINDS, OPENED)
    assert order_state("created", told + told[::-1], KINDS, OPENED) == state == "in_transit"


def test_what_the_merchant_said_later_stands_against_an_older_fact():
    assert order_state("cancelled", [fact("parcel.collected", -5)], KINDS, OPENED) == "cancelled"


def test_a_merchant_who_is_behind_does_not_pull_a_parcel_back():
    assert order_state("accepted", [fact("parcel.in_transit", -5)], KINDS, OPENED) == "in_transit"


def test_a_carriers_time_without_fractions_is_not_older_than_what_was_told_in_that_second():
    told_at = OPENED.replace(microsecond=700_000)
    same = fact("order.cancelled_by_carrier", 0)
    assert same.occurred_at is not None
    assert same.occurred_at < told_at
    assert order_state("accepted", [same], KINDS, told_at) == "cancelled"
    untimed = replace(same, occurred_at=None, received_at=OPENED)
    assert order_state("accepted", [untimed], KINDS, told_at) == "accepted"


def test_callbacks_from_before_the_order_was_told_count_against_its_first_state():
    assert order_state("created", [fact("order.cancelled", None, -1)], KINDS, OPENED) == "cancelled"


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (["order.accepted", "order.placed"], "accepted"),
        (["parcel.delivered", "parcel.collected", "order.accepted"], "delivered"),
        (["order.cancelled", "order.revived", "order.accepted"], "accepted"),
        (["order.cancelled", "parcel.collected"], "collected"),
        (["pickup.failed", "parcel.collected"], "collected"),
        (["parcel.delivered", "parcel.returned"], "returned"),
    ],
)
def test_without_times_the_furthest_counts_and_a_revival_undoes_a_cancellation(told, state):
    facts = [fact(name, None, 0.1 + number / 10) for number, name in enumerate(told)]
    assert order_state("created", facts, KINDS, at(-1)) == state
    assert order_state("created", facts[::-1], KINDS, at(-1)) == state


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([("parcel.collected", 1), ("pickup.failed", 9)], "pickup_failed"),
        ([("pickup.failed", 1), ("parcel.collected", 9)], "collected"),
        ([("parcel.delivered", 1), ("parcel.out_for_delivery", 9)], "out_for_delivery"),
        ([("order.cancelled", 1), ("parcel.collected", 5), ("order.cancelled", 9)], "cancelled"),
        # late by less than three tries take, and furthest on the way
        ([("parcel.collected", 1), ("pickup.failed", 2.5)], "collected"),
        ([("parcel.delivered", 1), ("parcel.out_for_delivery", 2.5)], "delivered"),
        # a record made late moves no parcel
        ([("parcel.out_for_delivery", 1), ("parcel.collected", 9)], "out_for_delivery"),
    ],
)
def test_what_is_told_hours_later_without_a_time_came_later(told, state):
    facts = [fact(name, None, came) for name, came in told]
    assert order_state("created", facts, KINDS, at(-1)) == state
    assert order_state("created", facts[::-1], KINDS, at(-1)) == state


def test_a_pickup_that_failed_can_fail_again_after_one_that_was_none():
    failed, collected = fact("pickup.failed", None, 1), fact("parcel.collected", None, 5)
    assert not repeats(fact("pickup.failed", None, 9), [failed, collected], KINDS)
    assert repeats(fact("pickup.failed", None, 6), [failed, collected], KINDS)


def test_a_record_of_the_order_made_late_takes_nothing_back():
    assert order_state("accepted", [fact("order.placed", 1)], KINDS, at(0)) == "accepted"


def test_a_cancellation_long_after_a_revival_is_a_new_one():
    late = LATE.total_seconds() / 3600 + 1
    facts = [fact("order.revived", None, 1), fact("order.cancelled", None, 1 + late)]
    assert order_state("created", facts, KINDS, at(-1)) == "cancelled"
    assert earlier(*facts)


# --- whatever the order of arrival ----------------------------------------------------------------

NAMES = st.sampled_from(sorted(KINDS))
#: With the carrier's time, before or after the customer spoke; in half hours: some are equal.
TIMED = st.lists(st.tuples(NAMES, st.integers(-8, 40).map(lambda n: n / 2)), min_size=1, max_size=6)
UNTIMED = st.lists(st.tuples(NAMES, st.none()), min_size=1, max_size=6)
#: Those with a time are certainly older than the callbacks that have none, or certainly not.
HALF_HOURS = st.one_of(st.integers(-8, 40), st.just(49)).map(lambda n: n / 2)
MIXED = st.tuples(
    st.lists(st.tuples(NAMES, HALF_HOURS), max_size=4),
    st.lists(st.tuples(NAMES, st.none()), max_size=4),
).map(lambda both: both[0] + both[1])


def end_of(category: str, told: list[tuple[str, float | None]], told_state: str) -> tuple[str, str]:
    """Ticket's and order's state after these facts came, within an hour, long after all times."""
    life = Life(ticket(category), told_state)
    for number, (name, happened) in enumerate(told):
        life.hear(fact(name, happened, 25 + number / 60))
    life.wait(50)
    return life.ticket.state, life.state


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(sorted(CATEGORIES.by_id)),
    st.one_of(TIMED, UNTIMED, MIXED).filter(bool),
    st.sampled_from(ORDER_STATES),
    st.data(),
)
def test_ticket_and_order_end_the_same_in_whatever_order_and_however_often_facts_come(
    category, told, told_state, data
):
    shuffled = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    assert end_of(category, shuffled, told_state) == end_of(category, told, told_state)


@settings(max_examples=200, deadline=None)
@given(st.one_of(TIMED, UNTIMED, MIXED).filter(bool), st.sampled_from(ORDER_STATES), st.data())
def test_facts_in_one_callback_or_in_many_end_the_same(told, told_state, data):
    category = data.draw(st.sampled_from(sorted(CATEGORIES.by_id)))
    together = Life(ticket(category), told_state)
    together.hear(*(fact(name, happened, 25) for name, happened in told))
    together.wait(50)
    assert (together.ticket.state, together.state) == end_of(category, told, told_state)


# --- the full matrix ------------------------------------------------------------------------------


@pytest.mark.parametrize("category", sorted(CATEGORIES.by_id))
def test_every_fact_in_every_state_of_ticket_and_order_has_one_ruling(category):
    for name, state, order, happened in product(KINDS, STATES, FURTHER, (None, -1, 0.5)):
        done = state in ("completed", "closed")
        held = ticket(
            category,
            state=state,
            completed_at=OPENED if done else None,
            completed_by="fact" if done else None,
            completed_because="parcel.collected" if done else None,
        )
        one = fact(name, happened)
        case = Case(held, CATEGORIES[category], KINDS, (one,), order)
        ruling = decide_on(case, [one], at(1))
        assert ruling.effect in EFFECTS
        assert ruling.why
        allowed = {
            "complete": CATEGORIES[category].completes_on | CATEGORIES[category].ends_on,
            "inform": CATEGORIES[category].informs_on,
            "escalate": CATEGORIES[category].escalates_on,
            # or the fact that completed it turns out to be older than the customer's word
            "reopen": CATEGORIES[category].reopens_on | {"parcel.collected"},
        }
        assert name in allowed.get(ruling.effect, KINDS)
        if done:
            assert ruling.effect in ("nothing", "reopen")
        if state == "closed":
            assert ruling.effect == "nothing"
        if ruling.effect == "complete":
            assert happened != -1  # never while the customer spoke last


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(CATEGORIES.by_id)),
    st.lists(st.tuples(NAMES, st.integers(-4, 10)), min_size=1, max_size=8),
    st.integers(0, 8),
)
def test_nothing_that_happened_before_the_customers_last_word_completes(category, told, no_after):
    life = Life(ticket(category), "in_transit")
    for number, (name, happened) in enumerate(told):
        if number == no_after and life.ticket.state == "open":
            life.now = max(life.now, at(12))
            life.say_no()
        before = life.ticket.state
        life.hear(fact(name, happened, 12 + number))
        if before == "open" and life.ticket.state == "completed":
            assert at(happened) >= life.ticket.spoke_at - timedelta(seconds=1) or any(
                f.fact == life.ticket.completed_because and f.when >= life.ticket.spoke_at
                for f in life.facts
            )
