"""Carriers' callbacks: check the signature, keep them, answer at once; the work is a job's."""

from __future__ import annotations

import json
from collections.abc import Sequence

import structlog
from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import metrics
from desk.edges.group_commit import Full, GroupCommit
from desk.edges.web import desk_of, ok
from desk.flow import callbacks, subscribing
from desk.flow.desk import Desk
from desk.rules import facts_hook
from desk.rules.forms import fields
from desk.rules.refused import Refused
from desk.rules.signatures import hmac_sign_matches, kuaidi100_sign_matches
from desk.store.callbacks import Incoming

hooks = Blueprint("hooks", url_prefix="/hooks")
log = structlog.get_logger("desk.hooks")


#: While the bot answers somebody, a batch waits so long for each callback in it, and no longer than
#: that in all: chats slow the taking in to 1 / EACH_S a second at worst, and never stop it.
EACH_S, AT_MOST_S = 0.002, 0.2

#: The answer's form and text are what Kuaidi100's API pages ask for.
_TAKEN = json.dumps({"result": True, "returnCode": "200", "message": "成功"}, ensure_ascii=False)


def intake(desk: Desk) -> GroupCommit[Incoming, bool]:
    """Where this process's callbacks wait for the transaction that stores them."""

    async def store(batch: Sequence[Incoming]) -> Sequence[bool | Exception]:
        return await callbacks.keep_all(desk, batch)

    async def chats_first(waiting: int) -> None:
        await desk.chats.give_way(min(EACH_S * waiting, AT_MOST_S))

    # a text takes up to four bytes a character in memory, and is sent in another form once more
    return GroupCommit(
        store,
        lambda one: 1000 + 4 * len(one.body),
        before=chats_first,
        on_batch=metrics.CALLBACK_BATCH.observe,
    )


async def _keep(request: Request, incoming: Incoming) -> bool | None:
    """Whether a callback is new, once it is stored; None: it cannot be taken now."""
    try:
        fresh: bool | None = await request.app.ctx.intake.put(incoming)
    except Full:
        fresh = None
    outcome = {True: "kept", False: "repeated", None: "refused"}[fresh]
    metrics.CALLBACKS.labels(source=incoming.source, outcome=outcome).inc()
    return fresh


def _signed(request: Request) -> tuple[str, str]:
    """The fields `param` and `sign`; empty where there are none."""
    if request.content_type.startswith("application/x-www-form-urlencoded"):
        try:
            form = fields(request.body)
        except UnicodeDecodeError:
            return "", ""
        return form.get("param", ""), form.get("sign", "")
    posted = request.form
    if posted is None:
        return "", ""
    return posted.get("param") or "", posted.get("sign") or ""


async def _kuaidi100(request: Request, kind: str) -> HTTPResponse:
    """Fields `param` (JSON text) and `sign`, as Kuaidi100 posts them.

    Anything but the right answer is repeated 30 minutes later, three times at most.
    """
    source = f"kuaidi100.{kind}"
    param, sign = _signed(request)
    if not kuaidi100_sign_matches(param, sign, request.app.ctx.kuaidi100_salt):
        metrics.CALLBACKS.labels(source=source, outcome="wrong_sign").inc()
        log.warning(
            "callback refused: wrong signature", source=source, ip=request.remote_addr or request.ip
        )
        body = {"result": False, "returnCode": "401", "message": "签名不对"}
        return ok(body, status=401)
    try:
        incoming = callbacks.read(source, param)
    except (ValueError, RecursionError):
        metrics.CALLBACKS.labels(source=source, outcome="not_json").inc()
        log.warning("callback refused: param is not a JSON object", source=source)
        body = {"result": False, "returnCode": "400", "message": "param 不是 JSON 对象"}
        return ok(body, status=400)
    if await _keep(request, incoming) is None:
        body = {"result": False, "returnCode": "503", "message": "请稍后重试"}
        return ok(body, status=503)
    if kind == "track" and subscribing.may_concern(param):
        await subscribing.told(desk_of(request), json.loads(param))
    return HTTPResponse(_TAKEN, content_type="application/json")


@hooks.post("/kuaidi100/order")
async def kuaidi100_order(request: Request) -> HTTPResponse:
    """Kuaidi100's order callback."""
    return await _kuaidi100(request, "order")


@hooks.post("/kuaidi100/track")
async def kuaidi100_track(request: Request) -> HTTPResponse:
    """Kuaidi100's tracking push."""
    return await _kuaidi100(request, "track")


@hooks.post("/facts")
async def facts(request: Request) -> HTTPResponse:
    """Facts from any other system: HMAC-SHA256 of the raw body in `X-Kefu-Signature`.

    Body: `{"order_id" or "waybill", "facts": [{"fact", "occurred_at"?}]}`.
    """
    sign = request.headers.get("x-kefu-signature", "")
    if not hmac_sign_matches(request.body, sign, request.app.ctx.facts_secret):
        metrics.CALLBACKS.labels(source="facts", outcome="wrong_sign").inc()
        log.warning("facts refused: wrong signature", ip=request.remote_addr or request.ip)
        raise Refused("wrong_sign")
    desk = desk_of(request)
    try:
        data = json.loads(request.body)
        unknown = [f["fact"] for f in data["facts"] if f["fact"] not in desk.content.facts]
        if not (data.get("order_id") or data.get("waybill")):
            raise ValueError("expected order_id or waybill")
        facts_hook.read(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused("invalid", why=f"{type(error).__name__}: {error}") from error
    if unknown:
        raise Refused("invalid", why=f"unknown facts {unknown}, see data/facts.yml")
    fresh = await _keep(request, callbacks.read("facts", request.body.decode()))
    if fresh is None:
        raise Refused("try_again")
    return ok({"result": True, "kept": fresh}, status=202)
