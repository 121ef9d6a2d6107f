"""Reading a turn out of Rasa's tracker."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

from actions.turn import read_turn


def slot(name: str, value: Any) -> dict[str, Any]:
    return {"event": "slot", "name": name, "value": value}


def test_the_desks_context_is_read_from_the_messages_metadata(make_tracker: Any) -> None:
    turn = read_turn(
        make_tracker(context={"stated": "loss_claim", "tickets": [{"id": "t", "category": "x"}]})
    )
    assert (turn.conversation_id, turn.epoch, turn.message_id) == ("c-1", 3, "c-1:7")
    assert (turn.stated, turn.order_state, turn.tickets) == ("loss_claim", "accepted", {"t": "x"})
    assert not turn.rehearsal


def test_without_a_desk_it_is_a_rehearsal_and_everything_else_is_empty(make_tracker: Any) -> None:
    turn = read_turn(make_tracker(no_desk=True))
    assert turn.rehearsal
    assert (turn.stated, turn.order_state, turn.tickets, turn.lang) == (None, None, {}, "zh")


def test_an_empty_tracker_can_be_read() -> None:
    turn = read_turn(Tracker.from_dict({"sender_id": "x", "slots": {}}))
    assert (turn.text, turn.ranking, turn.lang, turn.asking) == ("", (), "zh", False)


def test_a_context_without_an_order_can_be_read(make_tracker: Any) -> None:
    assert read_turn(make_tracker(context={"order": None})).order_state is None


def test_an_unknown_language_is_chinese(make_tracker: Any) -> None:
    assert read_turn(make_tracker(slots={"lang": "fr"})).lang == "zh"
    assert read_turn(make_tracker(slots={"lang": "en"})).lang == "en"


def test_a_tapped_choice_is_told_from_words(make_tracker: Any) -> None:
    tapped = read_turn(make_tracker(chosen="loss_claim"))
    assert tapped.tapped
    assert tapped.chosen == "loss_claim"
    assert not read_turn(make_tracker("丢件了")).tapped


def test_the_desk_says_whether_a_tick_still_counts(make_tracker: Any) -> None:
    old = {"slots": {"stated": "loss_claim"}}
    assert read_turn(make_tracker(context={"stated": None}, **old)).stated is None
    again = read_turn(
        make_tracker(
            context={"stated": "loss_claim"},
            events=[slot("stated", "loss_claim"), slot("ticket_id", "t-1")],
        )
    )
    assert again.stated == "loss_claim"


def test_without_a_desk_a_tick_says_nothing_after_the_ticket_it_led_to(make_tracker: Any) -> None:
    events = [slot("stated", "loss_claim"), slot("ticket_id", "t-1")]
    ticked = {"no_desk": True, "slots": {"stated": "loss_claim"}}
    assert read_turn(make_tracker(events=events, **ticked)).stated is None
    assert read_turn(make_tracker(events=[slot("stated", "loss_claim")], **ticked)).stated == (
        "loss_claim"
    )


def test_a_tickets_category_is_the_desks_word_before_the_slots(make_tracker: Any) -> None:
    listed = {"tickets": [{"id": "t-1", "category": "loss_claim"}]}
    turn = read_turn(make_tracker(context=listed, slots={"category": "transit_urge"}))
    assert turn.ticket_category("t-1") == "loss_claim"
    assert turn.ticket_category("t-2") == "transit_urge"
    assert turn.ticket_category(None) is None
