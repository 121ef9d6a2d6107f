"""Orders placed through the platform: `detail`, and the callbacks about them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from standins.kuaidi100.endpoint import Form, Refusal, endpoint
from standins.kuaidi100.parcels import Parcel, local_time
from standins.kuaidi100.platform import Platform


def routes(platform: Platform) -> list[web.RouteDef]:
    """The routes of this part of the platform."""

    async def order(param: dict[str, Any], form: Form) -> Any:
        if form.get("method") != "detail":
            raise Refusal("400", "不支持的 method")
        parcel = platform.parcels.by_task(str(param.get("taskId") or ""))
        if parcel is None:
            raise Refusal("400", "订单不存在")
        data = {
            "taskId": parcel.task_id,
            "orderId": parcel.order_number,
            "kuaidiCom": parcel.company,
            "kuaidiNum": parcel.waybill,
            "sendName": "张三",
            "sendMobile": "13800000001",
            "sendAddr": "科技南十二路 2 号",
            "recName": "李四",
            "recMobile": "13900000002",
            "status": parcel.status,
            "courierName": "示例快递员",
            "courierMobile": "13800000000",
            "feeDetails": parcel.fees,
        }
        return {"result": True, "returnCode": "200", "message": "成功", "data": data}

    return [endpoint(platform, "/order/borderapi.do", "secret", order)]


def push_order(platform: Platform, parcel: Parcel, **more: Any) -> None:
    """Push the order's status to the address given when it was placed."""
    if not parcel.order_url or parcel.status is None:
        return
    data: dict[str, Any] = {
        "orderId": parcel.order_number,
        "status": parcel.status,
        "updateTime": local_time(),
        "feeDetails": parcel.fees,
        **more,
    }
    if parcel.status in (1, 2, 10):
        data = {"courierName": "示例快递员", "courierMobile": "13800000000", **data}
    body = {
        "kuaidicom": parcel.company,
        "kuaidinum": parcel.waybill,
        "status": "200",
        "message": "成功",
        "data": data,
    }
    platform.pushes.send(parcel.order_url, body, parcel.order_salt)
