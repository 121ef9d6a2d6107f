"""The platform's own tickets: `/workorder/api/create`, `/status` and `/reply`, and their callbacks.

POST /control/workorders/{id}/answer   {text, result?, push?}: the depot writes, or reports a result
PUT  /control/workorders               {refuses_duplicates}: one open ticket for a number and type

The forms of `status`, of the list of messages and of the callbacks are not public; these are what
the public field names suggest.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from standins.kuaidi100.endpoint import Form, Refusal, endpoint

if TYPE_CHECKING:
    from standins.kuaidi100.platform import Platform

#: Types that need a field; 4 = wrong weight is the only number that is public.
NEEDS = {4: "telWeight"}
NEW, DONE = 0, 2


@dataclass
class Workorder:
    """One ticket there."""

    id: str
    second_type: int
    waybill: str
    content: str
    result_url: str
    message_url: str
    status: int = NEW
    result: str = ""
    replies: list[dict[str, Any]] = field(default_factory=list)


class Workorders:
    """All tickets of one platform, in the order they came."""

    def __init__(self) -> None:
        self.all: list[Workorder] = []
        self.refuses_duplicates = False
        self._numbers = itertools.count(1001)

    def of(self, waybill: str) -> list[Workorder]:
        return [order for order in self.all if order.waybill == waybill]

    def get(self, number: str) -> Workorder:
        """A ticket by its number.

        Raises:
            Refusal: there is none.
        """
        for order in self.all:
            if order.id == number:
                return order
        raise Refusal("400", "工单不存在")

    def create(self, param: dict[str, Any]) -> Workorder:
        """Open a ticket.

        Raises:
            Refusal: something is missing or too long, or it was opened before.
        """
        kind, waybill = param.get("secondType"), str(param.get("kuaidinum") or "")
        if not isinstance(kind, int) or not waybill:
            raise Refusal("400", "参数错误：secondType、kuaidinum 必填")
        wanted = NEEDS.get(kind)
        if wanted and not 0 < len(str(param.get(wanted) or "")) <= 5:
            raise Refusal("400", f"参数错误：{wanted}")
        known = [order for order in self.of(waybill) if order.second_type == kind]
        if self.refuses_duplicates and any(order.status != DONE for order in known):
            raise Refusal("400", "请勿重复提交工单")
        content = str((param.get("desc") or {}).get("content") or param.get("content") or "")
        order = Workorder(
            id=str(next(self._numbers)),
            second_type=kind,
            waybill=waybill,
            content=content,
            result_url=str(param.get("callBackUrl") or ""),
            message_url=str(param.get("msgCallBackUrl") or ""),
        )
        self.all.append(order)
        return order


def answer(platform: Platform, order: Workorder, text: str, *, result: bool, push: bool) -> None:
    """The depot writes; with `result` it also ends the ticket.

    Args:
        push: False: nobody is called back.
    """
    body: dict[str, Any] = {"consultId": order.id, "kuaidinum": order.waybill}
    if result:
        order.status, order.result = DONE, text
        body |= {"status": DONE, "result": text}
        url = order.result_url
    else:
        order.replies.append({"type": 1, "content": text, "createTime": _now()})
        body |= {"status": order.status, "content": text}
        url = order.message_url
    if push and url:
        platform.pushes.send(url, body, None)


def routes(platform: Platform) -> list[web.RouteDef]:
    """The routes of this part of the platform."""
    orders = platform.workorders

    async def create(param: dict[str, Any], form: Form) -> Any:
        order = orders.create(param)
        return _yes({"id": order.id, "status": order.status})

    async def status(param: dict[str, Any], form: Form) -> Any:
        order = orders.get(str(param.get("consultId") or ""))
        shown = {"id": order.id, "status": order.status, "content": order.content}
        return _yes(shown | ({"result": order.result} if order.result else {}))

    async def reply(param: dict[str, Any], form: Form) -> Any:
        order = orders.get(str(param.get("consultId") or ""))
        if form.get("method") == "queryReply":
            return _yes(list(order.replies))
        if form.get("method") != "addReply" or not param.get("content"):
            raise Refusal("400", "不支持的 method")
        said = {"type": 0, "content": str(param["content"]), "createTime": _now()}
        order.replies.append(said)
        return _yes(None)

    async def look(request: web.Request) -> web.Response:
        return web.json_response([asdict(order) for order in orders.all])

    async def behave(request: web.Request) -> web.Response:
        orders.refuses_duplicates = bool((await request.json())["refuses_duplicates"])
        return web.json_response({})

    async def depot_answers(request: web.Request) -> web.Response:
        told = await request.json()
        order = orders.get(request.match_info["id"])
        result, push = bool(told.get("result")), bool(told.get("push", True))
        answer(platform, order, str(told["text"]), result=result, push=push)
        return web.json_response(asdict(order))

    return [
        endpoint(platform, "/workorder/api/create", "secret", create, _no),
        endpoint(platform, "/workorder/api/status", "secret", status, _no),
        endpoint(platform, "/workorder/api/reply", "secret", reply, _no),
        web.get("/control/workorders", look),
        web.put("/control/workorders", behave),
        web.post("/control/workorders/{id}/answer", depot_answers),
    ]


def _yes(data: Any) -> dict[str, Any]:
    return {"code": 200, "data": data, "message": "success", "time": _millis(), "success": True}


def _no(code: str, message: str) -> dict[str, Any]:
    return {
        "code": int(code),
        "data": None,
        "message": message,
        "time": _millis(),
        "success": False,
    }


def _millis() -> int:
    return time.time_ns() // 1_000_000


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
