"""Callback bodies as Kuaidi100 and a merchant's system send them, made from a history's step.

The shapes are those of Kuaidi100's API pages: the merchant order callback has its status in `data`
beside a return code `status: "200"` at the top, the consumers' is flat; a tracking push brings the
whole list each time, newest first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

#: What Kuaidi100 calls a tracking code, for the readable part of a line.
NAMES = {
    "0": "在途", "1": "揽收", "2": "疑难", "3": "签收", "4": "退签", "5": "派件", "6": "退回",
    "7": "转投", "8": "清关", "14": "拒签", "101": "已下单", "102": "待揽收", "103": "已揽收",
    "1001": "到达派件城市", "1002": "干线", "1003": "转递", "301": "本人签收",
    "302": "派件异常后签收", "303": "代签", "304": "投柜或站签收", "501": "投柜或驿站",
}  # fmt: skip
SHANGHAI = ZoneInfo("Asia/Shanghai")

When = Callable[[float], datetime]


def carrier_time(when: datetime) -> str:
    """Carriers give local times without a zone."""
    return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def main_state(code: str) -> str:
    """The main state a tracking code belongs to: 103 -> 1, 1002 -> 0, 11 -> 8."""
    if code in ("10", "11", "12", "13"):
        return "8"
    if code == "14" or len(code) == 1:
        return code
    return "0" if len(code) == 4 else code[0]


def order_callback(step: Mapping[str, Any], order: Mapping[str, Any], when: When) -> dict[str, Any]:
    """The order callback; `order` has number, waybill, carrier and consumer (bool)."""
    detail: dict[str, Any] = {
        "orderId": order["carrier_number"],
        "status": step["order"],
        "courierName": step.get("courier", ""),
        "courierMobile": "",
        "weight": step.get("weight", ""),
        "freight": step.get("freight", ""),
    }
    if "fees" in step:
        detail["feeDetails"] = [{"feeDesc": fee["feeType"], **fee} for fee in step["fees"]]
    if "time" in step:
        detail["updateTime"] = carrier_time(when(step["time"]))
    if "updateTime" in step:
        detail["updateTime"] = step["updateTime"]
    named = {"kuaidicom": order["carrier"], "kuaidinum": order["waybill"]}
    if order["consumer"]:
        return {**named, **detail}
    message = step.get("message", "成功")
    return {**named, "status": "200", "message": message, "data": {**detail, "defPrice": ""}}


def track_push(step: Mapping[str, Any], order: Mapping[str, Any], when: When) -> dict[str, Any]:
    """The tracking push with the full list."""
    lines = [
        {
            "context": f"【{NAMES.get(code, code)}】",
            "time": carrier_time(when(hour)),
            "ftime": carrier_time(when(hour)),
            "status": NAMES.get(main_state(code), ""),
            "statusCode": code,
            "areaCode": "",
            "areaName": "",
        }
        for code, hour in reversed(step["track"])
    ]
    state = step.get("state") or (main_state(step["track"][-1][0]) if step["track"] else "")
    return {
        "status": step.get("push", "polling"),
        "billstatus": "",
        "message": step.get("message", ""),
        "autoCheck": "0",
        "comOld": "",
        "comNew": "",
        "lastResult": {
            "message": "ok",
            "state": state,
            "status": "200",
            "condition": "F00",
            "ischeck": "1" if state == "3" else "0",
            "com": order["carrier"],
            "nu": order["waybill"],
            "data": lines,
        },
    }


def facts_body(step: Mapping[str, Any], order: Mapping[str, Any], when: When) -> dict[str, Any]:
    """The body of the generic facts hook."""
    line = {"fact": step["fact"]}
    if "time" in step:
        line["occurred_at"] = when(step["time"]).isoformat()
    return {"order_id": order["id"], "facts": [line]}


def body_of(step: Mapping[str, Any], order: Mapping[str, Any], when: When) -> tuple[str, str]:
    """The source and the JSON text of a step's callback."""
    if "order" in step:
        source, body = "kuaidi100.order", order_callback(step, order, when)
    elif "track" in step:
        source, body = "kuaidi100.track", track_push(step, order, when)
    else:
        source, body = "facts", facts_body(step, order, when)
    return source, json.dumps(body, ensure_ascii=False)
