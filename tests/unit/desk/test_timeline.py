"""A ticket's timeline: true order, nothing promised that the data does not say, nothing leaked."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from desk.edges.timeline_shown import shown
from desk.flow.timeline import Timeline
from desk.rules.categories import read_categories
from desk.rules.conversation import Conversation
from desk.rules.dispatch import Accept, Dispatch, Fail, GiveUp, Refuse, Send
from desk.rules.dispatch import decide as decide_dispatch
from desk.rules.facts import Fact, read_fact_kinds
from desk.rules.refused import Refused
from desk.rules.sentences import read_sentences
from desk.rules.service import Service
from desk.rules.ticket import (
    Add,
    Ask,
    Close,
    Complete,
    Correct,
    Deny,
    Join,
    Reopen,
    Tell,
    Ticket,
    Wait,
    Watch,
    decide,
)
from desk.rules.ticket import Dispatch as TicketDispatch
from desk.rules.timeline import Delivery, Line, Seen, Step, first_category, past, told_history
from desk.rules.timeline_next import coming
from desk.settings import ROOT

KINDS = read_fact_kinds(yaml.safe_load((ROOT / "data" / "facts.yml").read_text("utf-8")))
CATEGORIES = read_categories(
    yaml.safe_load((ROOT / "data" / "categories.yml").read_text("utf-8")), frozenset(KINDS)
)
#: Ten in the morning in Shanghai.
START = datetime(2025, 11, 10, 2, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: What no customer may read, wherever it stands.
SECRETS = ("Wang-Fang", "AGENT-WORDS", "REMOTE-7", "WHY-REFUSED", "HOOK-ERROR", "RAW-ANSWER")
AGENT = "agent:Wang-Fang"


def seen(
    history: list[Line] | None = None,
    facts: list[Fact] | None = None,
    category: str = "pickup_urge",
    **more: Any,
) -> Seen:
    """A ticket opened at START in the customer's words, and what came after."""
    ticket = more.pop("ticket", None) or Ticket(
        "t_1", "o", "c", category, "快来取件", START, START + 4 * HOUR, promised_at=START
    )
    opened = Line(START, "opened", "bot", "快来取件")
    return Seen(
        ticket, CATEGORIES[category], [opened, *(history or [])], facts or [], KINDS, **more
    )


def fact(name: str, told: timedelta, happened: timedelta | None = None) -> Fact:
    """A fact told `told` after START, which happened `happened` after it by the carrier's time."""
    occurred = None if happened is None else START + happened
    return Fact(name, "kuaidi100.order", "10", START + told, occurred)


def line(after: timedelta, kind: str, text: str = "", author: str = "system") -> Line:
    return Line(START + after, kind, author, text)


def kinds(steps: tuple[Step, ...]) -> list[str]:
    return [step.kind for step in steps]


def step(steps: tuple[Step, ...], kind: str) -> Step:
    (found,) = [one for one in steps if one.kind == kind]
    return found


# --- what happened --------------------------------------------------------------------------------


def test_it_begins_with_the_customers_own_words():
    (opened,) = past(seen())
    assert opened == Step("opened", START, {"category": "pickup_urge", "quote": "快来取件"})


def test_news_stands_at_the_carriers_time_with_ours_beside_it_when_it_was_late():
    known = seen(facts=[fact("parcel.collected", 2 * HOUR, HOUR)])
    told = step(past(known), "fact")
    assert (told.at, told.sure) == (START + HOUR, True)
    assert told.values == {"fact": "parcel.collected", "told_at": START + 2 * HOUR}


@pytest.mark.parametrize("happened", [None, 3 * HOUR])
def test_news_without_a_time_or_with_one_to_come_stands_where_we_heard_of_it(happened):
    told = step(past(seen(facts=[fact("parcel.collected", HOUR, happened)])), "fact")
    assert (told.at, told.sure) == (START + HOUR, False)


def test_old_news_is_not_retold_unless_it_moved_the_ticket():
    old = fact("parcel.collected", MINUTE, -HOUR)
    assert kinds(past(seen(facts=[old]))) == ["opened"]
    moved = seen([line(2 * MINUTE, "completed", "parcel.collected")], [old])
    assert kinds(past(moved)) == ["fact", "opened", "completed_by_fact"]


def test_the_same_news_again_and_again_is_one_step():
    facts = [fact("parcel.in_transit", n * HOUR, n * HOUR) for n in (1, 2, 3)]
    facts.append(fact("parcel.out_for_delivery", 4 * HOUR))
    (_, moving, _) = past(seen(facts=facts))
    assert moving.values == {"fact": "parcel.in_transit", "times": 3}
    assert moving.at == START + 3 * HOUR


