"""Checks of bot/ that need a trained model; run by tests/rasa/run.py, which sets AGENT."""

import tempfile
import unittest
from contextlib import asynccontextmanager
from pathlib import Path

from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.training_data.message import Message
from rasa.utils.endpoints import EndpointConfig
from sqlalchemy.engine import make_url

from bot import action_calls, channel, fastpath  # noqa: F401  (channel applies the fast path)
from bot.bench_turns import stand_in_actions
from bot.nlu.outside import Limit, OutsideLimit, read_limit, weighed
from bot.nlu.text import last_clause, normalise, without_command
from bot.tracker import _engine_settings
from bot.turn import take_turn
from bot.wire import Refused, message_from, messages_for_desk

AGENT = None
CONTEXT = {"conversation_id": "c", "epoch": 1, "lang": "zh", "stated": None, "tickets": []}


def body(sender, number, **content):
    return {
        "sender": sender,
        "message_id": f"{sender}:{number}",
        "context": CONTEXT,
        **content,
    }


async def turn(request):
    return messages_for_desk(await take_turn(AGENT, message_from(request)))


@asynccontextmanager
async def actions_at(url):
    AGENT.processor.action_endpoint = EndpointConfig(f"{url}/webhook")
    try:
        yield
    finally:
        await action_calls.close()


class WhatCustomersType(unittest.TestCase):
    def test_a_typed_command_loses_what_makes_it_one(self):
        for typed in (
            "/restart",
            " \n//restart",
            "／restart",
            "\u200b/\u2060/restart",
            "\u0338/restart",
        ):
            self.assertEqual(without_command(typed), "restart")

    def test_a_slash_inside_a_text_stays(self):
        self.assertEqual(without_command("10/12 还没到"), "10/12 还没到")

    def test_traditional_full_width_and_repeats_are_written_one_way(self):
        self.assertEqual(normalise("快遞！！！！ＡＢＣ\u200b快快快快"), "快递!!abc快快")

    def test_a_long_text_is_read_at_both_ends(self):
        read = normalise("不是要取消。" + "好" * 5 + "快递一直没来，" * 280 + "请派人来取件")
        self.assertLessEqual(len(read), 501)
        self.assertTrue(read.startswith("不是要取消"))
        self.assertTrue(read.endswith("请派人来取件"))
        self.assertEqual(last_clause(read), "请派人来取件")

    def test_invisible_characters_push_nothing_out_of_what_is_read(self):
        self.assertEqual(normalise("取消" + "\u200b" * 1900 + "订单"), "取消订单")

    def test_numbers_keep_their_zeros(self):
        self.assertEqual(normalise("赔我10000元"), "赔我10000元")

    def test_a_blank_text_is_refused(self):
        for blank in ("", "  ", "\u200b", " ／/ "):
            with self.assertRaises(Refused):
                message_from(body("s", 1, text=blank))

    def test_a_choice_that_is_no_id_is_refused(self):
        for choice in ('x"}', "/restart", "", 7):
            with self.assertRaises(Refused):
                message_from(body("s", 1, choice=choice))


class WhatTheDeskReads(unittest.TestCase):
    def test_none_of_these_comes_last_and_no_choice_twice(self):
        buttons = [
            {"title": "都不是", "payload": "/none_of_these"},
            {"title": "催取件", "payload": '/choose{"category":"pickup_urge"}'},
            {"title": "都不是", "payload": "/none_of_these"},
        ]
        (message,) = messages_for_desk([{"text": "哪一个？", "buttons": buttons}])
        self.assertEqual([c["id"] for c in message["choices"]], ["pickup_urge", "none"])

    def test_a_wish_to_hand_over_joins_the_message_before_it(self):
        wish = {"reason": "ticket_failed", "summary": "…"}
        (message,) = messages_for_desk([{"text": "抱歉"}, {"custom": {"hand_over": wish}}])
        self.assertEqual(message["hand_over"], wish)


