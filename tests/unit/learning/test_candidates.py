"""What people did with tickets becomes labelled messages, in the customer's own words, masked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from learning import mistick
from learning.candidates import candidates, masked_words, own_words
from learning.history import Entry, History, needed

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CATEGORIES = ("pickup_urge", "false_pickup", "loss_claim", "charge_dispute")
NAMES = ("催取件", "催快递员上门取件")
SAID = "这个快递还未取件,怎么就产生费用了?"


def entry(number: int, kind: str, text: str = "", author: str = "bot", **more: Any) -> Entry:
    return Entry(number, NOON + timedelta(hours=number), kind, author, text, **more)


def ticket(*more: Entry, **values: Any) -> History:
    """A ticket the bot opened for SAID, ticked false_pickup, needed pickup_urge."""
    fields: dict[str, Any] = {
        "id": "t1",
        "category": "pickup_urge",
        "state": "open",
        "opened_by": "bot",
        "completed_by": None,
        "completed_because": None,
        "reopened": 0,
        "stated": "false_pickup",
        "confirmed_by": "agreement",
        "entries": [entry(1, "opened", SAID), *more],
        "said": ["你好", SAID],
    }
    return History(**{**fields, **values})


def sources(*histories: History) -> list[tuple[str, str, str]]:
    return [(c.source, c.label, c.text) for c in candidates(histories, NAMES, CATEGORIES)]


def test_a_ticket_nobody_confirmed_teaches_nothing() -> None:
    assert sources(ticket()) == []


def test_an_agents_correction_is_a_label_for_the_customers_words() -> None:
    corrected = entry(2, "corrected", "false_pickup -> pickup_urge", "agent:小林")
    assert sources(ticket(corrected)) == [("agent_correction", "pickup_urge", SAID)]


def test_the_customers_own_correction_is_told_from_an_agents() -> None:
    corrected = entry(2, "corrected", "false_pickup -> pickup_urge", choice="pickup_urge")
    assert sources(ticket(corrected)) == [("customer_correction", "pickup_urge", SAID)]


def test_the_last_of_two_corrections_says_where_the_label_comes_from() -> None:
    first = entry(2, "corrected", "x", "agent:小林")
    assert sources(ticket(first, entry(3, "corrected", "y")))[0][0] == "customer_correction"


@pytest.mark.parametrize("how", [{"confirmed_by": "tap"}, {"confirmed_by": "typed"}])
def test_a_choice_after_a_question_is_a_label(how: dict[str, str]) -> None:
    assert sources(ticket(**how)) == [("choice", "pickup_urge", SAID)]


def test_a_tap_is_seen_in_the_log_even_when_the_review_does_not_say_so() -> None:
    opened = entry(1, "opened", SAID, choice="pickup_urge")
    assert sources(ticket(entries=[opened]))[0][0] == "choice"


def test_a_chosen_request_that_joined_an_open_ticket_is_a_candidate_of_its_own() -> None:
    again = "还要我等多久才来人"
    added = entry(2, "added", again, choice="pickup_urge")
    assert sources(ticket(added, said=[SAID, again])) == [("choice", "pickup_urge", again)]


def test_a_reopened_ticket_is_a_candidate_to_look_at_twice() -> None:
    assert sources(ticket(entry(3, "reopened", author="customer"), reopened=1)) == [
        ("reopened", "pickup_urge", SAID)
    ]


def test_a_merged_ticket_has_the_label_of_the_one_it_joined_however_long_the_chain() -> None:
    gone = {"state": "completed", "completed_by": "merge", "category": "false_pickup"}
    first = ticket(entry(2, "completed", "t2"), id="t1", completed_because="t2", **gone)
    second = ticket(entry(2, "completed", "t3"), id="t2", completed_because="t3", **gone)
    last = ticket(id="t3", category="loss_claim")
    by_id = {one.id: one for one in (first, second, last)}
    assert needed(first, by_id) == "loss_claim"
    assert {(s, label) for s, label, _ in sources(first, second, last)} == {
        ("merged", "loss_claim")
    }


def test_tickets_merged_in_a_circle_end_somewhere() -> None:
    gone = {"state": "completed", "completed_by": "merge"}
    one = ticket(id="a", completed_because="b", **gone)
    other = ticket(id="b", completed_because="a", **gone)
    assert needed(one, {"a": one, "b": other}) == "pickup_urge"


def test_a_category_that_no_longer_exists_teaches_nothing() -> None:
    assert sources(ticket(confirmed_by="tap", category="gone")) == []


def test_only_the_customers_own_lines_are_kept() -> None:
    text = f"催取件\n{SAID}\n第二句\n两个都要（催取件、丢失）\n{SAID}"
    assert own_words(text, ["催取件", SAID, "第二句\n别的"], NAMES) == f"{SAID} 第二句"


def test_what_an_agent_wrote_is_not_the_customers() -> None:
    opened = entry(1, "opened", "客户电话里说没来取件", "agent:小林")
    corrected = entry(2, "corrected", "x", "agent:小林")
    assert sources(ticket(corrected, entries=[opened, corrected], opened_by="agent:小林")) == []


def test_phone_waybill_address_and_name_are_masked() -> None:
    text = "王小明，电话13812345678，单号YT88，住朝阳区建国路88号3单元，还没来取"
    found = candidates(
        [
            ticket(
                entries=[entry(1, "opened", text)],
                said=[text],
                confirmed_by="tap",
                private=["YT88", "王小明"],
            )
        ],
        NAMES,
        CATEGORIES,
    )
    for secret in ("13812345678", "YT88", "王小明", "建国路88号", "3单元"):
        assert secret not in found[0].text
    assert "还没来取" in found[0].text


@pytest.mark.parametrize(
    ("text", "private"),
    [
        ("小 明的件没到", "小明"),
        ("单号ab 77-88没动", "AB7788"),
        ("ＡＢ７７８８没动", "AB7788"),
        ("it is for LI, not here", "Li"),
    ],
)
def test_what_the_order_knows_is_masked_however_it_is_written(text: str, private: str) -> None:
    assert "[***]" in masked_words(text, [private])


def test_a_short_name_is_not_looked_for_inside_other_words() -> None:
    assert masked_words("delivery is late", ["Li"]) == "delivery is late"


def test_a_candidate_names_its_line_and_the_time_of_the_deciding_act() -> None:
    corrected = entry(5, "corrected", "x", "agent:小林")
    (found,) = candidates([ticket(corrected)], NAMES, CATEGORIES)
    assert (found.entry, found.at, found.stated) == ("t1:1", corrected.at, "false_pickup")


CONFIRMED = [
    {"confirmed_by": "tap"},
    {"opened_by": "agent:小林"},
    {"state": "closed", "completed_by": "fact"},
    {"state": "completed", "completed_by": "agent", "reopened": 1},
]
OPEN = [{}, {"state": "completed", "completed_by": "fact", "reopened": 1}, {"reopened": 1}]


@pytest.mark.parametrize("values", CONFIRMED)
def test_a_confirmed_ticket_counts_for_how_people_mistick(values: dict[str, Any]) -> None:
    counts = mistick.count([ticket(**values)], CATEGORIES)
    assert counts == {"pickup_urge": {"false_pickup": 1}}


@pytest.mark.parametrize("values", OPEN)
def test_a_ticket_somebody_may_still_object_to_does_not_count(values: dict[str, Any]) -> None:
    assert mistick.count([ticket(**values)], CATEGORIES) == {}


def test_a_ticket_without_a_tick_does_not_count() -> None:
    assert mistick.count([ticket(confirmed_by="tap", stated=None)], CATEGORIES) == {}


def test_counts_add_up_and_right_ticks_count_too() -> None:
    right = ticket(confirmed_by="tap", stated="pickup_urge")
    counts = mistick.count([ticket(confirmed_by="tap"), right, right], CATEGORIES)
    assert counts == {"pickup_urge": {"false_pickup": 1, "pickup_urge": 2}}
    assert mistick.total(counts) == 3
