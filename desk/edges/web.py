"""What every HTTP handler needs: errors in one shape, bodies checked, who is asking, headers."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel, ValidationError
from sanic import Request, Sanic
from sanic.config import Config
from sanic.exceptions import MethodNotAllowed, NotFound, PayloadTooLarge, SanicException
from sanic.response import BaseHTTPResponse, HTTPResponse
from sanic.response import json as json_response

from desk.edges.tokens import BadToken, read_session
from desk.flow.agent import Agent
from desk.flow.desk import Desk
from desk.rules.refused import Refused
from desk.settings import ROOT, Settings
from desk.store import agents

log = structlog.get_logger("desk.web")

CUSTOMER_COOKIE = "kefu_session"
AGENT_COOKIE = "kefu_agent"

#: HTTP status of each refusal; 409 for the rest: the request was fine, the state was not.
STATUS = {
    "not_found": 404,
    "not_logged_in": 401,
    "agent_not_logged_in": 401,
    "wrong_login": 401,
    "bad_token": 401,
    "service_token_wrong": 401,
    "foreign_origin": 403,
    "supervisor_only": 403,
    "wrong_sign": 401,
    "invalid": 422,
    "text_blank": 422,
    "text_too_long": 422,
    "unknown_category": 422,
    "unknown_reason": 422,
    "method_not_allowed": 405,
    "too_many": 429,
    "too_large": 413,
    "try_again": 503,
}

App = Sanic[Config, SimpleNamespace]
Body = TypeVar("Body", bound=BaseModel)

_templates = Environment(
    loader=FileSystemLoader(ROOT / "desk" / "web" / "templates"),
    autoescape=select_autoescape(default_for_string=True, default=True),
)


def desk_of(request: Request) -> Desk:
    """The desk this process serves."""
    desk: Desk = request.app.ctx.desk
    return desk


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.ctx.settings
    return settings


def lang_of(request: Request) -> str:
    """`zh` or `en`: `?lang=`, then the cookie, then Accept-Language; Chinese by default."""
    for asked in (request.args.get("lang"), request.cookies.get("lang")):
        if asked:
            return "en" if asked.lower().startswith("en") else "zh"
    accepted = request.headers.get("accept-language", "")
    return "en" if accepted.strip().lower().startswith("en") else "zh"


def error_json(request: Request, code: str, detail: Mapping[str, object]) -> HTTPResponse:
    """The one error shape: `{"error": {"code", "message"}}`, in the asked language."""
    message = refusal_words(request, code, detail)
    body = {"error": {"code": code, "message": message, **_shown(detail)}}
    return json_response(body, status=STATUS.get(code, 409))


def refusal_words(request: Request, code: str, detail: Mapping[str, object]) -> str:
    """The sentence people see for a refusal, in the asked language."""
    texts = desk_of(request).content.errors.get(code) or {}
    message = str(texts.get(lang_of(request)) or code)
    for key, value in detail.items():
        message = message.replace("{" + key + "}", str(value))
    return message


def _shown(detail: Mapping[str, object]) -> dict[str, object]:
    return {k: v for k, v in detail.items() if k in ("ticket", "agent", "expected", "limit")}


def ok(body: Any, status: int = 200) -> HTTPResponse:
    """A JSON answer with Chinese left readable."""
    return json_response(body, status=status, dumps=_dumps)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def read_body(request: Request, model: type[Body]) -> Body:
    """The request's JSON (or form) body as `model`.

    Raises:
        Refused: `invalid`, naming each field, what was expected and what came.
    """
    if request.content_type.startswith("application/x-www-form-urlencoded"):
        raw: Any = {key: values[0] for key, values in (request.form or {}).items()}
    else:
        try:
            raw = json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise Refused("invalid", why=f"expected JSON, {error}") from error
    if not isinstance(raw, dict):
        raise Refused("invalid", why=f"expected a JSON object, got {type(raw).__name__}")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in e['loc']) or 'body'}: {e['msg']}, "
            f"got {str(e.get('input'))[:60]!r}"
            for e in error.errors()
        )
        raise Refused("invalid", why=problems) from error


def query_number(request: Request, name: str, header: str = "") -> float:
    """A number of the query string, from 0 on; 0 when it is not given.

    Args:
        header: where it may also stand, and counts first.

    Raises:
        Refused: `invalid`.
    """
    given = request.headers.get(header) or request.args.get(name) or "0"
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value < 2**53:  # whole numbers are exact up to there
        raise Refused("invalid", why=f"{name}: expected a number from 0 on, got {given[:40]!r}")
    return value


def bearer(request: Request) -> str:
    """The bearer token of the request, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def check_origin(request: Request) -> None:
    """Refuse a cookie-borne write that another site caused (CSRF).

    Raises:
        Refused: `foreign_origin`.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    site = request.headers.get("sec-fetch-site")
    if site in ("same-origin", "none"):
        return
    origin = request.headers.get("origin")
    if origin is None and site is None:  # not a browser: it had to be given the cookie
        return
    ours = {request.host, urlsplit(settings_of(request).base_url).netloc}
    if origin is None or urlsplit(origin).netloc not in ours:
        raise Refused("foreign_origin")


def customer_of(request: Request) -> str:
    """The id of the customer asking, from the bearer token or the session cookie.

    Raises:
        Refused: `not_logged_in`, `foreign_origin`.
    """
    token = bearer(request)
    if not token:
        token = request.cookies.get(CUSTOMER_COOKIE) or ""
        check_origin(request)
    try:
        session = read_session(token, request.app.ctx.session_secret, "customer")
    except BadToken as error:
        raise Refused("not_logged_in") from error
    request.ctx.orders = session.get("orders")
    return str(session["sub"])


def order_allowed(request: Request, order_id: str) -> bool:
    """Whether the customer's token covers that order (a token may name the orders it is for)."""
    allowed = getattr(request.ctx, "orders", None)
    return allowed is None or order_id in allowed


