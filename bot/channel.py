"""The `desk` channel: the only way into Rasa, for the desk alone.

POST /webhooks/desk/webhook   one turn
GET  /webhooks/desk/health    200 once a first message has been parsed, 503 before
"""

import hmac
import logging
from typing import Any, Awaitable, Callable, Dict, Optional, Text

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from bot import action_calls, fastpath, settings
from bot.turn import take_turn, warm_up
from bot.wire import Refused, message_from, messages_for_desk

logger = logging.getLogger(__name__)

fastpath.apply()


class DeskInput(InputChannel):
    """See the module."""

    @classmethod
    def name(cls) -> Text:
        """The channel's name in Rasa."""
        return "desk"

    @classmethod
    def url_prefix(cls) -> Text:
        """Routes are under /webhooks/desk/."""
        return "desk"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[Text, Any]]) -> InputChannel:
        """Called by Rasa. Raises ValueError without a service token: an open door is refused."""
        token = settings.service_token()
        if not token:
            raise ValueError("KEFU_SERVICE_TOKEN is not set, so the desk's channel stays closed.")
        return cls(token)

    def __init__(self, token: Text) -> None:
        self._token = token.encode()
        self._ready = False

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The two routes. `on_new_message` is not used: it cannot tell a failed turn."""
        routes = Blueprint("desk_webhook")

        @routes.get("/health")
        async def health(request: Request) -> HTTPResponse:
            return await self._health(request)

        @routes.post("/webhook")
        async def webhook(request: Request) -> HTTPResponse:
            return await self._webhook(request)

        async def stop(*_: Any) -> None:
            await action_calls.close()

        routes.listener(stop, "after_server_stop")
        return routes

    async def _health(self, request: Request) -> HTTPResponse:
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return response.json({"status": "loading"}, 503)
        if not self._ready:
            await warm_up(agent)
            self._ready = True
        return response.json({"status": "ready", "model": agent.processor.model_filename})

    async def _webhook(self, request: Request) -> HTTPResponse:
        if not self._is_desk(request):
            return _error(401, "unauthorized", "The service token is missing or wrong.")
        try:
            message = message_from(request.json)
        except Refused as refusal:
            return _error(422, refusal.code, str(refusal))
        except SanicException:
            return _error(400, "body_invalid", "The body is not JSON.")
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return _error(503, "loading", "No model is loaded yet.")
        try:
            said = await take_turn(agent, message)
        except Exception as error:
            # The text of the message stays out of the log: it is the customer's.
            logger.exception("turn %s of %s failed", message.message_id, message.sender_id)
            return _error(500, "turn_failed", type(error).__name__)
        return response.json({"messages": messages_for_desk(said)}, ensure_ascii=False)

    def _is_desk(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        # Compared as bytes: hmac refuses text outside ASCII.
        return scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), self._token)


def _error(status: int, code: Text, message: Text) -> HTTPResponse:
    return response.json({"error": {"code": code, "message": message}}, status)
