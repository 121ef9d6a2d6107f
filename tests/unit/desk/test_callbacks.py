"""Reading and checking carriers' callbacks."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.signatures import (
    hmac_sign,
    hmac_sign_matches,
    kuaidi100_sign,
    kuaidi100_sign_matches,
)
from desk.rules.sources import parse


def test_the_signature_is_the_upper_case_md5_of_param_and_salt():
    param, salt = '{"status":"200"}', "s4lt"
    assert kuaidi100_sign(param, salt) == hashlib.md5(b'{"status":"200"}s4lt').hexdigest().upper()


@given(st.text(max_size=200), st.text(max_size=20))
def test_a_signature_matches_in_either_case_and_never_for_another_text(param, salt):
    sign = kuaidi100_sign(param, salt)
    assert kuaidi100_sign_matches(param, sign.lower(), salt)
    assert kuaidi100_sign_matches(param, f" {sign} ", salt)
    assert not kuaidi100_sign_matches(param + "x", sign, salt)
    assert not kuaidi100_sign_matches(param, "", salt)


def test_a_signature_that_is_not_ascii_is_just_wrong():
    assert not kuaidi100_sign_matches("{}", "签名", "s")


def test_facts_are_signed_over_the_raw_body():
    assert hmac_sign_matches(b"{}", "sha256=" + hmac_sign(b"{}", "k"), "k")
    assert not hmac_sign_matches(b"{ }", hmac_sign(b"{}", "k"), "k")


def test_a_merchant_order_callback_carries_its_status_in_data():
    told = parse(
        "kuaidi100.order",
        {
            "kuaidicom": "yuantong",
            "kuaidinum": "YT1",
            "status": "200",
            "data": {"orderId": "77", "status": 10},
        },
    )
    assert (told.waybill, told.numbers) == ("YT1", ("77",))
    assert told.lines == [("order", "10", None)]


def test_a_consumer_order_callback_carries_its_status_at_the_top():
    told = parse("kuaidi100.order", {"kuaidinum": "YT1", "orderId": "77", "status": "10"})
    assert told.lines == [("order", "10", None)]


def freight(amount: object, status: object, kind: str = "FREIGHT") -> dict[str, object]:
    return {"feeType": kind, "amount": amount, "payStatus": status}


@pytest.mark.parametrize(
    ("fees", "name", "what"),
    [
        ([freight(12, 3)], "confirmed", "FREIGHT 12"),
        ([freight("12.00", "3")], "confirmed", "FREIGHT 12"),
        ([freight(12, 3), freight(12, 1)], "confirmed", "FREIGHT 12"),
        ([freight(12, 3), freight(12, 3)], "confirmed", "FREIGHT 12 + FREIGHT 12"),
        ([freight(30, 3), freight(2, 3, "PACKING")], "confirmed", "FREIGHT 30 + PACKING 2"),
        ([freight(12, 3), freight(9, 0), freight(9, 2)], "confirmed", "FREIGHT 12"),
        ([freight(12, 3), freight(12, 1), freight(12, 1)], "partial", "partly FREIGHT 12"),
        ([freight(5, 3), freight(12, 1)], "partial", "partly FREIGHT 5"),
        ([freight(2, 3, "PACKING"), freight(30, 1)], "partial", "partly PACKING 2"),
        ([freight(None, 3)], "partial", "partly FREIGHT ?"),
        ([freight("NaN", 3)], "partial", "partly FREIGHT ?"),
    ],
)
def test_money_that_came_back_is_whole_or_in_part(fees, name, what):
    told = parse("kuaidi100.order", {"data": {"status": 15, "feeDetails": fees}, "status": "200"})
    back = [one for one in told.money if one[0] != "fee.settled"]
    assert back == [(f"refund.{name}", what, None)]


@pytest.mark.parametrize(
    "fees",
    [[], [freight(12, -1)], [freight(0, 3)], [freight(0, 1)], ["x", None], [freight(12, 7)]],
)
def test_what_is_neither_refunded_nor_paid_is_no_news_of_money(fees):
    assert parse("kuaidi100.order", {"status": 15, "feeDetails": fees}).money == ()


def test_what_is_paid_is_told_too_because_a_later_callback_may_list_only_what_came_back():
    fees = [freight(12, 1), freight(3, 1, "PACKING"), freight(2, 0, "TIP")]
    told = parse("kuaidi100.order", {"status": 15, "feeDetails": fees})
    assert told.money == (("fee.settled", "paid FREIGHT 12 + PACKING 3", None),)


@pytest.mark.parametrize(("weight", "told"), [("2.0", "2.0"), (2, "2"), ("", None), (None, None)])
def test_a_weight_is_told_as_it_is_given(weight, told):
    assert parse("kuaidi100.order", {"status": 155, "weight": weight}).weight == told


@pytest.mark.parametrize("amount", ["1e999999999", "-1e-999999999", "12345678901234"])
def test_an_amount_of_absurd_length_is_no_amount_and_takes_no_memory(amount):
    fees = [{"feeType": "FREIGHT", "amount": amount, "payStatus": 3}]
    ((fact, what, _),) = parse("kuaidi100.order", {"status": 15, "feeDetails": fees}).money
    assert fact == "refund.partial"
    assert what.endswith("FREIGHT ?")


def test_a_refund_has_the_callbacks_time():
    body = {"status": 15, "updateTime": "2026-11-23 12:00:00", "feeDetails": [freight(12, 3)]}
    ((_, _, when),) = parse("kuaidi100.order", body).money
    assert when == datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def test_how_the_subscription_does_is_told_beside_the_parcels_lines():
    last = {"nu": "YT1", "data": [{"ftime": None, "statusCode": "103"}]}
    told = parse("kuaidi100.track", {"status": "abort", "lastResult": last})
    assert told.lines == [("track", "103", None), ("push", "abort", None)]


def test_a_parcel_abroad_is_told_of_by_the_carrier_there_too():
    here = {"nu": "YT1", "data": [{"ftime": None, "statusCode": "8"}]}
    there = {"nu": "US1", "data": [{"ftime": None, "statusCode": "301"}]}
    told = parse("kuaidi100.track", {"lastResult": here, "destResult": there})
    assert (told.waybill, told.lines) == ("YT1", [("track", "8", None), ("track", "301", None)])


def test_zero_as_a_number_is_a_code():
    line = {"ftime": None, "statusCode": 0}
    told = parse("kuaidi100.track", {"lastResult": {"nu": "YT1", "data": [line]}})
    assert told.lines == [("track", "0", None)]


def test_both_order_numbers_are_read():
    told = parse("kuaidi100.order", {"data": {"status": 1, "orderId": "77", "thirdOrderId": "o-1"}})
    assert told.numbers == ("o-1", "77")


@pytest.mark.parametrize("when", ["0001-01-01 00:00:00", "not a date", "0000-00-00 00:00:00"])
def test_a_date_that_is_none_is_no_date(when):
    last = {"nu": "YT1", "data": [{"ftime": when, "statusCode": "103"}]}
    assert parse("kuaidi100.track", {"lastResult": last}).lines == [("track", "103", None)]


def test_a_fact_of_the_year_one_is_refused_with_the_place():
    line = {"fact": "parcel.collected", "occurred_at": "0001-01-01T00:00:00+08:00"}
    with pytest.raises(ValueError, match="occurred_at"):
        parse("facts", {"order_id": "1", "facts": [line]})


def test_identifiers_lose_what_a_database_cannot_store():
    told = parse("kuaidi100.order", {"status": 10, "kuaidinum": "Y\0T\ud8001", "orderId": "\0"})
    assert told.identifiers == ["YT1"]


def test_a_tracking_push_is_read_oldest_first_with_the_carriers_time():
    told = parse(
        "kuaidi100.track",
        {
            "lastResult": {
                "nu": "YT1",
                "state": "0",
                "data": [
                    {"ftime": "2026-11-23 12:00:00", "statusCode": "1002"},
                    {"ftime": "2026-11-23 09:00:00", "statusCode": "103"},
                ],
            }
        },
    )
    assert [code for _, code, _ in told.lines] == ["103", "1002"]
    assert told.lines[0][2] == datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize("data", [{}, {"data": {}}, {"data": []}, {"kuaidinum": "YT1"}])
def test_an_order_callback_without_a_status_says_what_is_missing(data):
    with pytest.raises(ValueError, match="expected a status"):
        parse("kuaidi100.order", data)


def test_facts_with_a_time_without_zone_are_refused():
    with pytest.raises(ValueError, match="zone"):
        parse("facts", {"facts": [{"fact": "x", "occurred_at": "2026-11-23T10:00:00"}]})
