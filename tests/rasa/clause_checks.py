"""Checks of the cutting of a message into parts joined as equals; no trained model is needed."""

import tempfile
import unittest
from pathlib import Path

from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.clauses import ROOT, PartCollector, PartSplitter, parts, read_words
from bot.nlu.text import normalise

FILE = ROOT / "data/two_needs.yml"
WORDS = read_words(FILE)


def cut(text):
    return parts(normalise(text), WORDS)


class WhatIsCut(unittest.TestCase):
    def test_a_message_that_joins_nothing_has_no_parts(self):
        for text in ("", "？", "快递还没来取", "件碎了，重复扣费，赔钱", "Broken. Charged twice."):
            self.assertEqual(cut(text), [], text)

    def test_a_joining_word_parts_what_stands_before_it_from_what_follows(self):
        for text, expected in (
            ("件摔碎了，另外你们还重复扣费，退款", ["件摔碎了", "你们还重复扣费,退款"]),
            ("我的件摔碎了\n另外重复扣费", ["我的件摔碎了", "重复扣费"]),
            ("Damaged. Plus, I was charged twice", ["damaged", "i was charged twice"]),
            ("it is broken as well as charged twice", ["it is broken", "charged twice"]),
        ):
            self.assertEqual(cut(text), expected)

    def test_inside_a_clause_only_a_word_with_enough_before_it_parts(self):
        self.assertEqual(cut("送货员另外要了二十元"), [])
        self.assertEqual(cut("我的快递摔碎了还有你们重复扣费"), ["我的快递摔碎了", "你们重复扣费"])

    def test_a_joining_word_with_nothing_on_one_side_parts_nothing(self):
        for text in ("另外", "另外件碎了", "件碎了，另外", "好，另外", "另外另外另外"):
            self.assertEqual(cut(text), [], text)

    def test_a_later_clause_that_asks_for_its_thing_too_begins_the_second_part(self):
        for text, expected in (
            ("箱子烂了要赔,快递员还骂我也要处理", ["箱子烂了要赔", "快递员还骂我也要处理"]),
            ("件碎了，重复扣费，钱也给我退了", ["件碎了,重复扣费", "钱也给我退了"]),
            (
                "Broken, and charged twice, that too please",
                ["broken,and charged twice", "that too please"],
            ),
            ("他也要处理", []),
            ("it took too long, please", []),
        ):
            self.assertEqual(cut(text), expected, text)

    def test_a_word_for_both_makes_parts_of_the_other_clauses(self):
        for text, expected in (
            ("件碎了，重复扣费，都给我处理", ["件碎了", "重复扣费"]),
            ("件碎了，重复扣费，两个问题", ["件碎了", "重复扣费"]),
            ("Broken, charged twice, fix both", ["broken", "charged twice"]),
            ("件碎了，都要赔钱", []),
        ):
            self.assertEqual(cut(text), expected, text)

    def test_what_is_only_told_is_no_part(self):
        for text in (
            "件碎了，另外重复扣费，先给我赔钱",
            "件碎了，另外重复扣费那个就算了",
            "it is broken, also charged twice, but the refund first",
        ):
            self.assertEqual(cut(text), [], text)

    def test_a_latin_word_counts_only_as_a_whole(self):
        for text in ("a surplus fee, and broken", "the bothersome man, he was rude"):
            self.assertEqual(cut(text), [], text)
        told = cut("a firsthand account, also charged twice")  # "first" is not in "firsthand"
        self.assertEqual(told, ["a firsthand account", "charged twice"])

    def test_however_long_and_hostile_the_parts_are_few_and_short(self):
        for piece in (
            "另外",
            "，a另外",
            "件摔碎了呀另外",
            "都要，",
            "also ",
            "on top of ",
            "，",
            "一",
        ):
            found = cut(piece * 40_000)
            self.assertLessEqual(len(found), 6, piece)
            self.assertLessEqual(sum(map(len, found)), 501, piece)


class TheSteps(unittest.TestCase):
    def test_each_message_gets_the_rankings_of_its_own_parts(self):
        texts = ("快递还没来取", "件碎了,另外重复扣费", "没收到,另外重量不对")
        sent = [Message({TEXT: text}) for text in texts]
        split = PartSplitter(PartSplitter.get_default_config()).process(sent)
        self.assertEqual(
            [m.get(TEXT) for m in split],
            [*texts, "件碎了", "重复扣费", "没收到", "重量不对"],
        )
        for message in split:
            read_as = {"name": f"as {message.get(TEXT)}", "confidence": 0.9}
            message.set("intent_ranking", [read_as, *[{"name": "x", "confidence": 0.01}] * 9])
        whole = PartCollector({}).process(split)
        self.assertEqual([m.get(TEXT) for m in whole], list(texts))
        self.assertIsNone(whole[0].get("parts"))
        self.assertEqual(
            [[part[0][0] for part in m.get("parts")] for m in whole[1:]],
            [["as 件碎了", "as 重复扣费"], ["as 没收到", "as 重量不对"]],
        )
        self.assertEqual([len(part) for m in whole[1:] for part in m.get("parts")], [3] * 4)

    def test_a_list_that_is_none_is_named_with_its_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "two_needs.yml")
            good = "joins: [另外]\ntoo: [也请]\nboth: [都要]\n"
            for wrong in ("", "told_only: 先把", "told_only: [1]", 'told_only: [""]'):
                path.write_text(good + wrong, encoding="utf-8")
                with self.assertRaisesRegex(ValueError, "two_needs.yml: told_only: expected"):
                    read_words(path)


if __name__ == "__main__":
    unittest.main()
