"""The client of Kuaidi100's API against the stand-in, over real HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from desk.edges.kuaidi100 import Account, Kuaidi100
from desk.edges.outside import open_outside
from desk.rules.carrier_api import (
    CarrierFailed,
    CarrierLimit,
    CarrierRefused,
    CarrierUnknown,
    CarrierUnreachable,
    Shipment,
)
from desk.settings import Settings
from standins.kuaidi100 import signing
from standins.kuaidi100.faults import Fault
from standins.kuaidi100.parcels import Line
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.server import serving

ACCOUNT = Account("key", "customer", "secret")
#: How long an answer is waited for: long enough for a busy machine.
TIMEOUT_S = 4.0
YT1 = Shipment("yuantong", "YT1234567890")


class Gate:
    """Lets everything through and notes what it was told."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.told: list[tuple[str, str | None]] = []

    async def enter(self, service: str) -> int:
        self.entered.append(service)
        return 0

    async def leave(
        self, service: str, failures: int, failure: CarrierFailed | None = None
    ) -> None:
        self.told.append((service, type(failure).__name__ if failure else None))


@pytest.fixture(name="platform")
def _platform() -> Platform:
    platform = Platform(signing.Account("key", "customer", "secret"))
    platform.parcels.put(
        "YT1234567890",
        task_id="T1",
        order_number="K1",
        status=10,
        lines=[Line("2026-11-11 09:00:00", "102"), Line("2026-11-11 10:00:00", "103", "已揽收")],
    )
    return platform


@pytest.fixture(name="gate")
def _gate() -> Gate:
    return Gate()


@pytest.fixture(name="client")
async def _client(platform: Platform, gate: Gate) -> AsyncIterator[Kuaidi100]:
    async with serving(platform) as address:
        client = Kuaidi100(ACCOUNT, address, address, TIMEOUT_S, gate)  # type: ignore[arg-type]
        await client.open()
        yield client
        await client.close()


def fault(platform: Platform, path: str, kind: str, seconds: float = 0.0, times: int = 1) -> None:
    platform.faults.add(path, Fault(kind, seconds), times)


# --- good answers ---------------------------------------------------------------------------------


async def test_a_query_brings_the_record_newest_first(client, platform, gate):
    answer = await client.query(YT1)
    assert [line["statusCode"] for line in answer["data"]] == ["103", "102"]
    assert gate.told == [("query", None)]
    assert platform.violations == []


async def test_an_order_is_asked_about_by_its_task(client, platform):
    answer = await client.detail("T1")
    assert answer["data"]["status"] == 10
    assert platform.violations == []


async def test_a_subscription_is_registered_with_its_address_and_salt(client, platform):
    await client.subscribe(replace(YT1, phone="13800001234"), "http://desk/hooks", "pepper")
    parcel = platform.parcels.get("YT1234567890")
    assert (parcel.track_url, parcel.track_salt, parcel.watched) == (
        "http://desk/hooks",
        "pepper",
        True,
    )


async def test_subscribing_twice_is_a_yes(client, platform, gate):
    for _ in range(2):
        await client.subscribe(YT1, "http://desk/hooks", "pepper")
    assert platform.calls["/poll"] == 2
    assert gate.told == [("subscribe", None)] * 2


async def test_chinese_text_is_signed_as_it_is_sent(client, platform):
    with pytest.raises(CarrierRefused, match="500"):
        await client.query(Shipment("圆通", "单号一"))
    assert platform.violations == []


async def test_a_carrier_that_wants_a_phone_gets_it(client, platform):
    platform.parcels.put(
        "SF1", company="shunfeng", phone="13800001234", lines=[Line("2026-11-11 09:00:00", "103")]
    )
    platform.same_number_s = 0
    with pytest.raises(CarrierRefused, match="408"):
        await client.query(Shipment("shunfeng", "SF1"))
    assert (await client.query(Shipment("shunfeng", "SF1", "1234")))["nu"] == "SF1"


# --- failures -------------------------------------------------------------------------------------


