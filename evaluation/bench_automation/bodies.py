"""Callbacks as Kuaidi100 sends them, for made-up orders: order statuses and tracking pushes."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from desk.rules.signatures import kuaidi100_sign

ZONE = ZoneInfo("Asia/Shanghai")
#: What happens to a parcel, one after the other: order status, track code and the words for it.
WAY = (
    (1, "102", "快递员已接单，正在安排上门取件"),
    (2, "102", "快递员正在上门，请准备好您的包裹"),
    (10, "103", "【杭州市】您的包裹已由网点揽收，揽件员：李师傅"),
    (101, "1002", "【嘉兴市】快件已从转运中心发出，准备发往下一站"),
    (101, "1001", "【北京市】快件已到达派件城市，正在分拨"),
    (400, "5", "【北京市】快件正在派送途中，请保持电话畅通，派件员：王师傅"),
    (13, "301", "【北京市】您的快件已签收，签收人：本人。感谢使用，期待再次为您服务"),
)
#: A pickup is what completes the tickets of the benchmark (`pickup_urge`).
PICKED_UP = 2


@dataclass(frozen=True)
class Callback:
    """One signed callback, as the carrier's platform posts it."""

    kind: str
    number: int
    param: str
    sign: str

    def request(self, host: str) -> bytes:
        """The whole HTTP request."""
        body = urlencode({"sign": self.sign, "param": self.param}).encode()
        head = (
            f"POST /hooks/kuaidi100/{self.kind} HTTP/1.1\r\nHost: {host}\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"User-Agent: kuaidi100\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def order_id(number: int) -> str:
    """The id of a made-up order; seed.py makes the same in SQL."""
    return f"bench-{number:08d}"


def waybill(number: int) -> str:
    """Its waybill."""
    return f"YT{number:013d}"


def callback(number: int, step: int, unique: int, salt: str, now: datetime) -> Callback:
    """News number `unique` of order `number`: it has come as far as `WAY[step]`.

    Half are order callbacks (about 400 bytes of JSON), half tracking pushes with the whole list so
    far (up to 1,500): the sizes of the examples in Kuaidi100's API pages.
    """
    if unique % 2 == 0:
        kind, data = "order", _order(number, step, unique, now)
    else:
        kind, data = "track", _track(number, step, unique, now)
    param = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return Callback(kind, number, param, kuaidi100_sign(param, salt))


def some(
    count: int, numbers: list[int], first: int, salt: str, now: datetime, rng: random.Random
) -> list[Callback]:
    """`count` callbacks of orders drawn at random, which are anywhere on their way.

    A second one of the same order is a step further on.
    """
    reached: dict[int, int] = {}
    made = []
    for unique in range(first, first + count):
        number = rng.choice(numbers)
        at = reached.get(number, number % len(WAY) - 1)
        reached[number] = min(at + 1, len(WAY) - 1)
        made.append(callback(number, reached[number], unique, salt, now))
    return made


def _clock(now: datetime, unique: int, step: int) -> str:
    """A carrier's local time; of one order always later with each step."""
    when = now + timedelta(seconds=60 * step + unique % 50)
    return when.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _order(number: int, step: int, unique: int, now: datetime) -> dict[str, object]:
    return {
        "kuaidicom": "yuantong",
        "kuaidinum": waybill(number),
        "status": "200",
        "message": "成功",
        "data": {
            "orderId": f"K{unique:012d}",
            "thirdOrderId": order_id(number),
            "status": WAY[step][0],
            "courierName": "李师傅",
            "courierMobile": "13800000000",
            "weight": "1.20",
            "freight": "12.00",
            "defPrice": "15.00",
            "updateTime": _clock(now, unique, step),
        },
    }


def _track(number: int, step: int, unique: int, now: datetime) -> dict[str, object]:
    lines = [
        {
            "time": _clock(now, 0, place),
            "ftime": _clock(now, 0, place),
            "context": words,
            "statusCode": code,
            "status": "在途",
            "areaCode": "CN110000000000",
        }
        for place, (_, code, words) in enumerate(WAY[: step + 1])
    ]
    return {
        "status": "polling",
        "billstatus": "got",
        "message": f"{unique}",
        "lastResult": {
            "message": "ok",
            "state": "0",
            "status": "200",
            "condition": "F00",
            "ischeck": "0",
            "com": "yuantong",
            "nu": waybill(number),
            "data": lines[::-1],
        },
    }
