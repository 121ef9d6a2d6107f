"""Real-time query and subscription: `/poll/query.do` and `/poll`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from standins.kuaidi100.endpoint import Form, Refusal, endpoint
from standins.kuaidi100.parcels import Parcel
from standins.kuaidi100.platform import Platform

#: These want a phone beside the number.
WITH_PHONE = ("shunfeng", "shunfengkuaiyun", "zhongtong", "fengwang")


def routes(platform: Platform) -> list[web.RouteDef]:
    """The routes of this part of the platform."""

    async def query(param: dict[str, Any], form: Form) -> Any:
        number = str(param.get("num") or "")
        if not number or not param.get("com"):
            raise Refusal("400", "提交的数据不完整")
        platform.check_same_number(number)
        parcel = platform.parcels.get(number)
        if parcel is None or parcel.company != param["com"] or not parcel.lines:
            raise Refusal("500", "查询无结果，请隔段时间再查")
        phone = str(param.get("phone") or "")
        if parcel.company in WITH_PHONE and parcel.phone[-4:] != phone[-4:]:
            raise Refusal("408", "快递公司参数异常：验证码错误")
        return parcel.track()

    async def subscribe(param: dict[str, Any], form: Form) -> Any:
        number, company = str(param.get("number") or ""), str(param.get("company") or "")
        wishes = param.get("parameters") or {}
        url = str(wishes.get("callbackurl") or "")
        if not number or len(number) > 32 or not company or not url.startswith("http"):
            raise Refusal("700", "订阅方的订阅数据存在错误")
        known = platform.parcels.get(number)
        if known is not None and known.watched:
            raise Refusal("501", "重复订阅")
        parcel = known or platform.parcels.put(number, company=company)
        parcel.track_url, parcel.track_salt = url, wishes.get("salt")
        parcel.watched = True
        return {"result": True, "returnCode": "200", "message": "提交成功"}

    return [
        endpoint(platform, "/poll/query.do", "customer", query),
        endpoint(platform, "/poll", "key", subscribe),
    ]


def push_track(
    platform: Platform, parcel: Parcel, status: str = "", message: str = "", new_company: str = ""
) -> None:
    """Push the record to whoever subscribed; `abort` and `shutdown` end the subscription."""
    if not (parcel.watched and parcel.track_url):
        return
    record = parcel.track()
    status = status or ("shutdown" if record["ischeck"] == "1" else "polling")
    parcel.watched = status == "polling"
    body = {
        "status": status,
        "billstatus": "got",
        "message": message,
        "autoCheck": "0",
        "comOld": "",
        "comNew": new_company,
        "lastResult": record,
    }
    platform.pushes.send(parcel.track_url, body, parcel.track_salt)
