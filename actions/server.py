"""The HTTP side of the action server, as Rasa expects it: POST /webhook, GET /health.

An own small app instead of rasa-sdk's: that one starts several processes, listens on all
addresses and answers a failure with the whole conversation in the body.
"""

from __future__ import annotations

import logging
from types import SimpleNamespace

from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionNotFoundException
from sanic import Sanic
from sanic.config import Config
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, json

from actions.acts.base import Tools

logger = logging.getLogger(__name__)

App = Sanic[Config, SimpleNamespace]


def create_app(executor: ActionExecutor, tools: Tools) -> App:
    """The app; it closes the tools' connections when it stops."""
    app = Sanic("kefu_actions", configure_logging=False)
    app.config.REQUEST_MAX_SIZE = 20_000_000  # Rasa sends the whole conversation and the domain
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 5.0
    app.config.ACCESS_LOG = False

    @app.get("/health")
    async def health(request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    @app.get("/actions")
    async def actions(request: Request) -> HTTPResponse:
        return json([{"name": name} for name in executor.actions])

    @app.post("/webhook")
    async def webhook(request: Request) -> HTTPResponse:
        call = request.json
        if not isinstance(call, dict) or not call.get("next_action"):
            return json({"error": "an action call must name its next_action"}, 400)
        name = call["next_action"]
        try:
            result = await executor.run(call)
        except ActionNotFoundException:
            return json({"error": "no such action", "action_name": name}, 404)
        except Exception:
            # Neither the answer nor the log gets the call: it holds the whole conversation.
            logger.exception("%s failed", name)
            return json({"error": "the action failed", "action_name": name}, 500)
        return json(result.model_dump() if result else None)

    @app.exception(SanicException)
    async def refused(request: Request, error: SanicException) -> HTTPResponse:
        return json({"error": type(error).__name__}, error.status_code)

    @app.after_server_stop
    async def close(app: App) -> None:
        await tools.witness.close()
        await tools.desk.close()

    return app
