"""What the simulated customer does, and how their case is judged."""

from __future__ import annotations

import random
from typing import Any

import jwt
import pytest
from fake_desk import LABELS, owner, says, ticket

from evaluation.cases import Case
from evaluation.policy import SAY_AGAIN, STOP, Reply, correction, offered, reply
from evaluation.record import Record, Turn, judge
from evaluation.tokens import Merchant, NoSecret, merchant_from_environment

NEEDS_REFUND = Case("1", "退钱", "charge_dispute", "pickup_urge", "collected", "plain")
WANTS_PERSON = Case("2", "转人工", "human", "pickup_urge", "created", "plain")
CHATS = Case("3", "你好", "chitchat", "pickup_urge", "created", "plain")


def answer(case: Case, *events: dict[str, Any], said_again: bool = False) -> Reply:
    return reply(case, events, LABELS, said_again=said_again)


def judged(case: Case, *turns: list[dict[str, Any]]) -> Any:
    heard = [
        Turn("text", case.message, float(i), heard=[(i + 0.5, event) for event in events])
        for i, events in enumerate(turns)
    ]
    return judge(Record(case, heard))


def test_the_true_need_is_tapped_wherever_it_stands() -> None:
    event = says("哪个？", "none", "pickup_urge", "charge_dispute")
    assert answer(NEEDS_REFUND, event) == Reply("tap", "charge_dispute")


def test_none_is_tapped_only_without_the_true_need() -> None:
    assert answer(NEEDS_REFUND, says("哪个？", "pickup_urge", "none")) == Reply("tap", "none")


def test_yes_is_said_only_when_the_need_is_named() -> None:
    assert answer(NEEDS_REFUND, says("是重复收费吗？", "yes", "no")) == Reply("tap", "yes")
    assert answer(NEEDS_REFUND, says("是催取件吗？", "yes", "no")) == Reply("tap", "no")
    assert answer(NEEDS_REFUND, says("对吗？", "yes", "no")) == Reply("tap", "no")


def test_somebody_with_a_need_does_not_ask_for_a_person_but_repeats_themselves_once() -> None:
    assert answer(NEEDS_REFUND, says("没听懂")) == SAY_AGAIN
    assert answer(NEEDS_REFUND, says("没听懂"), said_again=True) == STOP


def test_somebody_who_wants_a_person_taps_the_person() -> None:
    assert answer(WANTS_PERSON, says("哪个？", "pickup_urge", "none")) == Reply("tap", "human")


def test_small_talk_taps_nothing() -> None:
    assert answer(CHATS, says("哪个？", "pickup_urge", "none")) == STOP


def test_the_newest_question_counts_even_when_plain_words_follow_it() -> None:
    events = [says("哪个？", "pickup_urge"), says("请选择。")]
    assert set(offered(events)) == {"pickup_urge", "human"}
    assert set(offered([says("你好")])) == {"human"}


def test_a_slip_takes_a_wrong_need_and_never_the_right_one() -> None:
    event = says("哪个？", "pickup_urge", "charge_dispute")
    slip = reply(NEEDS_REFUND, [event], LABELS, said_again=False, slip=1.0, dice=random.Random(1))
    assert slip == Reply("tap", "pickup_urge", slipped=True)
    only_right = says("这个？", "charge_dispute")
    sure = reply(
        NEEDS_REFUND, [only_right], LABELS, said_again=False, slip=1.0, dice=random.Random(1)
    )
    assert sure == Reply("tap", "charge_dispute")


def test_a_wrong_ticket_is_corrected_by_none_or_no_when_offered() -> None:
    assert correction([says("已登记", "none")]) == Reply("tap", "none")
    assert correction([says("对吗", "yes", "no")]) == Reply("tap", "no")
    assert correction([says("已登记")]) == STOP


def test_questions_are_the_answers_a_customer_had_to_give_before_the_ticket() -> None:
    question = says("哪个？", "charge_dispute")
    outcome = judged(NEEDS_REFUND, [question], [question], [ticket("charge_dispute")])
    assert outcome.questions == 2 and outcome.ticket == "charge_dispute"


def test_the_first_ticket_is_the_verdict_and_the_last_is_kept_beside_it() -> None:
    outcome = judged(NEEDS_REFUND, [ticket("pickup_urge")], [ticket("charge_dispute")])
    assert (outcome.ticket, outcome.final_ticket) == ("pickup_urge", "charge_dispute")


def test_an_open_question_is_not_stranded_and_a_dead_end_is() -> None:
    assert not judged(NEEDS_REFUND, [says("哪个", "pickup_urge")]).stranded
    assert not judged(NEEDS_REFUND, [says("发生了什么？")]).stranded
    assert judged(NEEDS_REFUND, [says("我只管快递。")]).stranded
    assert judged(NEEDS_REFUND, [says("哪个", "pickup_urge")], []).stranded
    assert judged(NEEDS_REFUND).stranded


def test_small_talk_needs_an_answer_and_no_more() -> None:
    assert not judged(CHATS, [says("您好。")]).stranded
    assert judged(CHATS, []).stranded


def test_each_message_without_a_way_to_a_person_is_a_moment() -> None:
    shut = says("哪个？", "pickup_urge", "-human")
    assert judged(NEEDS_REFUND, [says("您好"), shut]).no_way_out == 1
    assert judged(NEEDS_REFUND, [shut], [shut, says("好")]).no_way_out == 2


def test_a_message_that_leaves_earlier_choices_on_the_screen_is_no_such_moment() -> None:
    later = {"kind": "message", "author": "bot", "text": "还在吗"}
    assert judged(NEEDS_REFUND, [says("您好"), later]).no_way_out == 0
    assert judged(NEEDS_REFUND, [later]).no_way_out == 1


def test_once_a_person_has_it_nothing_is_owed_by_the_bot_and_nothing_allowed() -> None:
    after = says("还有事吗？", "-human")
    outcome = judged(WANTS_PERSON, [owner("queue"), after])
    assert outcome.no_way_out == 0 and outcome.bot_after_person == 1
    assert outcome.person_turn == 1


def test_reply_time_runs_to_the_last_line_of_a_turn() -> None:
    echo = {"kind": "message", "author": "customer", "text": "退钱"}
    turn = Turn("text", "退钱", 1.0, heard=[(1.1, echo), (1.5, says("嗯")), (2.25, says("好"))])
    assert turn.reply_s() == 1.25
    assert Turn("text", "退钱", 1.0, heard=[(1.1, echo)]).reply_s() is None


def test_a_customer_token_says_who_for_which_orders_and_until_when() -> None:
    merchant = Merchant("a-customer-secret-of-sufficient-length", "service")
    token = merchant.customer_token("c1", ["o1"], seconds=60)
    claims = jwt.decode(token, merchant.customer_secret, algorithms=["HS256"])
    assert claims["sub"] == "c1" and claims["orders"] == ["o1"]
    assert claims["exp"] - claims["iat"] == 60


def test_secrets_come_from_the_environment_or_else_from_the_data_directory(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEFU_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KEFU_SERVICE_TOKEN", "from-environment")
    monkeypatch.delenv("KEFU_CUSTOMER_SECRET", raising=False)
    with pytest.raises(NoSecret, match="customer_secret"):
        merchant_from_environment()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "customer_secret").write_text("from-file\n")
    assert merchant_from_environment() == Merchant("from-file", "from-environment")
