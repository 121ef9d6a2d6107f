"""The runner against a scripted desk."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from fake_desk import CUSTOMER_SECRET, REVIEW, SERVICE_TOKEN, TICKET, FakeDesk, owner, says, ticket

from evaluation.__main__ import arguments
from evaluation.api import ApiError
from evaluation.cases import Case
from evaluation.customer import Temper
from evaluation.record import Outcome, Record
from evaluation.report import as_html, as_json
from evaluation.runner import run
from evaluation.tokens import Merchant

MERCHANT = Merchant(CUSTOMER_SECRET, SERVICE_TOKEN)
#: Customers in a hurry, but not with the first word: it may take its time on a busy machine.
QUICK = {"silence_s": 2.0, "pause_s": 0.15, "settle_s": 0.05, "confirm_s": 0.15}

Start = Callable[..., Any]


@pytest.fixture
async def against() -> AsyncIterator[Start]:
    """Runs cases against a desk with the given scripts; keeps the desk for questions."""
    servers: list[TestServer] = []

    async def go(
        desk: FakeDesk, cases: Sequence[Case], merchant: Merchant = MERCHANT, **temper: Any
    ) -> list[tuple[Record, Outcome]]:
        server = TestServer(desk.app)
        servers.append(server)
        await server.start_server()
        mood = Temper(**{**QUICK, **temper})
        url = str(server.make_url("/"))
        return await run(cases, url, merchant, mood, concurrency=4, out=io.StringIO())

    yield go
    for server in servers:
        await server.close()


def a_case(message: str, true: str, stated: str | None = None, state: str = "created") -> Case:
    return Case(message, message, true, stated, state, "plain")


async def test_a_case_goes_through_the_customer_api_from_order_to_ticket(against: Start) -> None:
    desk = FakeDesk({"来取件": [[says("已登记"), ticket("pickup_urge"), says("好的", "none")]]})
    [(record, outcome)] = await against(desk, [a_case("来取件", "pickup_urge", "transit_urge")])
    assert outcome.ticket == "pickup_urge" and outcome.questions == 0 and not outcome.error
    assert desk.opened[0]["category"] == "transit_urge"
    assert next(iter(desk.orders.values()))["state"] == "created"
    assert record.ticket == TICKET
    assert outcome.replies_s and outcome.replies_s[0] < 5


async def test_nothing_is_ticked_when_the_case_states_nothing(against: Start) -> None:
    desk = FakeDesk({"来取件": [[ticket("pickup_urge")]]})
    await against(desk, [a_case("来取件", "pickup_urge")])
    assert "category" not in desk.opened[0]


async def test_a_question_is_answered_by_tapping_the_true_need(against: Start) -> None:
    question = says("取件还是退费？", "pickup_urge", "charge_dispute", "none")
    desk = FakeDesk({"扣费": [[question], [ticket("pickup_urge"), says("好的")]]})
    [(_, outcome)] = await against(desk, [a_case("扣费", "pickup_urge")])
    assert desk.taps == ["pickup_urge"]
    assert outcome.ticket == "pickup_urge" and outcome.questions == 1


async def test_none_of_these_is_tapped_when_the_true_need_is_not_offered(against: Start) -> None:
    first = says("催物流？", "transit_urge", "none")
    second = says("哪一个？", "pickup_urge", "charge_dispute", "none")
    desk = FakeDesk({"扣费": [[first], [second], [ticket("charge_dispute")]]})
    [(_, outcome)] = await against(desk, [a_case("扣费", "charge_dispute")])
    assert desk.taps == ["none", "charge_dispute"] and outcome.questions == 2


async def test_without_a_usable_choice_the_same_words_come_once_more_and_then_no_more(
    against: Start,
) -> None:
    desk = FakeDesk({"扣费": [[says("没听懂。")], [says("没听懂。")], [ticket("charge_dispute")]]})
    [(record, outcome)] = await against(desk, [a_case("扣费", "charge_dispute")])
    assert [(turn.kind, turn.value) for turn in record.turns] == [("text", "扣费")] * 2
    assert record.gave_up and outcome.stranded and outcome.ticket is None


async def test_a_silent_desk_strands_the_customer(against: Start) -> None:
    cases = [a_case("扣费", "charge_dispute"), a_case("你好", "chitchat")]
    desk = FakeDesk({"扣费": [], "你好": []})
    results = await against(desk, cases)
    assert all(outcome.stranded for _, outcome in results)


async def test_small_talk_ends_after_the_answer_and_taps_nothing(against: Start) -> None:
    desk = FakeDesk({"你好": [[says("您好，什么事？", "pickup_urge", "none")]]})
    [(record, outcome)] = await against(desk, [a_case("你好", "chitchat", "pickup_urge")])
    assert len(record.turns) == 1 and not desk.taps
    assert not outcome.stranded and outcome.ticket is None


async def test_a_person_on_the_first_message_is_told_from_a_person_after_a_question(
    against: Start,
) -> None:
    desk = FakeDesk(
        {
            "转人工": [[owner("queue"), says("请稍候")]],
            "叫人来": [[says("什么问题？", "pickup_urge")], [owner("queue")]],
        }
    )
    cases = [a_case("转人工", "human"), a_case("叫人来", "human")]
    (_, at_once), (_, late) = await against(desk, cases)
    assert at_once.person_turn == 1 and not at_once.tapped_human
    assert late.person_turn == 2 and late.tapped_human


async def test_a_wrong_ticket_is_left_alone_unless_customers_correct(against: Start) -> None:
    script = [
        [ticket("transit_urge"), says("已登记催物流", "none")],
        [says("那是？", "pickup_urge", "charge_dispute")],
        [ticket("charge_dispute"), says("已改")],
    ]
    desk = FakeDesk({"扣费": script})
    [(record, outcome)] = await against(desk, [a_case("扣费", "charge_dispute")])
    assert len(record.turns) == 1 and outcome.final_ticket == "transit_urge"
    desk = FakeDesk({"扣费": script})
    [(_, outcome)] = await against(desk, [a_case("扣费", "charge_dispute")], corrects=True)
    assert outcome.ticket == "transit_urge" and outcome.final_ticket == "charge_dispute"


async def test_a_slip_taps_a_wrong_need_and_is_taken_back_where_the_desk_lets_it(
    against: Start,
) -> None:
    script = [
        [says("哪个？", "pickup_urge", "charge_dispute")],
        [ticket("pickup_urge"), says("已登记", "none")],
        [says("那是？", "charge_dispute")],
        [ticket("charge_dispute"), says("已改")],
    ]
    desk = FakeDesk({"扣费": script})
    [(record, outcome)] = await against(desk, [a_case("扣费", "charge_dispute")], slip=1.0)
    assert desk.taps == ["pickup_urge", "none", "charge_dispute"]
    assert record.turns[1].slipped and outcome.final_ticket == "charge_dispute"


async def test_a_busy_desk_is_asked_again(against: Start) -> None:
    desk = FakeDesk({"来取件": [[ticket("pickup_urge")]]}, failing={"/api/session": 1})
    [(_, outcome)] = await against(desk, [a_case("来取件", "pickup_urge")])
    assert outcome.ticket == "pickup_urge"


async def test_a_refused_call_ends_the_case_as_broken_and_the_others_go_on(against: Start) -> None:
    desk = FakeDesk({"来取件": [[ticket("pickup_urge")]]})
    wrong_key = Merchant("some-other-secret-that-is-long-enough", SERVICE_TOKEN)
    results = await against(desk, [a_case("来取件", "pickup_urge")] * 2, merchant=wrong_key)
    assert ["bad_token" in outcome.error for _, outcome in results] == [True, True]
    assert all(outcome.stranded for _, outcome in results)


async def test_a_desk_that_is_not_there_stops_the_run(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluation.api.TRIES", 1)
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(ApiError, match="unreachable"):
        await run([a_case("来取件", "pickup_urge")], url, MERCHANT, Temper(), out=io.StringIO())


async def test_the_reports_hold_every_case_and_escape_what_customers_write(
    against: Start, tmp_path: Path
) -> None:
    attack = "<script>alert(1)</script>"
    desk = FakeDesk({attack: [[ticket("transit_urge")]], "来取件": [[ticket("pickup_urge")]]})
    cases = [a_case(attack, "out_of_scope"), a_case("来取件", "pickup_urge", "pickup_urge")]
    pairs = await against(desk, cases)
    report = json.loads(json.dumps(as_json(pairs, "x.jsonl", Temper())))
    assert [one["verdict"] for one in report["cases"]] == ["wrong", "right"]
    assert report["figures"]["solved"]["value"] == 1.0
    assert report["cases"][1]["turns"][0]["heard"][1]["ticket"]["category"] == "pickup_urge"
    page = as_html(pairs, "x.jsonl", Temper())
    assert attack not in page and "&lt;script&gt;" in page


# --- why: read afterwards, for the report


async def test_the_page_gives_the_reasons_that_the_desk_keeps_with_a_ticket(against: Start) -> None:
    desk = FakeDesk({"扣费": [[ticket("transit_urge")]]})
    pairs = await against(desk, [a_case("扣费", "charge_dispute")])
    page = as_html(pairs, "x.jsonl", Temper())
    assert all(f"<li>{reason}</li>" in page for reason in REVIEW["reasons"])
    assert "Not available" not in page and "not available" not in page
    (told,) = as_json(pairs, "x.jsonl", Temper())["cases"][0]["reasons"]["tickets"]
    assert told == {"category": "transit_urge", "review": REVIEW}


async def test_the_reasons_are_read_when_the_last_customer_has_left(against: Start) -> None:
    desk = FakeDesk({"来取件": [[ticket("pickup_urge")]], "扣费": [[says("没听懂。")]] * 2})
    await against(desk, [a_case("来取件", "pickup_urge"), a_case("扣费", "charge_dispute")])
    assert desk.reviews_read_at == [3, 3]


async def test_a_case_with_a_person_tells_why_they_have_it(against: Start) -> None:
    desk = FakeDesk({"扣费": [[owner("queue"), says("请稍候")]]})
    page = as_html(await against(desk, [a_case("扣费", "charge_dispute")]), "x", Temper())
    assert "a person: asked" in page and "客户说：叫人来" in page


async def test_where_there_are_no_reasons_the_page_says_so(against: Start) -> None:
    silent = FakeDesk({"扣费": [[says("没听懂。")]] * 2})
    page = as_html(await against(silent, [a_case("扣费", "charge_dispute")]), "x", Temper())
    assert "Not available: the desk keeps reasons with tickets and with handovers" in page
    unreviewed = FakeDesk({"扣费": [[ticket("transit_urge")]]}, reviewed=None)
    page = as_html(await against(unreviewed, [a_case("扣费", "charge_dispute")]), "x", Temper())
    assert "opened without a review" in page


async def test_a_desk_that_does_not_tell_its_reasons_is_named_and_no_case_breaks(
    against: Start,
) -> None:
    desk = FakeDesk({"扣费": [[ticket("transit_urge")]]}, private=True)
    pairs = await against(desk, [a_case("扣费", "charge_dispute")])
    page = as_html(pairs, "x.jsonl", Temper())
    assert "The reasons of 1 of 1 cases are not available: the desk does not tell (404" in page
    assert "No chart of risk and reliability" in page and not pairs[0][1].error


async def test_the_charts_come_of_the_kept_reviews_and_count_those_without(against: Start) -> None:
    desk = FakeDesk(
        {
            "来取件": [[ticket("pickup_urge")]],
            "扣费": [[ticket("pickup_urge")]],
            "没来": [[owner("queue")]],
            "催催": [[says("没听懂。")]] * 2,
            "你好": [[says("您好")]],
        }
    )
    needs = {"来取件": "pickup_urge", "扣费": "charge_dispute", "没来": "pickup_urge"}
    needs |= {"催催": "transit_urge", "你好": "chitchat"}
    pairs = await against(desk, [a_case(message, true) for message, true in needs.items()])
    told = json.loads(json.dumps(as_json(pairs, "x", Temper())))["calibration"]
    assert (told["cases"], told["guesses"], told["accuracy"]) == (4, 2, 0.5)
    assert told["without"] == {"handed over": 1, "no ticket": 1}
    assert told["risk_coverage"] == [[0.5, 0.5]]
    assert told["reliability"] == [{"count": 2, "probability": 0.91, "right": 0.5}]
    page = as_html(pairs, "x", Temper())
    assert "Risk and coverage (mean risk 0.5000)" in page and "Reliability (" in page
    assert "2 of the 4 cases that need a ticket have one." in page and "handed over: 1" in page


def test_with_a_report_the_page_stands_beside_it(tmp_path: Path) -> None:
    options = arguments(["cases.jsonl", "--report", str(tmp_path / "out.json")])
    assert options.html == tmp_path / "out.html"
    elsewhere = arguments(["cases.jsonl", "--report", "out.json", "--html", "page.html"])
    assert str(elsewhere.html) == "page.html"
    assert arguments(["cases.jsonl"]).html is None
    with pytest.raises(SystemExit):
        arguments(["cases.jsonl", "--report", "out.html"])
