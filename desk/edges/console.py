"""The agent console's pages: `/desk`, and the partials it refreshes itself with.

Everything an agent *does* goes to `/api/agent/...`; here is only what an agent sees. The partials
answer 401 as JSON when the session has ended, and the page then says so without losing a word.
"""

from __future__ import annotations

from typing import Any

from sanic import Blueprint, Request
from sanic.response import HTTPResponse

from desk.edges import stream, web
from desk.edges.pages import texts
from desk.edges.review_shown import later_reviews, review_lines, review_reasons
from desk.edges.timeline_shown import shown
from desk.flow import outbox, unknown_codes
from desk.flow.agent import Agent, conversation_view, queue_view
from desk.flow.desk import Desk
from desk.flow.dispatch_agent import missing
from desk.flow.timeline import timeline
from desk.rules.refused import Refused

console = Blueprint("console")

#: How long the chosen language is remembered, in seconds.
LANG_COOKIE_S = 365 * 24 * 3600


class Words:
    """What the templates call: sentences and labels in one language.

    Args:
        desk: for the labels that designers edit (categories, facts).
        lang: "zh" or "en".
    """

    def __init__(self, desk: Desk, lang: str) -> None:
        self._content = desk.content
        self._texts: dict[str, str] = texts("console.", lang)
        self._lang = lang

    def t(self, key: str, **values: object) -> str:
        """The sentence `key`; a key that is missing shows itself, so that it is noticed."""
        text = self._texts.get(key, key)
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def named(self, group: str, value: str | None) -> str:
        """The words for a code such as a carrier's; the code itself when there are none."""
        return self._texts.get(f"{group}.{value}", str(value or ""))

    def label(self, category: str) -> str:
        """A category's label."""
        known = self._content.categories.by_id.get(category)
        return known.label[self._lang] if known else category

    def because(self, reason: str, by: str | None) -> str:
        """Why a ticket was completed: a fact in words, or what the agent wrote.

        Args:
            reason: the ticket's `completed_because`.
            by: its `completed_by`; of a ticket that was merged the reason is only the other's id.
        """
        fact = self._content.facts.get(reason)
        known = "merge" if by == "merge" else reason
        return fact.label[self._lang] if fact else self._texts.get(f"because.{known}", reason)

    def dispatch_why(self, why: str) -> str:
        """Why a dispatch stopped, in words where it is one of our own codes."""
        if names := missing(why):
            told = self.t("dispatch.comma").join(
                self.named("dispatch.needed", one) for one in names
            )
            return self.t("dispatch.missing", names=told)
        return self.named("dispatch.why", why)

    def delivery_error(self, error: str | None) -> str:
        """Why a notification did not arrive: its first word in words, the rest as it is."""
        code, _, rest = (error or "").partition(" ")
        known = self._texts.get(f"delivery.error.{code}")
        return f"{known}{rest}" if known else str(error or "")

    def review_lines(self, record: Any) -> list[tuple[str, str]]:
        """Who said what before a ticket was opened."""
        return review_lines(record, self.t, self.label, lambda s: self.named("order.state", s))

    def in_words(self, value: Any) -> str:
        """A value that may come in both languages (`{"zh", "en"}`), as text."""
        return str(value.get(self._lang, "")) if isinstance(value, dict) else str(value or "")

    def values(self) -> dict[str, Any]:
        """All of it under the names the templates use."""
        return {
            "t": self.t,
            "lang": self._lang,
            "label": self.label,
            "because": self.because,
            "dispatch_why": self.dispatch_why,
            "review_lines": self.review_lines,
            "review_reasons": review_reasons,
            "later_reviews": later_reviews,
            "in_words": self.in_words,
            "carrier": lambda code: self.named("carrier", code),
            "order_state": lambda state: self.named("order.state", state),
            "reason": lambda code: self.named("reason", code),
            "fee_kind": lambda kind: self.named("fee", kind),
            "delivery_kind": lambda kind: self.named("delivery.kind", kind),
            "delivery_error": self.delivery_error,
            "clock": clock,
            "money": money,
            "menu": self._content.categories.menu(self._lang),
            "strings": {
                k: v
                for k, v in self._texts.items()
                if k.startswith(("js.", "top.", "login.", "conn.", "mine.", "thread."))
            },
        }


