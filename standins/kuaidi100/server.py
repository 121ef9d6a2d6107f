"""The stand-in as a web application, and as a server that tests open and close."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.typedefs import Handler

from standins.kuaidi100 import control, ordering, tracking, workorders
from standins.kuaidi100.platform import Platform

#: The parts of the platform; each module has `routes(platform)`.
PARTS = (tracking, ordering, workorders, control)


def make_app(platform: Platform) -> web.Application:
    """The web application of one platform."""

    @web.middleware
    async def in_words(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (ValueError, KeyError, TypeError) as error:  # a wrong control call
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    app = web.Application(middlewares=[in_words])
    for part in PARTS:
        app.add_routes(part.routes(platform))

    async def close(app: web.Application) -> None:
        await platform.pushes.close()

    app.on_cleanup.append(close)
    return app


@asynccontextmanager
async def serving(platform: Platform, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve `platform` inside the block; gives its address. Port 0 = any free one.

    Raises:
        OSError: the port cannot be had.
    """
    runner = web.AppRunner(make_app(platform), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