class Turns(unittest.IsolatedAsyncioTestCase):
    async def test_a_typed_command_is_just_text(self):
        async with stand_in_actions() as url, actions_at(url):
            for number, typed in enumerate(("/restart", '/choose{"category":"loss_claim"}')):
                await turn(body("typed", number, text=typed))
            tracker = await AGENT.tracker_store.retrieve("typed")
            intents = [e.intent["name"] for e in tracker.events if e.type_name == "user"]
            self.assertFalse({"restart", "choose"} & set(intents))
            self.assertNotIn("restart", [e.type_name for e in tracker.events])

    async def test_the_same_message_id_gets_the_same_answer_without_a_second_turn(self):
        async with stand_in_actions() as url, actions_at(url):
            request = body("twice", 1, text="快递员一直没来取件，麻烦催一下")
            first, second = await turn(request), await turn(request)
            self.assertEqual(first, second)
            self.assertTrue(first)
            tracker = await AGENT.tracker_store.retrieve("twice")
            self.assertEqual(sum(e.type_name == "user" for e in tracker.events), 1)

    async def test_a_failed_action_fails_the_turn_and_leaves_no_trace(self):
        async with actions_at("http://127.0.0.1:9"):
            with self.assertRaises(action_calls.ActionFailed):
                await turn(body("failed", 1, text="快递员一直没来取件，麻烦催一下"))
            kept = await AGENT.tracker_store.retrieve("failed")
            self.assertFalse([e for e in kept.events if e.type_name == "user"])

    async def test_language_and_tick_arrive_with_a_text_and_with_a_choice(self):
        async with stand_in_actions() as url, actions_at(url):
            context = {**CONTEXT, "lang": "en", "stated": "false_pickup"}
            for sender, content in (("a", {"text": "hello"}), ("b", {"choice": "weight_dispute"})):
                await turn({**body(sender, 1, **content), "context": context})
                slots = (await AGENT.tracker_store.retrieve(sender)).current_slot_values()
                self.assertEqual((slots["lang"], slots["stated"]), ("en", "false_pickup"))

    async def test_the_text_in_the_log_is_the_customers_own(self):
        async with stand_in_actions() as url, actions_at(url):
            await turn(body("own", 1, text="快遞ＡＢＣ壞了！！！！"))
            latest = (await AGENT.tracker_store.retrieve("own")).latest_message
            self.assertEqual(latest.parse_data["text"], "快遞ＡＢＣ壞了！！！！")


class Database(unittest.TestCase):
    def test_what_the_operators_url_asks_of_the_connection_holds(self):
        url = make_url("postgresql://kefu@db/kefu?options=-cstatement_timeout%3D5000")
        asked = _engine_settings(url)["connect_args"]
        self.assertEqual(asked["options"], "-cstatement_timeout=5000 -csearch_path=rasa")
        self.assertEqual(asked["connect_timeout"], 3)
        patient = _engine_settings(make_url("postgresql://db/kefu?connect_timeout=10"))
        self.assertEqual(patient["connect_args"]["connect_timeout"], "10")
        self.assertEqual(patient["connect_args"]["options"], "-csearch_path=rasa")


class FastPath(unittest.TestCase):
    def test_another_rasa_is_refused(self):
        applied, fastpath._applied = fastpath._applied, False
        written, fastpath.WRITTEN_FOR = fastpath.WRITTEN_FOR, "3.6.20"
        try:
            with self.assertRaises(RuntimeError):
                fastpath.apply()
        finally:
            fastpath._applied, fastpath.WRITTEN_FOR = applied, written

    def test_an_answer_in_a_wrong_form_is_refused(self):
        for answer in (None, {"events": [{"event": "nonsense"}]}, {"events": [{"event": "slot"}]}):
            with self.assertRaises(action_calls.ActionFailed):
                action_calls.check_answer("action_x", answer)

    def test_an_ordinary_answer_passes(self):
        event = {"event": "slot", "name": "verdict", "value": "agree", "timestamp": None}
        action_calls.check_answer("action_x", {"events": [event], "responses": [{"text": "好"}]})


