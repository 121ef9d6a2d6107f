"""Our own calls to Kuaidi100: their signatures, and what each answer means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from desk.edges.kuaidi100 import RETRY_AFTER_S
from desk.edges.worker import STUCK_AFTER_S
from desk.flow import reconcile, subscribing
from desk.rules.carrier_api import (
    CarrierFailed,
    CarrierLimit,
    CarrierRefused,
    CarrierUnknown,
    CarrierUnreachable,
)
from desk.rules.dispatch import CALL_LOST_AFTER
from desk.rules.kuaidi100_answers import is_health, read_answer, trouble_of
from desk.rules.signatures import kuaidi100_customer_sign, kuaidi100_secret_sign, kuaidi100_sign
from desk.settings import Settings

NOW = datetime(2026, 11, 11, 9, 0, tzinfo=UTC)


# --- signatures: the values are those of the command md5sum, in upper case -----------------------


def test_a_query_is_signed_over_param_key_and_customer():
    param = '{"com":"yuantong","num":"YT1"}'
    assert kuaidi100_customer_sign(param, "key", "customer") == "734571E4417F05DBEBA0B3A362C629E0"


def test_orders_and_tickets_are_signed_over_param_time_key_and_secret():
    sign = kuaidi100_secret_sign('{"taskId":"T1"}', "1700000000000", "key", "secret")
    assert sign == "0CC105A486E1381ABEBA045045B4986A"


def test_a_push_is_signed_over_its_characters_as_utf_8():
    assert kuaidi100_sign("ä中", "salt") == "38F07FD562F88B8C9EFEAC1000E96408"


# --- what an answer means -------------------------------------------------------------------------


def answered(service: str, body: object, status: int = 200) -> object:
    """The answer, or the failure it means."""
    text = body if isinstance(body, str) else json.dumps(body)
    try:
        return read_answer(service, status, text, NOW)  # type: ignore[arg-type]
    except CarrierFailed as failure:
        return failure


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("query", {"message": "ok", "status": "200", "nu": "YT1", "data": []}),
        ("subscribe", {"result": True, "returnCode": "200", "message": "提交成功"}),
        ("subscribe", {"result": False, "returnCode": "501", "message": "重复订阅"}),
        ("order", {"result": True, "returnCode": "200", "data": {"status": 1}}),
        ("workorder", {"code": 200, "data": {"id": 7}, "success": True}),
    ],
)
def test_a_yes_is_handed_on(service, body):
    assert answered(service, body) == body


CODES = [
    ("query", "400", CarrierRefused),
    ("query", "408", CarrierRefused),
    ("query", "500", CarrierRefused),
    ("query", "501", CarrierUnknown),
    ("query", "502", CarrierLimit),
    ("query", "503", CarrierRefused),
    ("query", "504", CarrierLimit),
    ("query", "601", CarrierLimit),
    ("subscribe", "500", CarrierUnknown),
    ("subscribe", "600", CarrierRefused),
    ("subscribe", "601", CarrierLimit),
    ("subscribe", "700", CarrierRefused),
    ("subscribe", "701", CarrierRefused),
    ("subscribe", "702", CarrierRefused),
    ("order", "400", CarrierRefused),
    ("order", "500", CarrierUnknown),
    ("order", "501", CarrierRefused),
    ("order", "503", CarrierRefused),
    ("order", "600", CarrierRefused),
    ("order", "601", CarrierLimit),
    ("order", "700", CarrierRefused),
    ("workorder", "500", CarrierUnknown),
    ("workorder", "501", CarrierUnknown),
    ("workorder", "502", CarrierUnknown),
    ("workorder", "503", CarrierRefused),
    ("workorder", "504", CarrierLimit),
    ("workorder", "99999", CarrierRefused),
]


@pytest.mark.parametrize(("service", "code", "failure"), CODES)
def test_every_documented_code_is_one_of_the_four_failures(service, code, failure):
    key, value = ("code", int(code)) if service == "workorder" else ("returnCode", code)
    found = answered(service, {"result": False, key: value, "message": "不行"})
    assert type(found) is failure


@pytest.mark.parametrize(
    ("body", "status", "failure"),
    [
        ("<html>系统维护中</html>", 200, CarrierUnknown),
        ("", 200, CarrierUnknown),
        ([1], 200, CarrierUnknown),
        ({"hello": 1}, 200, CarrierUnknown),
        ("[" * 100_000, 200, CarrierUnknown),
        ("", 500, CarrierUnknown),
        ("", 504, CarrierUnknown),
        ("", 429, CarrierLimit),
        ("", 302, CarrierRefused),
        ("", 404, CarrierRefused),
        ({"result": False, "message": "没有编码"}, 200, CarrierRefused),
    ],
)
def test_what_is_no_answer_may_still_have_been_received(body, status, failure):
    assert type(answered("query", body, status)) is failure


def test_a_refusal_has_the_carriers_words_without_numbers():
    found = answered("query", {"returnCode": "400", "message": "手机 13812345678 有误"})
    assert isinstance(found, CarrierRefused)
    assert (found.code, found.message) == ("400", "手机 … 有误")
    assert str(found) == "400 手机 … 有误"


# --- leaving a service alone ----------------------------------------------------------------------


def test_a_clear_no_to_one_request_is_a_sign_of_health():
    assert is_health(CarrierRefused("500", "no result"))
    assert not is_health(CarrierRefused("503", "wrong signature"))
    assert not is_health(CarrierUnknown("HTTP 500"))


def test_two_failures_in_a_row_are_borne_and_the_pauses_after_them_grow():
    pauses = [trouble_of(CarrierUnreachable(""), failures, NOW) for failures in range(1, 12)]
    assert pauses[:2] == [None, None]
    assert [t.pause_s for t in pauses[2:] if t] == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_a_wrong_key_closes_the_service_at_once_and_people_are_told():
    trouble = trouble_of(CarrierRefused("600", ""), 1, NOW)
    assert trouble is not None
    assert (trouble.pause_s, trouble.account) == (900, True)


def test_one_wrong_signature_is_borne_two_in_a_row_are_due_to_the_secret():
    assert trouble_of(CarrierRefused("503", ""), 1, NOW) is None
    trouble = trouble_of(CarrierRefused("503", ""), 2, NOW)
    assert trouble is not None
    assert (trouble.pause_s, trouble.account) == (900, True)


def test_a_spent_quota_closes_the_service_at_once_and_people_are_told():
    trouble = trouble_of(CarrierLimit(NOW + timedelta(seconds=900), "601"), 1, NOW)
    assert trouble is not None
    assert (trouble.pause_s, trouble.account) == (900, True)


def test_asked_too_often_is_a_pause_that_grows_when_it_is_said_again():
    failures = [1, 3, 6, 20]
    limit = CarrierLimit(NOW + timedelta(seconds=30), "504")
    troubles = [trouble_of(limit, count, NOW) for count in failures]
    assert [t.pause_s for t in troubles if t] == [30, 40, 320, 600]
    assert not any(t.account for t in troubles if t)


# --- settings -------------------------------------------------------------------------------------


def test_a_stand_in_serves_tickets_at_the_same_address_and_kuaidi100_at_another():
    assert Settings().kuaidi100_tickets == "https://api.kuaidi100.com"
    assert Settings(kuaidi100_base_url="http://x:1/").kuaidi100_tickets == "http://x:1"
    assert Settings(kuaidi100_ticket_url="http://y/").kuaidi100_tickets == "http://y"


def test_part_of_an_account_is_no_account():
    assert not Settings(kuaidi100_key="k", kuaidi100_customer="c").asks_kuaidi100
    whole = Settings(kuaidi100_key="k", kuaidi100_customer="c", kuaidi100_secret="s")
    assert whole.asks_kuaidi100


@pytest.mark.parametrize("timeout_s", [0, 15.1, 60])
def test_an_answer_is_not_waited_for_so_long_that_its_job_counts_as_lost(timeout_s):
    with pytest.raises(ValidationError, match="kuaidi100_timeout_s"):
        Settings(kuaidi100_timeout_s=timeout_s)


def test_the_longest_wait_that_is_allowed_leaves_time_for_a_second_try():
    longest = Settings(kuaidi100_timeout_s=15).kuaidi100_timeout_s
    both = 2 * longest + RETRY_AFTER_S
    assert reconcile.RUN_FOR_S + both < STUCK_AFTER_S
    assert both < CALL_LOST_AFTER.total_seconds()
    assert subscribing.END_S < STUCK_AFTER_S