def clock(seconds: int) -> str:
    """A waiting time as `m:ss`, or `h:mm:ss` from an hour on."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(amount: Any) -> str:
    """An amount of money with two digits after the point; as it came when it is no number."""
    try:
        return f"{float(amount):,.2f}"
    except (TypeError, ValueError):
        return str(amount)


def page_words(request: Request) -> dict[str, Any]:
    """What every template of the desk calls, in the language of the request."""
    return Words(web.desk_of(request), web.lang_of(request)).values()


async def _lists(desk: Desk, agent: Agent) -> dict[str, Any]:
    """The left column's content; supervisors also see dead notifications and unknown codes."""
    lists = {**await queue_view(desk, agent), "now": desk.now().isoformat()}
    if desk.notifies and agent.role == "supervisor":
        lists["deliveries"] = await outbox.counts(desk)
    if agent.role == "supervisor":
        lists["unknown_codes"] = await unknown_codes.listed(desk)
    return lists


@console.get("/desk")
async def desk_page(request: Request) -> HTTPResponse:
    """The login page without an agent's cookie, else the console; `?c=` opens a conversation."""
    words = page_words(request)
    desk = web.desk_of(request)
    try:
        agent = await web.agent_of(request)
    except Refused:
        return remember_lang(request, web.page("desk/login.html", **words))
    view, open_id = None, request.args.get("c")
    if open_id:
        try:
            view = await _view(request, open_id)
        except Refused:
            open_id = None
    lists = await _lists(desk, agent)
    answer = web.page(
        "desk/console.html", agent=agent, lists=lists, view=view, open_id=open_id, **words
    )
    return remember_lang(request, answer)


def remember_lang(request: Request, answer: HTTPResponse) -> HTTPResponse:
    """The answer, with a cookie that keeps the language asked for by `?lang=`."""
    if request.args.get("lang"):
        answer.cookies.add_cookie(
            "lang",
            web.lang_of(request),
            path="/",
            secure=request.scheme == "https",
            samesite="Lax",
            max_age=LANG_COOKIE_S,
            host_prefix=False,
        )
    return answer


@console.get("/desk/partials/lists")
async def lists_partial(request: Request) -> HTTPResponse:
    """The queue and the agent's own conversations."""
    agent = await web.agent_of(request)
    lists = await _lists(web.desk_of(request), agent)
    return web.page("desk/_lists.html", lists=lists, agent=agent, **page_words(request))


@console.get("/desk/partials/conversations/<conversation_id:str>")
async def conversation_partial(request: Request, conversation_id: str) -> HTTPResponse:
    """A whole conversation: head, log, composer and side panel."""
    return await _of_conversation(request, conversation_id, "desk/_conversation.html")


@console.get("/desk/partials/conversations/<conversation_id:str>/head")
async def head_partial(request: Request, conversation_id: str) -> HTTPResponse:
    """Who has the conversation, and what can be done with it."""
    return await _of_conversation(request, conversation_id, "desk/_head.html")


@console.get("/desk/partials/conversations/<conversation_id:str>/side")
async def side_partial(request: Request, conversation_id: str) -> HTTPResponse:
    """The summary, the order and the tickets."""
    return await _of_conversation(request, conversation_id, "desk/_side.html")


async def _of_conversation(request: Request, conversation_id: str, template: str) -> HTTPResponse:
    agent = await web.agent_of(request)
    view = await _view(request, conversation_id)
    return web.page(template, view=view, agent=agent, **page_words(request))


async def _view(request: Request, conversation_id: str) -> dict[str, Any]:
    """A conversation, with the timeline of each of its tickets."""
    desk, lang = web.desk_of(request), web.lang_of(request)
    view = await conversation_view(desk, conversation_id)
    for ticket in view["tickets"]:
        async with desk.db.begin() as tx:
            found = await timeline(desk, tx, ticket["id"], for_agent=True)
        ticket["timeline"] = shown(desk, found, lang, for_agent=True)
    return view


@console.get("/desk/partials/conversations/<conversation_id:str>/events")
async def events_partial(request: Request, conversation_id: str) -> HTTPResponse:
    """The lines of the log after `?after=SEQ`, notes included."""
    await web.agent_of(request)
    after = int(web.query_number(request, "after"))
    found = await stream.read(web.desk_of(request), conversation_id, after, notes=True)
    return web.page("desk/_events.html", view={"events": found}, **page_words(request))
