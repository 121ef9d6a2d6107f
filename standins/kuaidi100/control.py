"""The control routes: what happens to parcels, and how the platform misbehaves.

GET    /control                          calls, violations, parcels, pushes
PUT    /control/parcels/{waybill}        make a parcel known (fields of `Parcel`)
POST   /control/parcels/{waybill}/move   {status?, code?, text?, at?, push?}: it moves
POST   /control/parcels/{waybill}/abort  {message, company?}: the subscription is given up
POST   /control/faults                   {path, kind, times?, seconds?}; times null = always
POST   /control/pushes                   {fault, times?, seconds?}: for the next callbacks
DELETE /control/faults                   behave again
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from standins.kuaidi100.faults import Fault
from standins.kuaidi100.ordering import push_order
from standins.kuaidi100.parcels import Line, Parcel, local_time
from standins.kuaidi100.platform import Platform
from standins.kuaidi100.tracking import push_track

#: The line of a parcel's record that goes with a status of its order.
LINE_OF = {
    1: "102",
    10: "103",
    101: "1002",
    400: "5",
    13: "301",
    14: "14",
    12: "401",
    9: "210",
    99: "210",
}


def move(
    platform: Platform,
    parcel: Parcel,
    status: int | None = None,
    code: str = "",
    text: str = "",
    at: str = "",
    push: bool = True,
    **order: Any,
) -> None:
    """Something happens to a parcel: an order status, a line of its record, or both.

    Args:
        push: False: the platform knows it and tells nobody.
        order: further fields of the order callback.
    """
    if status is not None:
        parcel.status = status
        if not code and status in LINE_OF:  # its record knows it too, and pushes it later
            parcel.lines.append(Line(at or local_time(), LINE_OF[status]))
        parcel.fees = order.pop("fees", parcel.fees)
        if push:
            push_order(platform, parcel, **order)
    if code:
        parcel.lines.append(Line(at or local_time(), str(code), text))
        if push:
            push_track(platform, parcel)


def routes(platform: Platform) -> list[web.RouteDef]:
    """The control routes; they need no signature."""

    async def look(request: web.Request) -> web.Response:
        told = {
            "calls": dict(platform.calls),
            "violations": platform.violations,
            "parcels": [asdict(parcel) for parcel in platform.parcels],
            "pushes": [asdict(push) for push in platform.pushes.log],
        }
        return web.json_response(told)

    async def put_parcel(request: web.Request) -> web.Response:
        parcel = platform.parcels.put(request.match_info["waybill"], **await request.json())
        return web.json_response(asdict(parcel))

    async def move_parcel(request: web.Request) -> web.Response:
        parcel = _known(request)
        move(platform, parcel, **await request.json())
        return web.json_response(asdict(parcel))

    async def abort(request: web.Request) -> web.Response:
        parcel, told = _known(request), await request.json()
        message = told.get("message") or "3天查询无记录"
        push_track(platform, parcel, "abort", message, told.get("company", ""))
        return web.json_response(asdict(parcel))

    async def add_fault(request: web.Request) -> web.Response:
        told = await request.json()
        fault = Fault(told["kind"], float(told.get("seconds", 0)))
        platform.faults.add(told["path"], fault, told.get("times", 1))
        return web.json_response({})

    async def add_push_fault(request: web.Request) -> web.Response:
        told = await request.json()
        seconds = float(told.get("seconds", 0))
        platform.pushes.script(told["fault"], int(told.get("times", 1)), seconds)
        return web.json_response({})

    async def behave(request: web.Request) -> web.Response:
        platform.faults.clear()
        platform.pushes.clear()
        return web.json_response({})

    def _known(request: web.Request) -> Parcel:
        parcel = platform.parcels.get(request.match_info["waybill"])
        if parcel is None:
            raise web.HTTPNotFound(text="no such parcel")
        return parcel

    return [
        web.get("/control", look),
        web.put("/control/parcels/{waybill}", put_parcel),
        web.post("/control/parcels/{waybill}/move", move_parcel),
        web.post("/control/parcels/{waybill}/abort", abort),
        web.post("/control/faults", add_fault),
        web.post("/control/pushes", add_push_fault),
        web.delete("/control/faults", behave),
    ]
