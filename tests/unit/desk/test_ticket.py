"""The ticket's rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from desk.rules.refused import Refused
from desk.rules.ticket import (
    ARROWS,
    COMMANDS,
    REOPEN_FOR,
    STATES,
    Add,
    Ask,
    Close,
    Complete,
    Correct,
    Deny,
    Dispatch,
    Join,
    Reopen,
    Tell,
    Ticket,
    Wait,
    Watch,
    decide,
    reopen_until,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def ticket(state: str = "open") -> Ticket:
    base = Ticket("t1", "o1", "c1", "pickup_urge", "还没来取", NOW - timedelta(days=9), NOW)
    if state in ("completed", "closed"):
        base = replace(base, completed_at=NOW - timedelta(days=1), completed_by="fact")
    return replace(base, state=state)


def command(name: str) -> object:
    return {
        "Dispatch": Dispatch("sent"),
        "Complete": Complete("fact", "parcel.collected"),
        "Reopen": Reopen("", NOW),
        "Close": Close(),
        "Correct": Correct("false_pickup", NOW, ""),
        "Add": Add("再催一次"),
        "Watch": Watch("called"),
        "Join": Join("t2"),
        "Tell": Tell("pickup.scheduled"),
        "Ask": Ask("parcel.collected"),
        "Wait": Wait("parcel.collected", NOW),
        "Deny": Deny(),
    }[name]


@pytest.mark.parametrize(("state", "name"), list(product(STATES, COMMANDS)))
def test_every_command_in_every_state_follows_the_table_or_is_refused(state, name):
    before = ticket(state)
    if name == "Close":  # only after 7 days, see below
        before = replace(before, completed_at=before.completed_at and NOW - timedelta(days=8))
    if (state, name) in ARROWS:
        assert decide(before, command(name), NOW)[0].state == ARROWS[(state, name)]
    else:
        with pytest.raises(Refused) as refused:
            decide(before, command(name), NOW)
        assert refused.value.code == "ticket_state"


@pytest.mark.parametrize(("state", "name"), sorted(ARROWS))
def test_completion_time_and_state_agree_after_every_arrow(state, name):
    before = ticket(state)
    if name == "Close":
        before = replace(before, completed_at=NOW - timedelta(days=8))
    after, _ = decide(before, command(name), NOW)
    assert (after.state in ("completed", "closed")) == (after.completed_at is not None)
    assert (after.completed_at is None) == (after.completed_by is None)


def test_a_ticket_can_be_reopened_until_the_last_second_of_seven_days():
    completed = ticket("completed")
    until = reopen_until(completed)
    assert until == completed.completed_at + REOPEN_FOR
    assert decide(completed, Reopen("", NOW), until)[0].state == "open"
    with pytest.raises(Refused) as refused:
        decide(completed, Reopen("", NOW), until + timedelta(seconds=1))
    assert refused.value.code == "reopen_too_late"


def test_a_ticket_is_not_closed_while_it_can_be_reopened():
    completed = ticket("completed")
    with pytest.raises(Refused) as refused:
        decide(completed, Close(), reopen_until(completed))
    assert refused.value.code == "close_too_early"


def test_reopening_starts_a_new_active_time_and_is_counted():
    after, _ = decide(ticket("completed"), Reopen("", NOW), NOW)
    assert after.active_since == NOW
    assert after.reopened == 1


@pytest.mark.parametrize("name", ["Add", "Deny", "Correct"])
def test_whoever_speaks_again_ends_the_question_and_the_wait(name):
    before = replace(ticket(), asked_fact="parcel.collected", waits_for="x", waits_until=NOW)
    after, _ = decide(before, command(name), NOW)
    assert (after.asked_fact, after.waits_for, after.waits_until) == (None, None, None)
    assert after.spoke_at == NOW


def test_news_that_reopen_a_ticket_are_not_the_customers_word():
    before = replace(ticket("completed"), spoke_at=NOW - timedelta(days=9))
    after, entry = decide(before, Reopen("order.revived", NOW, complains=False), NOW)
    assert (after.spoke_at, after.active_since) == (before.spoke_at, before.active_since)
    assert (after.reopened, entry.text) == (1, "order.revived")


def test_a_ticket_reopened_as_another_matter_says_so_in_its_history():
    after, entry = decide(ticket("completed"), Reopen("", NOW, category="false_pickup"), NOW)
    assert (after.category, entry.text) == ("false_pickup", "pickup_urge -> false_pickup")


def test_a_ticket_joined_after_its_completion_is_no_success_of_a_fact():
    after, _ = decide(ticket("completed"), Join("t2"), NOW)
    assert (after.completed_by, after.completed_because) == ("merge", "t2")
    with pytest.raises(Refused) as refused:
        decide(ticket("completed"), Join("t2"), NOW + timedelta(days=7))
    assert refused.value.code == "reopen_too_late"


def test_a_correction_to_the_same_category_is_refused():
    with pytest.raises(Refused) as refused:
        decide(ticket(), Correct("pickup_urge", NOW, ""), NOW)
    assert refused.value.code == "same_category"


def test_every_change_leaves_a_line_in_the_history():
    for state, name in sorted(ARROWS):
        before = ticket(state)
        if name == "Close":
            before = replace(before, completed_at=NOW - timedelta(days=8))
        assert decide(before, command(name), NOW)[1].kind
