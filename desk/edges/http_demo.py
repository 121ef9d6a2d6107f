"""The demo's own routes: sample customers, and a carrier that sends real, signed callbacks."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from typing import Any, Literal

import aiohttp
from pydantic import BaseModel, Field
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import demo_carrier
from desk.edges.tokens import make_customer_token, make_session
from desk.edges.web import (
    CUSTOMER_COOKIE,
    check_origin,
    customer_of,
    desk_of,
    lang_of,
    ok,
    read_body,
    set_cookie,
    settings_of,
)
from desk.flow import customer as customer_flow
from desk.flow import demo as flow
from desk.flow import reconcile
from desk.rules.carrier_api import CarrierLimit
from desk.rules.kuaidi100 import CARRIER_ZONE
from desk.rules.refused import Refused
from desk.rules.signatures import kuaidi100_sign
from desk.store import orders

api = Blueprint("demo_api", url_prefix="/api/demo")


@api.get("/customers")
async def customers(request: Request) -> HTTPResponse:
    """The sample customers with their orders as they are now."""
    desk, lang = desk_of(request), lang_of(request)
    shown = []
    async with desk.db.begin() as tx:
        for person in desk.content.demo.get("customers") or []:
            rows = await orders.of_customer(tx, person["id"])
            shown.append(
                {
                    "id": person["id"],
                    "name": person["name"][lang],
                    "about": person["about"][lang],
                    "orders": [_order(row, lang) for row in rows],
                }
            )
    return ok({"customers": shown})


def _order(row: Any, lang: str) -> dict[str, Any]:
    goods = (row.details or {}).get("goods") or {}
    return {
        "id": row.id,
        "carrier": row.carrier,
        "waybill": row.waybill,
        "state": row.state,
        "fees": row.fees,
        "goods": goods.get(lang) if isinstance(goods, dict) else goods,
    }


@api.get("/logins")
async def logins(request: Request) -> HTTPResponse:
    """The sample logins of the desk."""
    people = desk_of(request).content.demo.get("agents") or []
    return ok({"logins": people})


class LoginBody(BaseModel):
    customer: str


@api.post("/login")
async def login(request: Request) -> HTTPResponse:
    """Become a sample customer: sets the session cookie, as a merchant's site would cause it.

    Also returns the merchant's token, for embedding the widget.
    """
    check_origin(request)
    body = read_body(request, LoginBody)
    person = flow.sample(desk_of(request), body.customer)
    settings = settings_of(request)
    hours = settings.session_hours
    session = make_session(person["id"], "customer", request.app.ctx.session_secret, hours)
    merchant = make_customer_token(person["id"], request.app.ctx.customer_secret)
    response = ok({"id": person["id"], "token": session, "merchant_token": merchant})
    set_cookie(response, request, CUSTOMER_COOKIE, session, hours)
    return response


@api.post("/reset")
async def reset(request: Request) -> HTTPResponse:
    """Fresh sample orders for the customer logged in."""
    await flow.reset(desk_of(request), customer_of(request))
    return ok({})


class CallbackBody(BaseModel):
    source: Literal["order", "track"]
    code: int = Field(ge=0, le=9999)
    sign: Literal["good", "bad"] = "good"
    lost: bool = False


@api.post("/orders/<order_id:str>/callback")
async def callback(request: Request, order_id: str) -> HTTPResponse:
    """Send the real hook exactly what Kuaidi100 would send for this order, over HTTP.

    The stand-in for Kuaidi100 learns it too; with `lost` it alone does, as when a callback is lost.
    """
    customer_id = customer_of(request)
    body = read_body(request, CallbackBody)
    desk = desk_of(request)
    async with desk.db.begin() as tx:
        order = await customer_flow.own_order(tx, customer_id, order_id)
    address = demo_carrier.stand_in(settings_of(request))
    if body.sign == "good" and order.waybill:
        told = bool(address and await demo_carrier.tell(address, order, body.source, body.code))
        if body.lost:
            if not told:
                raise Refused("invalid", why="no stand-in for Kuaidi100 runs")
            return ok({"sent": None, "answer": None, "status": 0, "lost": True})
    param = json.dumps(_param(order, body), ensure_ascii=False)
    sign = kuaidi100_sign(param, request.app.ctx.kuaidi100_salt)
    if body.sign == "bad":
        sign = secrets.token_hex(16).upper()
    url = f"http://127.0.0.1:{settings_of(request).port}/hooks/kuaidi100/{body.source}"
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data={"param": param, "sign": sign}) as response,
        ):
            answer = await response.json()
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Refused("try_again") from error
    return ok({"sent": {"param": param, "sign": sign}, "answer": answer, "status": status})


@api.post("/orders/<order_id:str>/ask")
async def ask(request: Request, order_id: str) -> HTTPResponse:
    """Ask the carrier about this order now, as is done when its news is overdue."""
    customer_id = customer_of(request)
    desk, outside = desk_of(request), request.app.ctx.outside
    if outside.kuaidi100 is None:
        raise Refused("invalid", why="there is no account with a carrier's platform")
    async with desk.db.begin() as tx:
        order = await customer_flow.own_order(tx, customer_id, order_id)
    try:
        outcome = await reconcile.ask_about(desk, outside.kuaidi100, order, outside.kuaidi100_pause)
    except CarrierLimit:
        outcome = "limit"
    return ok({"outcome": outcome})


def _param(order: Any, body: CallbackBody) -> dict[str, Any]:
    now = datetime.now(UTC).astimezone(CARRIER_ZONE).strftime("%Y-%m-%d %H:%M:%S")
    if body.source == "track":
        line = {"time": now, "ftime": now, "context": "demo", "statusCode": str(body.code)}
        last = {"nu": order.waybill, "com": order.carrier, "state": str(body.code), "data": [line]}
        return {"status": "polling", "message": "", "lastResult": {**last, "status": "200"}}
    data: dict[str, Any] = {"orderId": order.id, "status": body.code, "updateTime": now}
    if body.code in (1, 2, 10):
        data |= {"courierName": "示例快递员", "courierMobile": "13800000000"}
    return {
        "kuaidicom": order.carrier,
        "kuaidinum": order.waybill,
        "status": "200",
        "message": "成功",
        "data": data,
    }