@pytest.mark.parametrize(
    ("author", "text", "told"),
    [
        ("system", "parcel.collected", ("completed_by_fact", {"fact": "parcel.collected"})),
        ("system", "order.cancelled", ("completed_ended", {"fact": "order.cancelled"})),
        ("customer", "parcel.collected", ("completed_by_customer", {})),
        ("customer", "settled", ("completed_by_customer", {})),
        (AGENT, "已电话联系网点", ("completed_by_agent", {"quote": "已电话联系网点"})),
        (AGENT, "Wang-Fang", ("completed_by_agent", {})),
        ("bot", "t_9sK2hJq81mXa0pQz", ("completed_merged", {"ticket": "t_9sK2hJq81mXa0pQz"})),
    ],
)
def test_it_says_why_it_was_completed(author, text, told):
    steps = past(seen([line(HOUR, "completed", text, author)]))
    assert (steps[-1].kind, steps[-1].values) == told


@pytest.mark.parametrize(
    ("author", "text", "kind"),
    [
        ("customer", "", "reopened"),
        (AGENT, "", "reopened_by_agent"),
        ("system", "order.revived", "reopened_by_news"),
        ("customer", "pickup_urge -> false_pickup", "reopened_as"),
    ],
)
def test_it_says_who_reopened_it(author, text, kind):
    assert past(seen([line(HOUR, "reopened", text, author)]))[-1].kind == kind


def test_it_was_opened_as_what_it_was_then():
    known = seen([line(HOUR, "corrected", "transit_urge -> pickup_urge", AGENT)])
    opened, corrected = past(known)
    assert opened.values["category"] == first_category(known) == "transit_urge"
    assert corrected.values == {"category": "pickup_urge"}


def test_agents_see_every_line_and_what_was_sent_without_its_key():
    sent = Dispatch("d-secret-key", "t_1", 1, "kuaidi100", {}, START + MINUTE, remote_id="REMOTE-7")
    known = seen(
        [line(HOUR, "legal_near"), line(HOUR, "completed", "Wang-Fang", AGENT)],
        dispatches=[sent],
        deliveries=[Delivery(START + HOUR, "ticket.completed", "dead", 8, "HOOK-ERROR")],
    )
    steps = past(known, for_agent=True)
    assert {"entry", "dispatch", "delivery", "completed_by_agent"} <= set(kinds(steps))
    assert "d-secret-key" not in str(steps)
    assert {"Wang-Fang", "REMOTE-7", "HOOK-ERROR"} <= {s for s in SECRETS if s in str(steps)}


def test_agents_read_what_the_rules_make_of_news_and_customers_do_not():
    news = fact("parcel.collected", HOUR)
    known = seen(facts=[news], rulings={news: "complete: AGENT-WORDS"})
    assert step(past(known, for_agent=True), "fact").values["rule"] == "complete: AGENT-WORDS"
    assert "AGENT-WORDS" not in str(past(known))


# --- what comes next ------------------------------------------------------------------------------


def test_an_open_ticket_says_what_completes_it_who_looks_and_by_when():
    steps = coming(seen(), START)
    assert kinds(steps) == ["completes", "person", "due"]
    assert step(steps, "completes").values["facts"] == ("parcel.collected",)
    assert not step(steps, "completes").sure
    assert step(steps, "person").at == START + 3 * HOUR
    assert step(steps, "due").at == START + 4 * HOUR


def test_agents_see_all_facts_of_the_rules_and_the_laws_time():
    steps = coming(seen(), START, for_agent=True)
    assert len(step(steps, "completes").values["all_facts"]) > 5
    assert {"ends", "asks", "legal"} <= set(kinds(steps))


def test_a_kind_that_no_news_completes_is_a_persons():
    steps = coming(seen(category="courier_complaint"), START)
    assert kinds(steps)[0] == "person_completes"
    assert "completes" not in kinds(steps)


@pytest.mark.parametrize("asked_at", [None, START + 90 * MINUTE])
def test_the_carrier_is_asked_when_it_has_said_nothing_for_so_long(asked_at):
    known = seen(facts=[fact("order.accepted", HOUR)], told_at=START - HOUR)
    known = replace(known, ticket=replace(known.ticket, checked_at=asked_at))
    quiet_since = asked_at or START + HOUR
    assert step(coming(known, START + HOUR), "check").at == quiet_since + HOUR


def test_nobody_says_that_the_carrier_is_asked_where_it_cannot_be():
    assert "check" not in kinds(coming(seen(), START))


