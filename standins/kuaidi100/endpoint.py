"""One call of the platform's API: the script's fault, the limits, the signature, then the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from standins.kuaidi100.faults import Fault
from standins.kuaidi100.signing import signed_with_customer, signed_with_secret

if TYPE_CHECKING:
    from standins.kuaidi100.platform import Platform

Form = Mapping[str, str]
#: Gets the decoded `param` and the form; returns the JSON body of the answer.
Work = Callable[[dict[str, Any], Form], Awaitable[Any]]
Refuse = Callable[[str, str], Any]


class Refusal(Exception):
    """The platform's clear no, with its code and words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


def refused(code: str, message: str) -> dict[str, Any]:
    """The form of a no in queries, subscriptions and orders."""
    return {"result": False, "returnCode": code, "message": message}


def endpoint(
    platform: Platform, path: str, rule: str, work: Work, refuse: Refuse = refused
) -> web.RouteDef:
    """A POST route of the API.

    Args:
        rule: how it is signed: `customer`, `secret`, or `key` (the key is inside `param`).
        work: what it does, once the call is found good; may raise Refusal.
        refuse: (code, message) -> the JSON body of a no.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        form: dict[str, str] = {**request.query}
        form |= {name: str(value) for name, value in (await request.post()).items()}
        platform.note_call(path)
        fault = platform.faults.take(path)
        if fault and (early := await _before(request, fault, refuse)) is not None:
            return early
        try:
            param = _param(form)
            _check_sign(platform, rule, form, param)
            platform.check_rate()
            body = await work(param, form)
        except Refusal as refusal:
            body = refuse(refusal.code, refusal.message)
        return await _after(request, fault, body)

    return web.post(path, handle)


def _param(form: Form) -> dict[str, Any]:
    try:
        param = json.loads(form.get("param", ""))
    except ValueError:
        raise Refusal("400", "param 不是 JSON") from None
    if not isinstance(param, dict):
        raise Refusal("400", "param 不是 JSON 对象")
    return param


def _check_sign(platform: Platform, rule: str, form: Form, param: dict[str, Any]) -> None:
    account = platform.account
    if rule == "key":
        if param.get("key") != account.key:
            raise Refusal("600", "您不是合法的订阅者")
        return
    check = {"customer": signed_with_customer, "secret": signed_with_secret}[rule]
    if not check(form, account):
        platform.violations.append(f"wrong signature at {rule}")
        raise Refusal("503", "验证签名失败")


async def _before(request: web.Request, fault: Fault, refuse: Refuse) -> web.StreamResponse | None:
    """The answer of a fault that does no work; None = go on."""
    kind = fault.kind
    if kind in ("slow", "error", "busy", "limit", "expired"):
        await asyncio.sleep(fault.seconds)
    if kind == "close":
        _cut(request)
        return web.Response()
    if kind == "error":
        return web.Response(status=500, text="Internal Server Error")
    answers = {
        "busy": ("502", "服务器繁忙"),
        "limit": ("504", "查询过于频繁"),
        "expired": ("601", "KEY已过期"),
    }
    if kind in answers:
        return web.json_response(refuse(*answers[kind]))
    if kind == "not_json":
        return web.Response(text="<html><body>系统维护中</body></html>", content_type="text/html")
    if kind == "wrong":
        return web.json_response(["nonsense", 1, None])
    if kind == "huge":
        return web.Response(text=json.dumps({"message": "x" * 10_000_000}))
    return None


async def _after(request: web.Request, fault: Fault | None, body: Any) -> web.StreamResponse:
    if fault and fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
        _cut(request)
        return web.Response()
    if fault and fault.kind == "error_after":
        return web.Response(status=502, text="Bad Gateway")
    return web.json_response(body, dumps=lambda value: json.dumps(value, ensure_ascii=False))


def _cut(request: web.Request) -> None:
    if request.transport:
        request.transport.abort()
