"""Asking for a person, recognised without the bot: the word list."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.human_words import decide, normalise, read_human_words
from desk.store.person import simplify

ROOT = Path(__file__).resolve().parents[3]
DATA = yaml.safe_load((ROOT / "data/human.yml").read_text(encoding="utf-8"))
WORDS = read_human_words(DATA, simplify)

ASKS = [
    "转人工",
    "转人工！！！",
    "轉人工",
    "转  人  工",
    "转.人.工",
    "转\u200b人\u200b工",
    "ＺＲＧ",
    "z r g",
    "人工",
    "人工人工人工",
    "给我转人工客服",
    "我要找真人",
    "找你们经理来",
    "叫你们领导接电话",
    "不想跟机器人说话",
    "我要和真人聊",
    "幫我接真人",
    "搵個真人同我傾",
    "有没有活人啊，接人工",
    "不用废话，转人工",
    "先不说快递，人工",
    "客服电话多少",
    "请安排专员给我回电",
    "I want to talk to a real person",
    "get me an agent",
    "can you transfer me to a representative?",
    "human please",
    "humaaaan pleeeease",
    "let me speak with your supervisor",
    "no more bots!",
    "转 human agent",
]
DOES_NOT = [
    "不用转人工，你帮我催就行",
    "不用客服回电，退钱就行",
    "人工打包费凭什么收我5块",
    "快递员说不要联系客服",
    "昨天人工客服说会退款，没退",
    "还没来取件",
    "叫人来取件",
    "机器人模型的零件摔断了",
    "找了半天没找到包裹",
    "没收到本人，工单写的签收",
    "The driver was not a nice human being about my parcel",
    "我寄的是人工草坪",
    "经理签收了但是我没拿到",
    "让快递员给我回电话",
    "淘宝客服电话多少",
    "你是真人吗",
    "客服在吗",
    "I don't need an agent, just cancel it",
    "",
    "。。。",
]

#: Phrases of two characters or more whose meaning does not hang on one of them alone.
PHRASES = ["转人工", "人工客服", "我要真人", "转接人工", "给我接活人", "找你们经理"]
TRADITIONAL = ["轉人工", "人工客服", "我要真人", "轉接人工", "給我接活人", "找你們經理"]
HAN_MARKS = st.sampled_from(["", " ", "  ", "\u200b", "\u3000", "\ufeff"])
ENDINGS = st.text(alphabet="！!。.…～~?？，, \n", max_size=6)


@pytest.mark.parametrize("text", ASKS)
def test_asks_for_a_person(text: str) -> None:
    assert WORDS.asks_for_person(text)


@pytest.mark.parametrize("text", DOES_NOT)
def test_does_not_ask_for_a_person(text: str) -> None:
    assert not WORDS.asks_for_person(text)


@given(st.sampled_from(PHRASES), st.integers(3, 12), st.data())
def test_drawing_a_character_out_changes_nothing(phrase: str, times: int, data: st.DataObject):
    at = data.draw(st.integers(0, len(phrase) - 1))
    assert WORDS.asks_for_person(phrase[:at] + phrase[at] * times + phrase[at + 1 :])


@given(st.sampled_from(PHRASES), HAN_MARKS)
def test_blanks_and_invisible_characters_between_change_nothing(phrase: str, between: str):
    assert WORDS.asks_for_person(between.join(phrase))


@given(st.sampled_from(PHRASES), st.sampled_from(".-·*。_/"))
def test_a_mark_after_every_character_changes_nothing(phrase: str, mark: str):
    assert WORDS.asks_for_person(mark.join(phrase))


@given(st.sampled_from(PHRASES + TRADITIONAL), ENDINGS, ENDINGS)
def test_punctuation_around_changes_nothing(phrase: str, before: str, after: str):
    assert WORDS.asks_for_person(before + phrase + after)


@given(st.sampled_from(["agent", "real person", "zrg", "human please", "live agent"]))
def test_width_and_case_change_nothing(phrase: str):
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in phrase)
    assert WORDS.asks_for_person(wide)
    assert WORDS.asks_for_person(phrase.upper())


@given(st.sampled_from(list(zip(PHRASES, TRADITIONAL, strict=True))))
def test_traditional_characters_change_nothing(both: tuple[str, str]):
    assert normalise(both[0], simplify) == normalise(both[1], simplify)


@given(st.text(max_size=200))
def test_writing_one_way_twice_is_writing_it_once(text: str):
    once = normalise(text, simplify)
    assert normalise(once, simplify) == once


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0, 1), st.booleans())
def test_a_hint_needs_a_less_sure_classifier(
    probability: float, threshold: float, share: float, hint: bool
):
    needed = threshold * share if hint else threshold
    assert decide(hint, probability, threshold, threshold * share) == (probability >= needed)


@given(st.booleans(), st.floats(0.01, 1))
def test_without_a_classifier_a_hint_is_enough(hint: bool, threshold: float):
    assert decide(hint, None, threshold, 0.1) == hint


@given(st.sampled_from(PHRASES), st.floats(0, 1))
def test_what_the_words_say_the_classifier_cannot_deny(phrase: str, probability: float):
    assert WORDS.asks_for_person(phrase, probability)


@pytest.mark.parametrize("text", ["问过人工了，人家说没丢，那你们倒是发车呀", "前台真人值守一整天"])
def test_a_word_said_of_others_is_a_hint_that_the_classifier_may_deny(text: str):
    assert WORDS.found(text) is None
    assert WORDS.hint(text)
    assert WORDS.asks_for_person(text)
    assert WORDS.asks_for_person(text, 0.2)
    assert not WORDS.asks_for_person(text, 0.05)


def test_a_hint_that_needs_a_surer_classifier_than_none_is_refused():
    with pytest.raises(ValueError, match="hint_threshold"):
        read_human_words({"threshold": 0.3, "hint_threshold": 0.4})


def test_without_a_threshold_the_classifier_has_no_say():
    assert not read_human_words({}).asks_for_person("转人工", 1.0)


def every_word() -> list[str]:
    """Every literal piece of the patterns: what a hostile message would be made of."""
    keys = ("exact", "around", "inside", "hints", "unless")
    told = " ".join(str(p) for key in keys for p in DATA[key])
    return sorted(set(re.findall(r"[一-鿿]{1,3}|[a-z]{2,}", told)))


@given(st.lists(st.sampled_from(every_word()), min_size=1, max_size=6), st.integers(50, 700))
def test_no_message_holds_the_desk_up(pieces: list[str], times: int):
    text = ("".join(pieces) * times)[:2000]
    began = time.thread_time()  # not that of a classifier that learns beside it
    WORDS.found(text)
    assert time.thread_time() - began < 2  # some thousandths; a pattern gone wrong takes minutes


def test_a_broken_pattern_is_named():
    with pytest.raises(ValueError, match="inside"):
        read_human_words({"inside": ["(转"]})


def test_a_misspelt_key_is_named():
    with pytest.raises(ValueError, match=r"data/human.yml: expected keys of .* got \['hint'\]"):
        read_human_words({"hint": ["人"]})


def test_a_group_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match="<staf>"):
        read_human_words({"inside": ["找<staf>"]})


@pytest.mark.parametrize("value", ["high", 0, -1, True])
def test_a_threshold_that_is_no_number_is_refused(value: object):
    with pytest.raises(ValueError, match="threshold"):
        read_human_words({"threshold": value})


def test_every_repetition_of_a_group_has_a_limit():
    """`(a|ab)*` can take for ever on a hostile message; `(a|ab){0,4}` cannot."""
    patterns = [str(p) for key in ("inside", "hints", "unless") for p in DATA[key]]
    patterns += [str(word) for group in DATA["groups"].values() for word in group]
    assert [p for p in patterns if re.search(r"\)[*+]|\{\d+,\}", p)] == []