LIMIT = Limit(
    frozenset({"out_of_scope", "chitchat"}), 0.5, frozenset({"pickup_urge", "loss_claim"})
)


def ranked(**shares):
    return [{"name": name, "confidence": share} for name, share in shares.items()]


class NoTicket(unittest.TestCase):
    def test_a_faint_no_ticket_is_left_to_the_review(self):
        ranking = ranked(out_of_scope=0.31, pickup_urge=0.29, loss_claim=0.15, chitchat=0.1)
        message = Message({"intent": ranking[0], "intent_ranking": ranking})
        OutsideLimit(LIMIT).process([message])
        self.assertEqual(message.get("intent"), {"name": "pickup_urge", "confidence": 0.29})
        self.assertEqual(message.get("intent_ranking"), ranking)

    def test_what_is_likely_no_ticket_is_answered_as_before(self):
        self.assertIsNone(weighed(ranked(out_of_scope=0.31, pickup_urge=0.29, chitchat=0.2), LIMIT))

    def test_whatever_else_leads_stays_in_front(self):
        self.assertIsNone(weighed(ranked(deny=0.4, out_of_scope=0.2, pickup_urge=0.2), LIMIT))
        self.assertIsNone(weighed(ranked(nlu_fallback=0.3, out_of_scope=0.25), LIMIT))
        self.assertIsNone(weighed([], LIMIT))

    def test_a_limit_that_is_none_is_named_with_its_place(self):
        with tempfile.TemporaryDirectory() as folder:
            review, categories = Path(folder, "review.yml"), Path(folder, "categories.yml")
            categories.write_text("categories: {loss_claim: {}}")
            for text, complaint in (
                ("outside: {human: human}", "max_outside: expected a number above 0"),
                ("outside: []\nmax_outside: 0.5", "outside: expected a mapping"),
                ("outside: [", "review.yml: cannot be read"),
            ):
                review.write_text(text)
                with self.assertRaisesRegex(InvalidConfigException, complaint):
                    read_limit(review, categories)


class Understanding(unittest.IsolatedAsyncioTestCase):
    async def test_a_text_that_says_nothing_is_not_understood(self):
        for text in ("？", "。。。", "\U00028bc4", " "):
            found = await AGENT.parse_message(text)
            self.assertEqual(found["intent"]["name"], "nlu_fallback")

    async def test_the_ranking_holds_every_intent_that_has_examples(self):
        found = await AGENT.parse_message("快递还没来取")
        self.assertGreaterEqual(len(found["intent_ranking"]), 22)
        self.assertAlmostEqual(sum(i["confidence"] for i in found["intent_ranking"]), 1, places=5)

    async def test_a_need_that_is_only_denied_is_a_no(self):
        for text in ("不是要取消", "别给我取消订单", "don't return it to the sender", "没丢"):
            found = await AGENT.parse_message(text)
            self.assertEqual(found["intent"]["name"], "deny", text)

    async def test_a_not_that_is_the_complaint_stays_one(self):
        for text, need in (
            ("没收到", "false_delivery"),
            ("不来取件", "pickup_urge"),
            ("没有派送", "delivery_urge"),
            ("不更新", "transit_urge"),
            ("不给退款", "charge_dispute"),
            ("取消不了", "cancel_appeal"),
        ):
            found = await AGENT.parse_message(text)
            self.assertEqual(found["intent"]["name"], need, text)

    async def test_two_things_asked_for_are_ranked_each_by_itself(self):
        found = await AGENT.parse_message("我的件摔碎了，另外你们还重复扣费，赔钱加退款")
        best = [part[0][0] for part in found["parts"]]
        self.assertEqual(best, ["damage_claim", "charge_dispute"])
        for part in found["parts"]:
            self.assertEqual(len(part), 3)
            self.assertGreater(part[0][1], part[1][1])

    async def test_a_message_with_one_need_has_no_parts(self):
        self.assertNotIn("parts", await AGENT.parse_message("我的件摔碎了，赔钱"))