async def test_a_wrong_secret_is_refused_by_name(platform, gate):
    async with serving(platform) as address:
        wrong = replace(ACCOUNT, secret="other", customer="other")
        client = Kuaidi100(wrong, address, address, TIMEOUT_S, gate)
        await client.open()
        for call in (client.query(YT1), client.detail("T1")):
            with pytest.raises(CarrierRefused) as refused:
                await call
            assert refused.value.code == "503"
        await client.close()


async def test_nobody_listening_is_certainly_not_received_and_is_tried_twice(gate):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        client = Kuaidi100(ACCOUNT, address, address, TIMEOUT_S, gate)
        await client.open()
        with pytest.raises(CarrierUnreachable):
            await client.call("workorder", "/workorder/api/create", {})
        await client.close()
    assert gate.entered == ["workorder", "workorder"]


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        ("hang", CarrierUnknown),
        ("close", CarrierUnknown),
        ("error", CarrierUnknown),
        ("error_after", CarrierUnknown),
        ("not_json", CarrierUnknown),
        ("wrong", CarrierUnknown),
        ("huge", CarrierUnknown),
        ("busy", CarrierLimit),
        ("limit", CarrierLimit),
        ("expired", CarrierLimit),
    ],
)
async def test_a_query_that_may_have_been_received_is_not_sent_again(
    client, platform, gate, kind, failure
):
    fault(platform, "/poll/query.do", kind, seconds=30.0 if kind == "hang" else 0.0)
    with pytest.raises(failure):
        await client.query(YT1)
    assert platform.calls["/poll/query.do"] == 1
    assert gate.told == [("query", failure.__name__)]


async def test_a_slow_answer_in_time_is_an_answer(client, platform):
    fault(platform, "/poll/query.do", "slow", 0.2)
    assert (await client.query(YT1))["nu"] == "YT1234567890"


async def test_a_slow_answer_that_comes_too_late_is_unknown(client, platform):
    fault(platform, "/poll/query.do", "slow", 30.0)
    with pytest.raises(CarrierUnknown):
        await client.query(YT1)


@pytest.mark.parametrize("kind", ["error", "error_after", "close", "not_json"])
async def test_reading_an_order_again_does_no_harm_so_it_is_tried_twice(client, platform, kind):
    fault(platform, "/order/borderapi.do", kind)
    assert (await client.detail("T1"))["data"]["status"] == 10
    assert platform.calls["/order/borderapi.do"] == 2


async def test_the_record_of_another_number_is_not_believed(client, platform):
    platform.parcels.get("YT1234567890").waybill = "YT9"
    with pytest.raises(CarrierUnknown, match="not about the number"):
        await client.query(YT1)


async def test_another_order_is_not_believed(client, platform, monkeypatch):
    parcel = platform.parcels.get("YT1234567890")
    parcel.task_id = "T2"
    monkeypatch.setattr(platform.parcels, "by_task", lambda task_id: parcel)
    with pytest.raises(CarrierUnknown, match="not about the order"):
        await client.detail("T1")


async def test_the_platforms_own_limit_is_met_as_a_limit(client, platform):
    await client.query(YT1)
    with pytest.raises(CarrierLimit, match="504"):
        await client.query(YT1)


# --- what is written down -------------------------------------------------------------------------


async def test_neither_numbers_nor_phones_nor_keys_are_logged(client, platform):
    shipment = Shipment("shunfeng", "SF1234567890123", "13812345678")
    calls: list[Any] = [client.query, lambda s: client.subscribe(s, "http://desk", "pepper")]
    with capture_logs() as logs:
        for kind in ("error", "not_json", "wrong", "close"):
            for path, call in zip(("/poll/query.do", "/poll"), calls, strict=True):
                fault(platform, path, kind, times=2)
                with pytest.raises(CarrierUnknown) as failure:
                    await call(shipment)
                logs.append({"event": "raised", "log_level": "", "text": str(failure.value)})
    assert len(logs) == 16
    for secret in ("SF1234567890123", "13812345678", "pepper", "customer", '"key"'):
        assert secret not in json.dumps(logs, default=str)


async def test_without_an_account_there_is_no_client(desk, tmp_path):
    outside = await open_outside(Settings(data_dir=tmp_path, kuaidi100_key="key"), desk.db)
    assert outside.kuaidi100 is None
    await outside.close()
