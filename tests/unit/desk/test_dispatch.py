"""The dispatch's rules: every arrow, and above all that nothing is sent twice blindly."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from desk.rules.dispatch import (
    ARROWS,
    ASK_AFTER,
    ASK_FOR,
    CALL_LOST_AFTER,
    COMMANDS,
    GIVE_UP_AFTER,
    LOOK_UP_AFTER,
    STATES,
    THERE,
    UNKNOWN_FOR,
    Absent,
    Accept,
    Answer,
    Dispatch,
    Fail,
    GiveUp,
    Hear,
    Lose,
    Refuse,
    Send,
    decide,
)
from desk.rules.dispatch_todo import asked, todo
from desk.rules.refused import Refused

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def dispatch(state: str = "waiting", via: str = "kuaidi100", part: int = 0, **more) -> Dispatch:
    base = Dispatch("d1", "t1", 1, via, {}, NOW - timedelta(minutes=5), part=part, state=state)
    return replace(base, **more)


def command(name: str) -> object:
    return {
        "Send": Send(),
        "Accept": Accept("1001"),
        "Refuse": Refuse("no"),
        "Lose": Lose("timeout"),
        "Fail": Fail("refused connection"),
        "Absent": Absent(),
        "Hear": Hear("1001"),
        "Answer": Answer("1001"),
        "GiveUp": GiveUp("too long"),
    }[name]


@pytest.mark.parametrize(("state", "name"), list(product(STATES, COMMANDS)))
def test_every_command_in_every_state_follows_the_table_or_is_refused(state, name):
    # an addition by webhook: of all dispatches the one that may be repeated and looked up
    before = dispatch(state, "webhook", part=1)
    if (state, name) in ARROWS:
        assert decide(before, command(name), NOW).state == ARROWS[(state, name)]
    else:
        with pytest.raises(Refused) as refused:
            decide(before, command(name), NOW)
        assert refused.value.code == "dispatch_state"


@pytest.mark.parametrize("state", STATES)
def test_a_ticket_at_kuaidi100_is_sent_only_while_it_was_certainly_not_received(state):
    before = dispatch(state)
    if state == "waiting":
        assert decide(before, Send(), NOW).state == "sending"
    else:
        with pytest.raises(Refused):
            decide(before, Send(), NOW)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_makes_an_unknown_ticket_at_kuaidi100_sendable_again(name):
    try:
        after = decide(dispatch("unknown"), command(name), NOW)
    except Refused:
        return
    assert after.state not in ("waiting", "sending")


@pytest.mark.parametrize(("via", "part"), [("webhook", 0), ("webhook", 1)])
def test_what_the_receiver_knows_by_its_id_may_be_repeated(via, part):
    assert decide(dispatch("unknown", via, part), Send(), NOW).state == "sending"


def test_an_addition_is_sent_again_only_after_it_was_looked_for_and_not_found():
    lost = decide(dispatch("sending", part=1), Lose("timeout"), NOW)
    assert lost.next_at == NOW + LOOK_UP_AFTER
    with pytest.raises(Refused):
        decide(lost, Send(), NOW)
    absent = decide(lost, Absent(), NOW)
    assert decide(absent, Send(), NOW).state == "sending"


@pytest.mark.parametrize("state", STATES)
def test_word_from_the_other_side_counts_in_every_state(state):
    for heard in (Accept("1001"), Hear("1001"), Answer("1001")):
        after = decide(dispatch(state), heard, NOW)
        assert after.state in THERE
        assert after.remote_id == "1001"
        assert after.why == ""


@pytest.mark.parametrize("late", [Accept(), Hear()])
def test_a_result_is_not_undone_by_what_arrives_after_it(late):
    assert decide(dispatch("answered"), late, NOW).state == "answered"


def test_a_number_once_known_is_not_forgotten():
    known = decide(dispatch("sending"), Accept("1001"), NOW)
    assert decide(known, Hear(), NOW).remote_id == "1001"


@pytest.mark.parametrize("heard", [Hear("7"), Answer("7")])
def test_a_number_once_known_is_not_replaced_by_what_is_heard_later(heard):
    known = decide(dispatch("sending"), Accept("1001"), NOW)
    assert decide(known, heard, NOW).remote_id == "1001"
    # heard of before its own acceptance, which knows better
    early = decide(dispatch("sending"), heard, NOW)
    assert decide(early, Accept("1001"), NOW).remote_id == "1001"


def test_a_call_that_nobody_ended_is_lost_after_a_minute():
    sent = decide(dispatch(), Send(), NOW)
    assert (sent.tries, sent.sent_at, sent.next_at) == (1, NOW, NOW + CALL_LOST_AFTER)
    lost = todo(sent, NOW + CALL_LOST_AFTER, needed=True)
    assert lost == Lose("the process ended during the call")


def test_an_unknown_ticket_is_waited_for_and_then_is_a_persons():
    sent = decide(dispatch(), Send(), NOW)
    unknown = decide(sent, Lose("HTTP 502"), NOW + timedelta(seconds=8))
    assert unknown.next_at == NOW + UNKNOWN_FOR
    assert todo(unknown, NOW + UNKNOWN_FOR, needed=True) == GiveUp("HTTP 502")


def test_what_was_not_received_is_tried_again_with_growing_pauses_and_then_given_up():
    trying, now, pauses = dispatch(created_at=NOW), NOW, []
    while todo(trying, now, needed=True) == Send():
        trying = decide(decide(trying, Send(), now), Fail("refused connection"), now)
        pauses.append((trying.next_at - now).total_seconds())
        now = trying.next_at
    assert pauses[:6] == [10, 30, 120, 300, 600, 1200]
    assert now - NOW >= GIVE_UP_AFTER
    assert todo(trying, now, needed=True) == GiveUp("refused connection")


def test_a_limit_says_when_to_come_back():
    sent = decide(dispatch(), Send(), NOW)
    when = NOW + timedelta(seconds=3)
    assert decide(sent, Fail("limit", retry_at=when), NOW).next_at == when


@pytest.mark.parametrize(
    ("before", "needed", "expected"),
    [
        (dispatch(), True, Send()),
        (dispatch(), False, GiveUp("no longer needed")),
        (
            dispatch(request={"missing": ["details.weight_kg"]}),
            True,
            GiveUp("missing: details.weight_kg"),
        ),
        (dispatch("unknown", "webhook", tries=1), True, Send()),
        (dispatch("unknown", "webhook", tries=1), False, GiveUp("no longer needed")),
        (dispatch("unknown", part=1), True, "look_up"),
        (dispatch("accepted"), True, "ask"),
        (dispatch("accepted"), False, None),
        (dispatch("answered"), True, None),
        (dispatch("refused"), True, None),
        (dispatch("given_up"), True, None),
    ],
)
def test_the_due_step_of_each_state(before, needed, expected):
    assert todo(before, NOW, needed=needed) == expected


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        (dispatch("waiting"), None),
        (dispatch("unknown"), None),
        (dispatch("accepted", remote_id="1001"), Send()),
        (dispatch("accepted"), GiveUp("missing: number")),
        (dispatch("accepted", "webhook"), Send()),
    ],
)
def test_an_addition_follows_its_ticket_to_a_known_number(parent, expected):
    added = dispatch(via=parent.via, part=1)
    assert todo(added, NOW, needed=True, parent=parent) == expected


def test_an_accepted_ticket_is_asked_about_less_and_less_often_and_not_for_ever():
    held = decide(dispatch("sending", created_at=NOW), Accept("1001"), NOW)
    waits = []
    now = NOW
    while held.next_at is not None:
        waits.append(held.next_at - now)
        now = held.next_at
        held = asked(held, None, now)
    assert waits[:4] == list(ASK_AFTER)
    assert now < NOW + ASK_FOR


def test_news_begins_the_questions_anew():
    held = decide(dispatch("sending"), Accept("1001"), NOW)
    for _ in range(3):
        held = asked(held, "1", NOW)
    assert held.answer == {"asked": 3, "status": "1"}
    heard = decide(held, Hear(), NOW)
    assert heard.next_at == NOW + ASK_AFTER[0]
    assert heard.answer == {"status": "1"}


@pytest.mark.parametrize("before", [dispatch("sending", "webhook"), dispatch("sending")])
def test_nobody_is_asked_about_a_ticket_without_a_number_or_at_the_merchants(before):
    assert decide(before, Accept("7" if before.repeatable else None), NOW).next_at is None