def test_a_number_that_was_just_asked_about_is_left_alone():
    known = seen(told_at=START - 9 * HOUR, ask_from=START + 10 * MINUTE)
    assert step(coming(known, START), "check").at == START + 10 * MINUTE
    asked_now = replace(known, ask_from=None)
    assert step(coming(asked_now, START), "asking").at is None


def test_no_new_time_is_promised_once_the_promise_has_passed():
    known = seen(owner="queue")
    known = replace(known, ticket=replace(known.ticket, called_at=START + 3 * HOUR))
    steps = coming(known, START + 5 * HOUR)
    assert kinds(steps) == ["in_queue", "completes"]
    assert all(one.at is None for one in steps)


def test_a_question_that_is_open_comes_first_and_a_waiting_fact_has_its_time():
    known = seen()
    until = START + 2 * HOUR
    asked = replace(known.ticket, asked_fact="parcel.collected")
    assert coming(replace(known, ticket=asked), START)[0].kind == "your_answer"
    waits = replace(known.ticket, waits_for="parcel.collected", waits_until=until)
    assert step(coming(replace(known, ticket=waits), START), "wait").at == until


@pytest.mark.parametrize(
    ("commands", "kind"),
    [
        ([], "dispatching"),
        ([Send(), Accept("9")], "answer"),
        ([Send(), Fail("no network")], "dispatching"),
        ([Send(), Refuse("no")], None),
        ([GiveUp("missing: waybill")], None),
    ],
)
def test_it_says_how_far_it_has_got_to_the_carrier(commands, kind):
    sent = Dispatch("d", "t_1", 1, "kuaidi100", {}, START)
    for command in commands:
        sent = decide_dispatch(sent, command, START)
    assert [
        k for k in kinds(coming(seen(dispatches=[sent]), START)) if k in ("dispatching", "answer")
    ] == ([kind] if kind else [])


def test_a_completed_ticket_can_be_reopened_until_it_closes():
    known = seen()
    done = replace(known.ticket, state="completed", completed_at=START, completed_by="fact")
    until = START + timedelta(days=7)
    steps = coming(replace(known, ticket=done), START + HOUR)
    assert [(one.kind, one.at) for one in steps] == [("reopen", until), ("closes", until)]
    late = coming(replace(known, ticket=done), until + MINUTE)
    assert kinds(late) == ["closes"]


def test_a_closed_ticket_has_a_clear_end():
    known = seen()
    closed = replace(known.ticket, state="closed", completed_at=START)
    assert kinds(coming(replace(known, ticket=closed), START + HOUR)) == ["ended"]


def test_a_category_that_was_taken_out_of_the_file_still_has_a_next_step():
    known = replace(seen(), category=None)
    assert kinds(coming(known, START)) == ["person_completes", "person", "due"]


# --- whatever happens to it -----------------------------------------------------------------------

names = st.sampled_from(sorted(KINDS))
authors = st.sampled_from(["bot", "customer", "system", "carrier", AGENT])
commands = st.one_of(
    st.just(TicketDispatch("kuaidi100 REMOTE-7")),
    names.map(lambda f: Complete("fact", f)),
    st.sampled_from([Complete("agent", "Wang-Fang"), Complete("customer", "settled")]),
    st.just(Reopen("", START + timedelta(days=3))),
    st.just(Reopen("", START + timedelta(days=3), category="false_pickup")),
    st.sampled_from([Join("t_9sK2hJq81mXa0pQz"), Close(), Deny(), Add("还没来")]),
    st.just(Correct("transit_urge", START + timedelta(days=2), "AGENT-WORDS")),
    names.map(Tell),
    names.map(Ask),
    st.builds(Wait, names, st.just(START + 9 * HOUR)),
    st.sampled_from([Watch("called"), Watch("broken"), Watch("warned")]),
)
moves = st.lists(st.tuples(commands, st.integers(0, 9 * 24 * 60), authors), max_size=12)
told_facts = st.builds(
    lambda name, told, back: fact(
        name, told * MINUTE, None if back is None else (told - back) * MINUTE
    ),
    names,
    st.integers(-600, 9 * 24 * 60),
    st.none() | st.integers(-300, 3000),
)
for_agents = st.sampled_from(["dispatch_raw", "dispatch_refused", "legal_near", "something_new"])


