"""The conversation's rules: who owns it, and that nothing slips through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.conversation import (
    ARROWS,
    COMMANDS,
    HANDOVER_REASONS,
    OWNERS,
    AgentNote,
    AgentSay,
    BotReply,
    Choose,
    Claim,
    Conversation,
    DeskNote,
    HandOver,
    News,
    Release,
    Say,
    Tick,
    command_name,
    decide,
)
from desk.rules.refused import Refused

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def conversation(owner: str = "bot", **changes: object) -> Conversation:
    base = Conversation("c1", "o1", "cust", epoch=3, last_seq=7, answered_seq=5)
    if owner != "bot":
        base = replace(base, owner=owner, waiting_since=NOW - timedelta(minutes=1))
    if owner == "agent":
        base = replace(base, agent_id="a1", agent_name="小林")
    return replace(base, **changes)


def command(name: str, agent: str = "a1") -> object:
    """A command of that name that fits the present epoch and agent."""
    return {
        "Say": Say("还没来取", "k1"),
        "Choose": Choose("pickup_urge", "催取件", "k2"),
        "Tick": Tick("false_pickup"),
        "HandOver": HandOver("asked", "summary", "已转人工", {"position": 1, "wait_s": 30}),
        "BotReply": BotReply(({"text": "好的", "choices": []},), 7, 3),
        "Claim": Claim(agent, "小林", "小林已接入"),
        "ReleaseToQueue": Release(agent, "queue", "换人"),
        "ReleaseToBot": Release(agent, "bot", "再见"),
        "AgentSay": AgentSay(agent, "您好", "k3"),
        "AgentNote": AgentNote(agent, "小林", "记一下", "k4"),
        "DeskNote": DeskNote({"about": "promise_called"}),
        "News": News({"id": "t1", "category": "pickup_urge", "state": "open"}, "有进展"),
    }[name]


@pytest.mark.parametrize(("owner", "name"), list(product(OWNERS, COMMANDS)))
def test_every_command_in_every_state_follows_the_table_or_is_refused(owner, name):
    before = conversation(owner, offered=("pickup_urge",))
    assert command_name(command(name)) == name
    if (owner, name) in ARROWS:
        after = decide(before, command(name), NOW).conversation
        assert after.owner == ARROWS[(owner, name)]
    else:
        with pytest.raises(Refused):
            decide(before, command(name), NOW)


@pytest.mark.parametrize(("owner", "name"), sorted(ARROWS))
def test_the_epoch_grows_exactly_when_the_owner_changes(owner, name):
    before = conversation(owner, offered=("pickup_urge",))
    after = decide(before, command(name), NOW).conversation
    assert after.epoch == before.epoch + (after.owner != before.owner)


@pytest.mark.parametrize(("owner", "name"), sorted(ARROWS))
def test_the_database_constraints_hold_after_every_arrow(owner, name):
    after = decide(conversation(owner, offered=("pickup_urge",)), command(name), NOW).conversation
    assert (after.owner == "agent") == (after.agent_id is not None)
    assert (after.owner == "bot") == (after.waiting_since is None)
    assert after.owner == "bot" or after.unanswered_since is None


def test_a_customer_message_asks_the_bot_and_starts_the_clock():
    outcome = decide(conversation(), Say("还没来取", "k"), NOW)
    assert outcome.ask_bot
    assert outcome.conversation.unanswered_since == NOW


def test_the_clock_of_the_first_unanswered_message_is_kept():
    earlier = NOW - timedelta(seconds=5)
    outcome = decide(conversation(unanswered_since=earlier), Say("在吗", "k"), NOW)
    assert outcome.conversation.unanswered_since == earlier


def test_a_message_that_asks_for_a_person_does_not_ask_the_bot():
    assert not decide(conversation(), Say("转人工", "k", asks_person=True), NOW).ask_bot


@pytest.mark.parametrize("owner", ["queue", "agent"])
def test_the_bot_is_never_asked_while_a_person_owns_the_conversation(owner):
    assert not decide(conversation(owner), Say("在吗", "k"), NOW).ask_bot


def test_ten_taps_on_the_human_button_are_one_handover():
    state, shown = conversation(), []
    for _ in range(10):
        outcome = decide(state, command("HandOver"), NOW)
        state, shown = outcome.conversation, [*shown, *outcome.events]
    assert [event.kind for event in shown] == ["owner", "message"]
    assert state.epoch == 4


def test_a_bot_write_for_an_earlier_owner_is_refused():
    handed = decide(conversation(), command("HandOver"), NOW).conversation
    with pytest.raises(Refused) as refused:
        decide(handed, command("BotReply"), NOW)
    assert refused.value.code == "stale_epoch"


def test_a_reply_written_twice_after_a_crash_appears_once():
    once = decide(conversation(), command("BotReply"), NOW)
    twice = decide(once.conversation, command("BotReply"), NOW)
    assert len(once.events) == 1
    assert twice.events == ()


def test_a_reply_keeps_the_clock_of_a_message_that_came_meanwhile():
    since = NOW - timedelta(seconds=1)
    reply = BotReply(({"text": "好", "choices": []},), 7, 3, still_unanswered_since=since)
    assert decide(conversation(), reply, NOW).conversation.unanswered_since == since


def test_a_choice_that_was_not_offered_is_refused_and_names_what_was():
    with pytest.raises(Refused) as refused:
        decide(conversation(offered=("none",)), Choose("loss_claim", "丢失", "k"), NOW)
    assert refused.value.code == "choice_not_offered"
    assert refused.value.detail["offered"] == "none"


def test_what_was_offered_is_forgotten_when_the_owner_changes():
    before = conversation(offered=("pickup_urge", "none"))
    assert decide(before, command("HandOver"), NOW).conversation.offered == ()


def test_the_second_agent_is_told_who_has_the_conversation():
    with pytest.raises(Refused) as refused:
        decide(conversation("agent"), Claim("a2", "小周", "x"), NOW)
    assert refused.value.code == "already_claimed"
    assert refused.value.detail["agent"] == "小林"


def test_claiming_what_one_has_already_changes_nothing():
    outcome = decide(conversation("agent"), Claim("a1", "小林", "x"), NOW)
    assert outcome.events == ()
    assert outcome.conversation.epoch == 3


def test_another_agent_cannot_write_or_release():
    for other in (AgentSay("a2", "hi", "k"), Release("a2", "bot", "x")):
        with pytest.raises(Refused) as refused:
            decide(conversation("agent"), other, NOW)
        assert refused.value.code == "not_your_conversation"


def test_a_requeued_customer_keeps_their_waiting_time():
    before = conversation("agent")
    after = decide(before, Release("a1", "queue", "x"), NOW).conversation
    assert after.waiting_since == before.waiting_since


def test_a_given_back_conversation_starts_a_new_visit_and_forgets_the_old_request():
    after = decide(conversation("agent", stated="loss_claim"), Release("a1", "bot", "x"), NOW)
    assert after.conversation.visit == 2
    assert after.conversation.stated is None
    assert after.conversation.answered_seq == 7


def test_a_note_is_never_a_message():
    outcome = decide(conversation("agent"), command("AgentNote"), NOW)
    assert [event.kind for event in outcome.events] == ["note"]


def test_a_reason_that_nobody_defined_is_refused():
    with pytest.raises(Refused):
        decide(conversation(), HandOver("because", "", "", {}), NOW)
    assert "because" not in HANDOVER_REASONS


@given(st.lists(st.sampled_from(COMMANDS), max_size=40), st.data())
def test_after_a_handover_no_interleaving_lets_a_bot_message_through(names, data):
    """Bot replies carry the epoch they were made for; delays reorder them freely."""
    state, in_flight = conversation(offered=("pickup_urge",)), []
    for name in names:
        owner_before = state.owner
        if name == "BotReply":
            if in_flight and data.draw(st.booleans()):
                asked_epoch, answered = in_flight.pop(data.draw(st.integers(0, len(in_flight) - 1)))
            else:
                asked_epoch, answered = state.epoch, state.answered_seq + 1
            made = BotReply(({"text": "x", "choices": []},), answered, asked_epoch)
        else:
            made = command(name)
        if name in ("Say", "Choose"):
            in_flight.append((state.epoch, state.answered_seq + 1))
        try:
            outcome = decide(state, made, NOW)
        except Refused:
            continue
        spoken = [e for e in outcome.events if e.author == "bot"]
        assert not spoken or owner_before == "bot"
        state = outcome.conversation
