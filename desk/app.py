"""The only wiring: settings in, a Sanic application out."""

from __future__ import annotations

import contextlib

import structlog
from argon2 import PasswordHasher
from sanic import Sanic

from desk.edges import (
    http_agent,
    http_bot,
    http_customer,
    http_deliveries,
    http_demo,
    http_dispatch,
    http_hooks,
    metrics,
    ticket_page,
    web,
    webhook,
)
from desk.edges.console import console
from desk.edges.dispatch_tasks import ways
from desk.edges.hub import Hub
from desk.edges.limiter import Limiter
from desk.edges.outside import open_outside
from desk.edges.pages import WEB, pages, readiness_client
from desk.edges.worker import Worker
from desk.flow import demo
from desk.flow.desk import Desk
from desk.settings import Settings
from desk.store import content, jobs
from desk.store.db import Database

log = structlog.get_logger("desk.app")

LOGINS_PER_MINUTE = 20


def create_app(*, settings: Settings | None = None) -> web.App:
    """Build the desk's web application; connections are opened when it starts serving.

    Args:
        settings: read from the environment when None. `database_url` must be set.

    Raises:
        ValueError: content (domain.yml, data/) or the database URL is wrong; says where and how.
    """
    settings = settings or Settings()
    app = Sanic("kefu-desk", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = 1_000_000
    app.config.RESPONSE_TIMEOUT = 60
    app.config.KEEP_ALIVE_TIMEOUT = 75
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 3.0
    app.config.FALLBACK_ERROR_FORMAT = "json"
    if settings.real_ip_header:
        app.config.REAL_IP_HEADER = settings.real_ip_header
    app.ctx.settings = settings
    loaded = content.load(settings.content_dir)
    _wire(app, settings, loaded)
    web.install(app)
    blueprints = [
        http_customer.api,
        http_bot.api,
        http_agent.api,
        http_hooks.hooks,
        http_dispatch.hooks,
        http_dispatch.agents,
        http_deliveries.api,
        http_deliveries.pages,
        pages,
        ticket_page.pages,
        console,
    ]
    if settings.demo:
        blueprints.append(http_demo.api)
    for blueprint in blueprints:
        app.blueprint(blueprint)
    app.static("/static", WEB / "static", name="static")
    return app


def _wire(app: web.App, settings: Settings, loaded: content.Content) -> None:
    """Make the parts when the server starts, in its event loop; take them apart in reverse."""
    # All of them now, so that an operator finds them in the data directory before the first use.
    app.ctx.service_token = settings.secret("service_token")
    app.ctx.kuaidi100_salt = settings.secret("kuaidi100_salt")
    app.ctx.customer_secret = settings.secret("customer_secret")
    app.ctx.facts_secret = settings.secret("facts_secret")
    app.ctx.session_secret = settings.secret("session_secret")
    app.ctx.dispatch_secret = settings.secret("dispatch_secret")
    if settings.dispatch_url:
        webhook.check(settings.dispatch_url, app.ctx.dispatch_secret, "KEFU_DISPATCH")
    if settings.webhook_url:
        webhook.check(settings.webhook_url, settings.secret("webhook_secret"))
    app.ctx.limiter = Limiter(settings.messages_per_minute)
    app.ctx.login_limiter = Limiter(LOGINS_PER_MINUTE)
    app.ctx.worker = None

    @app.before_server_start
    async def start(app: web.App) -> None:
        ctx = app.ctx
        queue = jobs.make_app(settings.database_url)
        await queue.open_async()
        ctx.queue = queue
        database = Database(settings.database_url)
        ctx.desk = Desk(
            database,
            jobs.Jobs(queue),
            loaded,
            on_events=metrics.count,
            on_applied=metrics.applied,
            on_unknown=metrics.unknown_code,
            notifies=bool(settings.webhook_url),
            on_delivery=metrics.count_delivery,
            base_url=settings.base_url,
            ways=ways(settings),
            subscribes=settings.subscribes_kuaidi100,
            keeps_bodies=settings.keeps_bodies,
        )
        ctx.intake = http_hooks.intake(ctx.desk)
        ctx.hub = Hub(settings.database_url)
        ctx.hub.start()
        ctx.outside = await open_outside(settings, database)
        ctx.readiness = readiness_client()
        loaded.human_words.start()
        if settings.demo:
            await demo.seed(ctx.desk, PasswordHasher().hash)
        else:
            await demo.lock_out(ctx.desk)
        ctx.worker = Worker(
            queue,
            ctx.desk,
            ctx.outside,
            settings.worker_concurrency,
            run_jobs=settings.worker,
            taken=lambda: int(ctx.intake.taken),
        )
        if settings.worker:
            backlog = ctx.worker.backlog
            ctx.desk.floods, ctx.desk.hold_back = backlog.floods, backlog.hold_back
        ctx.worker.start()
        log.info("desk serves", address=settings.base_url)

    @app.before_server_stop
    async def end_streams(app: web.App) -> None:
        # open streams end here: otherwise they hold the exit, and outlive the database
        await app.ctx.hub.stop()
        if app.ctx.worker:
            await app.ctx.worker.stop()

    @app.after_server_stop
    async def stop(app: web.App) -> None:
        ctx = app.ctx
        for close in (
            ctx.outside.close,
            ctx.readiness.close,
            ctx.queue.close_async,
            ctx.desk.db.close,
        ):
            with contextlib.suppress(Exception):
                await close()