@st.composite
def tickets(draw: Any) -> tuple[Seen, datetime]:
    """A ticket after any sequence of commands, beside any facts, dispatches and notifications."""
    ticket, now = seen().ticket, START
    history = []
    for command, minutes, author in draw(moves):
        now += minutes * MINUTE
        who = AGENT if isinstance(command, Complete) and command.by == "agent" else author
        try:
            ticket, entry = decide(ticket, command, now)
        except Refused:
            continue
        history.append(Line(now, entry.kind, who, entry.text))
        if draw(st.booleans()):
            history.append(Line(now, draw(for_agents), "carrier", "RAW-ANSWER WHY-REFUSED"))
    sent = Dispatch(
        "key",
        "t_1",
        1,
        draw(st.sampled_from(["kuaidi100", "webhook"])),
        {},
        START,
        state=draw(st.sampled_from(["waiting", "unknown", "accepted", "refused"])),
        remote_id="REMOTE-7",
        answer={"why": "WHY-REFUSED"},
        next_at=draw(st.none() | st.just(now + HOUR)),
    )
    known = seen(
        history,
        draw(st.lists(told_facts, max_size=8)),
        ticket=ticket,
        dispatches=draw(st.sampled_from([[], [sent]])),
        deliveries=[Delivery(START, "ticket.opened", "dead", 3, "HOOK-ERROR")],
        owner=draw(st.sampled_from(["bot", "queue", "agent"])),
        told_at=draw(st.none() | st.just(START - HOUR)),
    )
    known = replace(known, category=CATEGORIES.by_id.get(ticket.category))
    return known, now + draw(st.integers(0, 600)) * MINUTE


@given(tickets(), st.booleans())
def test_what_happened_is_in_true_order(made, for_agent):
    times = [one.at for one in past(made[0], for_agent=for_agent)]
    assert times == sorted(times)


@given(tickets(), st.booleans())
def test_there_is_always_a_next_step_or_a_clear_end(made, for_agent):
    known, now = made
    steps = coming(known, now, for_agent=for_agent)
    assert steps
    assert ("ended" in kinds(steps)) == (known.ticket.state == "closed")
    times = [one.at for one in steps if one.at]
    assert times == sorted(times)
    assert all(one.at > now for one in steps if one.kind in ("due", "person", "reopen") and one.at)


@given(tickets())
def test_a_customer_reads_nothing_that_is_only_for_the_house(made):
    known, now = made
    lines = [one.text for one in told_history(known.history)]
    told = str((past(known), coming(known, now), lines))
    assert [secret for secret in SECRETS if secret in told] == []


SENTENCES = read_sentences(yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))["responses"])


def desk_at(now: datetime) -> Any:
    """What the words of a timeline need of a desk."""
    content = SimpleNamespace(facts=KINDS, categories=CATEGORIES, service=Service())
    return SimpleNamespace(content=content, say=SENTENCES.say, now=lambda: now)


@given(tickets(), st.sampled_from(["zh", "en"]), st.booleans())
def test_every_step_has_words_and_nothing_is_left_to_fill_in(made, lang, for_agent):
    known, now = made
    steps = past(known, for_agent=for_agent), coming(known, now, for_agent=for_agent)
    found = Timeline(known.ticket, Conversation("c", "o", "u"), None, (), *steps)
    words = shown(desk_at(now), found, lang, for_agent=for_agent)
    for one in (*words["past"], *words["next"]):
        text = one["text"] + one["when"]
        assert one["text"] and "{" not in text and "utter_" not in text
        assert one["when"] or one["kind"] == "ended"
        if lang == "en":
            assert not re.search("[\u4e00-\u9fff]", text), text


@pytest.mark.parametrize(
    ("kind", "at", "zh", "en"),
    [
        ("due", 6, "今天 16:00 前", "by 16:00 today"),
        ("reopen", 24 * 7, "11月17日 10:00 前", "until 17 Nov 10:00"),
        ("person", 24, "明天 10:00 左右", "tomorrow about 10:00"),
        ("opened", -24, "昨天 10:00", "yesterday 10:00"),
        ("completes", None, "随时", "any time"),
        ("calling", None, "现在", "now"),
        ("ended", None, "", ""),
    ],
)
def test_times_are_said_as_people_say_them(kind, at, zh, en):
    moment = None if at is None else START + at * HOUR
    one = Step(kind, moment, {"category": "pickup_urge", "facts": ("parcel.collected",)})
    found = Timeline(seen().ticket, Conversation("c", "o", "u"), None, (), (one,), ())
    said = [shown(desk_at(START), found, lang)["past"][0]["when"] for lang in ("zh", "en")]
    assert said == [zh, en]


@given(st.sampled_from(["opened", "added", "completed"]), st.text(max_size=20))
def test_an_agents_words_for_a_ticket_are_not_the_customers(kind, text):
    known = replace(seen(), history=[Line(START, kind, AGENT, f"AGENT-WORDS{text}")])
    if kind != "completed":  # that one the customer has read in the conversation
        assert "AGENT-WORDS" not in str(
            (past(known), [one.text for one in told_history(known.history)])
        )
