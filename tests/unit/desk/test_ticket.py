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
    Close,
    Complete,
    Correct,
    Dispatch,
    Reopen,
    Ticket,
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
