"""News that does not come: whom to ask, what of the answer is kept, and when to ask again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from desk.flow.subscribing import may_concern
from desk.rules.carrier_api import (
    CarrierLimit,
    CarrierRefused,
    CarrierUnknown,
    CarrierUnreachable,
)
from desk.rules.missing_news import (
    ENDED,
    ON_ITS_WAY,
    news_of_detail,
    news_of_query,
    question_about,
    shipment_of,
    wants_subscription,
    when_again,
)
from desk.rules.sources import parse

NOW = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


@dataclass
class Order:
    id: str = "o-1"
    carrier: str = "yuantong"
    waybill: str | None = "YT1"
    carrier_order_id: str | None = None
    state: str = "accepted"
    details: dict[str, Any] = field(default_factory=dict)


# --- whom to ask ----------------------------------------------------------------------------------


def test_an_order_is_asked_about_by_its_waybill():
    question = question_about(Order())
    assert question is not None
    assert (question.kind, question.subject) == ("query", "YT1")


def test_an_order_placed_through_the_platform_is_asked_about_by_its_task_until_it_moves():
    placed = {"task_id": "T1"}
    before = question_about(Order(details=placed))
    after = question_about(Order(details=placed, state="collected"))
    without_waybill = question_about(Order(details=placed, state="collected", waybill=None))
    assert [(q.kind, q.subject) for q in (before, after, without_waybill) if q] == [
        ("detail", "T1"),
        ("query", "YT1"),
        ("detail", "T1"),
    ]


@pytest.mark.parametrize(
    "order",
    [Order(waybill=None), Order(waybill="1" * 33), Order(carrier="圆通"), Order(carrier="")],
)
def test_what_the_platform_cannot_know_is_not_asked_about(order):
    assert question_about(order) is None
    assert not wants_subscription(order)


def test_of_a_phone_the_last_four_digits_go_out():
    shipment = shipment_of(Order(details={"phone": "+86 138-1234-5678"}))
    assert shipment is not None
    assert shipment.phone == "5678"
    assert shipment_of(Order(details={"phone": "12"})).phone is None  # type: ignore[union-attr]


def test_a_corrected_carrier_is_used():
    assert shipment_of(Order(), "jtexpress").company == "jtexpress"  # type: ignore[union-attr]


def test_pushes_are_wanted_for_running_orders_that_bring_no_callbacks_of_their_own():
    assert wants_subscription(Order())
    assert not wants_subscription(Order(carrier_order_id="K1"))
    assert not wants_subscription(Order(details={"task_id": "T1"}))
    assert not any(wants_subscription(Order(state=state)) for state in ENDED)
    assert set(ENDED) - set(ON_ITS_WAY) == {"cancelled"}


@pytest.mark.parametrize(
    ("param", "concerns"),
    [
        ('{"status":"polling","comNew":"","lastResult":{}}', False),
        ('{"status": "abort", "comNew": ""}', True),
        ('{"status":"polling","comNew": "jtexpress"}', True),
        ('{"status":"shutdown"}', False),
    ],
)
def test_a_push_that_ends_or_corrects_a_subscription_is_seen(param, concerns):
    assert may_concern(param) is concerns


# --- what is kept ---------------------------------------------------------------------------------


def test_of_a_record_nothing_personal_is_kept():
    answer = {
        "nu": "YT1",
        "com": "yuantong",
        "state": "5",
        "status": "200",
        "courierInfo": {"deliveryManPhone": "13800000000"},
        "data": [
            {
                "ftime": "2026-11-11 10:00:00",
                "time": "2026-11-11 10:00:00",
                "context": "派件员张三 13800000000 正在派件",
                "areaName": "科技南十二路",
                "statusCode": "5",
            }
        ],
    }
    kept = news_of_query(answer)
    assert "13800000000" not in str(kept)
    told = parse("kuaidi100.query", kept)
    assert told.identifiers == ["YT1"]
    assert [(source, code) for source, code, _ in told.lines] == [("track", "5")]


def test_where_lines_have_no_codes_the_state_is_that_of_the_newest_line():
    lines = [{"ftime": f"2026-11-11 {hour}:00:00"} for hour in ("12", "10")]
    told = parse("kuaidi100.query", news_of_query({"nu": "YT1", "state": "3", "data": lines}))
    noon = datetime(2026, 11, 11, 4, tzinfo=UTC)
    assert told.lines == [("track", "3", noon)]


def test_a_state_without_any_line_is_no_evidence():
    told = parse("kuaidi100.query", news_of_query({"nu": "YT1", "state": "0", "data": []}))
    assert told.lines == []


def test_of_an_orders_detail_nothing_personal_is_kept():
    fee = {"feeType": "FREIGHT", "amount": 12, "payStatus": 3}
    data = {
        "taskId": "T1",
        "orderId": "K1",
        "kuaidiNum": "YT1",
        "sendName": "张三",
        "sendMobile": "13800000001",
        "recAddr": "科技南十二路 2 号",
        "courierMobile": "13800000000",
        "status": 10,
        "feeDetails": [fee],
    }
    kept = news_of_detail({"data": data}, "o-1")
    assert not any(word in str(kept) for word in ("张三", "1380000", "科技南"))
    told = parse("kuaidi100.detail", kept)
    assert told.identifiers == ["YT1", "o-1", "K1"]
    assert told.lines == [("order", "10", None)]
    assert len(told.money) == 1


# --- when again -----------------------------------------------------------------------------------


def pauses(failure, *failures: int) -> list[timedelta]:
    return [when_again(failure, count, NOW, HALF_AN_HOUR) - NOW for count in failures]


def test_an_answered_number_rests_for_half_an_hour():
    assert pauses(None, 0) == [HALF_AN_HOUR]


def test_a_number_that_was_perhaps_asked_about_rests_ever_longer_up_to_a_day():
    for failure in (
        CarrierUnknown(""),
        CarrierRefused("500", ""),
        CarrierLimit(NOW, "", sent=True),
    ):
        assert pauses(failure, 1, 2, 3, 50) == [
            HALF_AN_HOUR,
            2 * HALF_AN_HOUR,
            4 * HALF_AN_HOUR,
            timedelta(days=1),
        ]


def test_a_number_nobody_was_reached_about_is_soon_asked_about_again():
    minute = timedelta(minutes=1)
    assert pauses(CarrierUnreachable(""), 1, 2, 3, 50) == [
        minute,
        2 * minute,
        4 * minute,
        HALF_AN_HOUR,
    ]


def test_our_own_limit_costs_a_number_nothing():
    soon = NOW + timedelta(seconds=1)
    assert when_again(CarrierLimit(soon, ""), 9, NOW, HALF_AN_HOUR) == soon