async def agent_of(request: Request) -> Agent:
    """The agent asking.

    Raises:
        Refused: `agent_not_logged_in`, `foreign_origin`.
    """
    check_origin(request)
    token = request.cookies.get(AGENT_COOKIE) or ""
    try:
        session = read_session(token, request.app.ctx.session_secret, "agent")
    except BadToken as error:
        raise Refused("agent_not_logged_in") from error
    async with desk_of(request).db.begin() as tx:
        row = await agents.get(tx, str(session["sub"]))
    if row is None:
        raise Refused("agent_not_logged_in")
    return Agent(row.id, row.name, row.role)


async def supervisor_of(request: Request) -> Agent:
    """The agent asking, who is a supervisor.

    Raises:
        Refused: `supervisor_only`, and those of `agent_of`.
    """
    agent = await agent_of(request)
    if agent.role != "supervisor":
        raise Refused("supervisor_only")
    return agent


def check_service(request: Request) -> None:
    """Only the bot, the actions and the merchant's system pass.

    Raises:
        Refused: `service_token_wrong`.
    """
    expected = request.app.ctx.service_token
    if not hmac.compare_digest(bearer(request).encode(), expected.encode()):
        raise Refused("service_token_wrong")


def page(template: str, **values: Any) -> HTTPResponse:
    """A rendered page."""
    body = _templates.get_template(template).render(**values)
    return HTTPResponse(
        body, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


def set_cookie(
    response: HTTPResponse, request: Request, name: str, value: str, hours: float
) -> None:
    """A session cookie: HttpOnly; over https it also works inside an embedding page's iframe."""
    secure = request.scheme == "https" or settings_of(request).base_url.startswith("https")
    embedded = secure and name == CUSTOMER_COOKIE
    response.cookies.add_cookie(
        name,
        value,
        path="/",
        httponly=True,
        secure=secure,
        samesite="None" if embedded else "Lax",
        partitioned=embedded,
        max_age=int(hours * 3600),
        host_prefix=False,
    )


def install(app: App) -> None:
    """Error handlers, security headers and the request limit, for every route."""

    @app.exception(Refused)
    async def refused(request: Request, error: Refused) -> HTTPResponse:
        return error_json(request, error.code, error.detail)

    @app.exception(NotFound)
    async def not_found(request: Request, error: NotFound) -> HTTPResponse:
        return error_json(request, "not_found", {})

    @app.exception(MethodNotAllowed)
    async def method(request: Request, error: MethodNotAllowed) -> HTTPResponse:
        return error_json(request, "method_not_allowed", {})

    @app.exception(PayloadTooLarge)
    async def too_large(request: Request, error: PayloadTooLarge) -> HTTPResponse:
        return error_json(request, "too_large", {})

    @app.exception(Exception)
    async def broken(request: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, SanicException) and error.status_code < 500:
            body = {"error": {"code": "invalid", "message": str(error)}}
            return json_response(body, status=error.status_code)
        log.error("request failed", path=request.path, error=type(error).__name__, exc_info=error)
        return error_json(request, "try_again", {})

    async def headers(request: Request, response: BaseHTTPResponse) -> None:
        settings = settings_of(request)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; "
            f"frame-ancestors {settings.frame_ancestors}",
        )

    app.register_middleware(headers, "response")
