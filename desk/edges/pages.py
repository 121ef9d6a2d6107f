"""Pages (chat, demo shop, widget) and the operator's routes (health, metrics, API description)."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any

import aiohttp
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sanic import Blueprint, Request
from sanic.response import HTTPResponse, file, redirect
from sqlalchemy.exc import SQLAlchemyError

from desk.edges import metrics
from desk.edges.openapi import describe
from desk.edges.web import desk_of, lang_of, ok, page, settings_of
from desk.flow import subscribing
from desk.rules.refused import Refused
from desk.settings import ROOT
from desk.store import callbacks, conversations, deliveries

pages = Blueprint("pages")
WEB = ROOT / "desk" / "web"
VERSION = "0.1.0"


def readiness_client() -> aiohttp.ClientSession:
    """Asks the desk's own services whether they are ready."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2))


@cache
def texts(name: str, lang: str) -> dict[str, Any]:
    """The words of a page: `desk/web/i18n/<name.><lang>.json`."""
    loaded: dict[str, Any] = json.loads((WEB / "i18n" / f"{name}{lang}.json").read_text("utf-8"))
    return loaded


def _customer_page(request: Request, template: str) -> HTTPResponse:
    lang = lang_of(request)
    return page(
        template,
        lang=lang,
        i18n=texts("", lang),
        demo=settings_of(request).demo,
        version=VERSION,
        timezone=desk_of(request).content.service.timezone,
    )


@pages.get("/")
async def home(request: Request) -> HTTPResponse:
    """The demo shop in a demo, else the chat."""
    return redirect("/demo" if settings_of(request).demo else "/chat")


@pages.get("/chat")
async def chat(request: Request) -> HTTPResponse:
    """The customer's page."""
    return _customer_page(request, "chat.html")


@pages.get("/demo")
async def demo(request: Request) -> HTTPResponse:
    """The demo shop (only with KEFU_DEMO=1)."""
    if not settings_of(request).demo:
        raise Refused("not_found", what="page")
    return _customer_page(request, "demo.html")


@pages.get("/widget.js")
async def widget(request: Request) -> HTTPResponse:
    """The loader a merchant's page includes."""
    return await file(
        WEB / "static" / "widget.js",
        mime_type="text/javascript",
        headers={"Cache-Control": "public, max-age=300"},
    )


@pages.get("/healthz")
async def healthz(request: Request) -> HTTPResponse:
    """The process is alive."""
    return ok({"status": "alive"})


@pages.get("/readyz")
async def readyz(request: Request) -> HTTPResponse:
    """200 when database, worker, bot and actions all answer; 503 naming what does not."""
    ctx, settings = request.app.ctx, settings_of(request)

    async def database() -> dict[str, bool]:
        parts = {"database": False, "worker": False}
        try:
            async with asyncio.timeout(3):
                await desk_of(request).db.ping()
                parts["database"] = True
                parts["worker"] = await ctx.worker.is_ready()
        except (SQLAlchemyError, OSError, TimeoutError):
            pass
        return parts

    async def answers(url: str) -> bool:
        try:
            async with ctx.readiness.get(url) as response:
                return bool(response.status == 200)
        except (aiohttp.ClientError, TimeoutError):
            return False

    stored, bot, actions = await asyncio.gather(
        database(),
        answers(f"{settings.bot_url.rstrip('/')}/webhooks/desk/health"),
        answers(f"{settings.actions_url.rstrip('/')}/health"),
    )
    parts = {**stored, "bot": bot, "actions": actions}
    return ok({"ready": all(parts.values()), **parts}, status=200 if all(parts.values()) else 503)


@pages.get("/metrics")
async def show_metrics(request: Request) -> HTTPResponse:
    """Prometheus metrics."""
    async with desk_of(request).db.begin() as tx:
        metrics.WAITING.set(await conversations.waiting_count(tx))
        waiting, oldest = await callbacks.backlog(tx)
        metrics.CALLBACK_BACKLOG.set(waiting)
        age = (desk_of(request).now() - oldest).total_seconds() if oldest else 0
        metrics.CALLBACK_OLDEST.set(age)
        metrics.SUBSCRIPTION_OLDEST.set(await subscribing.waiting_s(desk_of(request), tx))
        for state, number in (await deliveries.counts(tx)).items():
            metrics.DELIVERIES_NOW.labels(state=state).set(number)
    return HTTPResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@pages.get("/api/openapi.json")
async def openapi(request: Request) -> HTTPResponse:
    """This API, described in OpenAPI 3.1."""
    return ok(describe(request.app, VERSION))
