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


def test_a_refunded_fee_in_an_order_callback_is_noticed():
    fee = {"feeType": "FREIGHT", "payStatus": 3, "amount": 12}
    data = {"status": 15, "kuaidinum": "YT1", "feeDetails": [fee, {**fee, "payStatus": 1}]}
    told = parse("kuaidi100.order", {"data": data, "status": "200"})
    assert told.refunds == ("FREIGHT 12",)


def test_two_refunds_alike_in_one_callback_are_two():
    fee = {"feeType": "FREIGHT", "payStatus": 3, "amount": 12}
    told = parse("kuaidi100.order", {"status": 15, "feeDetails": [fee, fee]})
    assert told.refunds == ("FREIGHT 12", "FREIGHT 12 no. 2")


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
