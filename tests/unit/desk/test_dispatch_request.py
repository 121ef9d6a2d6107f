"""Which way a ticket goes, what is said in it, and how answers are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from desk.rules.dispatch_request import (
    Parcel,
    TicketType,
    TicketTypes,
    Ways,
    addition,
    make_plan,
    plain,
    read_ticket_types,
)
from desk.rules.kuaidi100_tickets import Said, read_replies, read_said
from desk.rules.ticket import Ticket

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
TICKET = Ticket("t1", "o1", "c1", "weight_dispute", "只有两公斤", NOW, NOW + timedelta(hours=48))
TYPES = TicketTypes({"weight_dispute": TicketType(4, ("telWeight",))}, frozenset({"yuantong"}))
BOTH = Ways(kuaidi100=True, webhook=True)


def parcel(**more) -> Parcel:
    base = Parcel("o1", "yuantong", "YT1", "K1", "delivered", {"weight_kg": 2.0, "phone": "1380"})
    return replace(base, **more)


def plan(ways=BOTH, ticket=TICKET, held=None, **more):
    return make_plan(ticket, "重量不符", held or parcel(), ways, TYPES, round_=1, **more)


def test_a_ticket_that_kuaidi100_takes_goes_there_with_what_its_type_needs():
    made = plan()
    assert made.via == "kuaidi100"
    assert made.request["fields"] == {"secondType": 4, "kuaidinum": "YT1", "telWeight": "2"}
    assert made.request["content"] == "重量不符：只有两公斤"
    assert made.request["missing"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"ticket": replace(TICKET, category="courier_complaint")},
        {"held": parcel(carrier="shunfeng")},
        {"held": parcel(carrier_order_id=None)},
        {"held": parcel(details={"weight_kg": 2, "platform": "another"})},
        {"ways": Ways(webhook=True)},
    ],
)
def test_what_kuaidi100_does_not_take_goes_to_the_merchants_system(changed):
    assert plan(**changed).via == "webhook"


def test_nobody_there_to_take_it_is_no_plan():
    assert plan(Ways()) is None
    assert plan(Ways(kuaidi100=True), held=parcel(carrier="shunfeng")) is None


@pytest.mark.parametrize(
    "held",
    [
        parcel(carrier_order_id=None, told_by_kuaidi100=True),
        parcel(carrier_order_id=None, details={"weight_kg": 2, "platform": "kuaidi100"}),
    ],
)
def test_an_order_is_kuaidi100s_when_it_or_the_merchant_says_so(held):
    assert plan(held=held).via == "kuaidi100"


@pytest.mark.parametrize("weight", [None, "", "two", 0, -1, float("nan"), float("inf"), 123456.78])
def test_a_missing_weight_is_named_and_never_guessed(weight):
    made = plan(held=parcel(details={"weight_kg": weight}))
    assert made.request["missing"] == ["details.weight_kg"]


@pytest.mark.parametrize(("weight", "sent"), [(2.5, "2.5"), ("2.50", "2.5"), (12.345, "12.35")])
def test_a_weight_is_sent_in_five_characters_at_most(weight, sent):
    assert plan(held=parcel(details={"weight_kg": weight})).request["fields"]["telWeight"] == sent


def test_a_parcel_without_a_waybill_waits_for_a_person():
    assert plan(held=parcel(waybill=None)).request["missing"] == ["waybill"]


def test_only_what_is_needed_leaves_the_house():
    sent = str(plan().request) + str(plan(Ways(webhook=True)).request)
    assert "1380" not in sent
    assert "customer" not in sent


def test_a_later_round_refers_to_the_earlier_one():
    again = plan(earlier={"remote_id": "1001", "category": "weight_dispute"}, added=["还没回复"])
    assert again.request["content"].splitlines() == [
        "此前就同一运单提交过工单 1001，客户反馈仍未解决。",
        "重量不符：只有两公斤",
        "客户补充：还没回复",
    ]
    corrected = plan(earlier={"remote_id": None, "category": "charge_dispute"})
    assert corrected.request["content"].startswith("更正：此前就同一运单提交的工单类型有误")


def test_two_equal_additions_can_be_told_apart_where_they_are_listed():
    first, second = (addition("kuaidi100", "快点", n, "d1", "t1")["content"] for n in (1, 2))
    assert first != second


def test_text_goes_out_plain_and_short():
    assert plain("a\0b\x1b[31m\nc\ud800", 50) == "ab[31m\nc"
    assert plain("很" * 600, 500) == "很" * 499 + "…"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"tickets": ["weight"]}, "tickets: expected a mapping"),
        ({"tickets": {"nonsense": {"secondType": 4}}}, "nonsense: expected one of weight_dispute"),
        ({"tickets": {"weight_dispute": 4}}, "weight_dispute: expected secondType and needs"),
        ({"tickets": {"weight_dispute": {}}}, "secondType: expected a number, got None"),
        ({"tickets": {"weight_dispute": {"secondType": True}}}, "expected a number, got True"),
        (
            {"tickets": {"weight_dispute": {"secondType": 4, "needs": ["weight"]}}},
            "needs: expected some of telWeight, modityValue",
        ),
        ({"ticket_carriers": "yuantong"}, "ticket_carriers: expected a list"),
    ],
)
def test_a_mistake_in_the_mapping_is_named(data, why):
    with pytest.raises(ValueError, match=why):
        read_ticket_types(data, ["weight_dispute"])


def test_a_category_without_a_row_is_not_sent_there():
    assert read_ticket_types({}, ["weight_dispute"]) == TicketTypes()


# --- reading --------------------------------------------------------------------------------------


def test_the_answer_to_create_is_read_for_its_number():
    answer = {"code": 200, "data": {"id": 1056, "status": 0}, "message": "success", "time": 1}
    assert read_said(answer) == Said("1056", "0", ())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"consultId": "9", "status": 2, "result": "已核实"}, Said("9", "2", ("已核实",), True)),
        (
            {
                "code": 200,
                "message": "操作成功！",
                "data": {"id": 9, "content": "a", "result": "b"},
            },
            Said("9", None, ("b",), True),
        ),
        ({"code": 200, "message": "操作成功！", "data": {"id": 9}}, Said("9")),
        ({"data": {"consultId": 9, "content": "在查"}}, Said("9", None, ("在查",))),
        # the message has a number of its own
        (
            {"consultId": "1001", "data": {"id": 7, "content": "在查"}},
            Said("1001", None, ("在查",)),
        ),
        ({"code": 200, "message": "成功"}, Said()),
        ({"message": "请补充照片"}, Said(None, None, ("请补充照片",))),
        ({"id": True, "content": ["x"], "status": None}, Said()),
        ({}, Said()),
    ],
)
def test_callbacks_are_read_by_names_and_never_guessed(body, said):
    assert read_said(body) == said


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 200, "data": [{"content": "一"}, {"content": "二"}]},
        {"code": 200, "data": {"list": [{"replyContent": "一"}, {"content": "二"}]}},
        {"data": {"records": [{"content": "一"}, "noise", {"x": 1}, {"content": "二"}]}},
    ],
)
def test_messages_are_read_in_their_order(answer):
    assert read_replies(answer) == ["一", "二"]


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {"list": {}}}, {"data": "x"}])
def test_an_answer_without_messages_has_none(answer):
    assert read_replies(answer) == []
