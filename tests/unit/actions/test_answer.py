"""Typed answers to a question with choices."""

from __future__ import annotations

import pytest

from actions.catalog import Catalog
from actions.review.answer import read_answer, rejects

THREE = ("pickup_urge", "charge_dispute", "false_delivery")
TWO = THREE[:2]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("第一个", 0),
        ("第1个", 0),
        ("1", 0),
        ("１", 0),
        ("一", 0),
        ("选1", 0),
        ("我选第一个", 0),
        ("就第一个吧", 0),
        ("第一個", 0),
        ("前面那个", 0),
        ("上面的", 0),
        ("A", 0),
        ("the first one", 0),
        ("first", 0),
        ("option 1 please", 0),
        ("2", 1),
        ("2。", 1),
        ("第二个！", 1),
        ("是第二个", 1),
        ("第二项", 1),
        ("中间那个", 1),
        ("number 2", 1),
        ("I want the second one", 1),
        ("后面那个", 2),
        ("後面那個", 2),
        ("最后一个", 2),
        ("最后那个吧", 2),
        ("下面的", 2),
        ("3", 2),
        ("the last one", 2),
    ],
)
def test_a_place_or_a_number_names_a_choice(catalog: Catalog, text: str, position: int) -> None:
    answer = read_answer(text, THREE, catalog.words())
    assert (answer.kind, answer.category) == ("picked", THREE[position])


@pytest.mark.parametrize("text", ["后面那个", "the latter", "第二个", "2"])
def test_the_last_of_two_is_the_second(catalog: Catalog, text: str) -> None:
    assert read_answer(text, TWO, catalog.words()).category == TWO[1]


@pytest.mark.parametrize("text", ["第三个", "3", "中间那个", "c"])
def test_a_place_beyond_the_choices_is_no_answer(catalog: Catalog, text: str) -> None:
    assert read_answer(text, TWO, catalog.words()).kind == "unclear"


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("催取件", "pickup_urge"),
        ("催快递员上门取件", "pickup_urge"),
        ("我要催取件", "pickup_urge"),
        ("催取件吧，谢谢", "pickup_urge"),
        ("退回多收的费用", "charge_dispute"),
        ("重複收費", "charge_dispute"),
        ("显示已签收，我没收到", "false_delivery"),
        ("Pick up my parcel", "pickup_urge"),
        ("get back what i was overcharged.", "charge_dispute"),
    ],
)
def test_a_buttons_own_words_name_it(catalog: Catalog, text: str, category: str) -> None:
    answer = read_answer(text, THREE, catalog.words())
    assert (answer.kind, answer.category) == ("picked", category)


@pytest.mark.parametrize(
    "text",
    [
        "不是催取件",
        "不要催取件，退钱",
        "催取件和重复收费",
        "你们催取件催了三天都没有用快递员还是不来怎么办",
        "快递员骂我",
        "13800138000",
        "2公斤算成4公斤",
        "",
        "。。。",
        "嗯",
    ],
)
def test_everything_else_is_left_to_the_review(catalog: Catalog, text: str) -> None:
    assert read_answer(text, THREE, catalog.words()).kind == "unclear"


@pytest.mark.parametrize(
    "text",
    [
        *("都不是", "都不是。", "都不對", "以上都不是", "这些都不是的", "一个都不是", "没有我要的"),
        *("none of these", "None", "neither", "something else", "别的", "其他问题"),
    ],
)
def test_none_of_them(catalog: Catalog, text: str) -> None:
    assert read_answer(text, THREE, catalog.words()).kind == "none"


@pytest.mark.parametrize("text", ["都要", "两个都要", "都是", "我都要的", "全都要", "both", "all"])
def test_several_of_them(catalog: Catalog, text: str) -> None:
    assert read_answer(text, TWO, catalog.words()).kind == "several"


def test_without_a_question_there_is_no_answer(catalog: Catalog) -> None:
    assert read_answer("第一个", (), catalog.words()).kind == "unclear"


@pytest.mark.parametrize(
    "text",
    ["不对，我是要退钱", "搞错了", "你搞错了吧", "不是我要的", "that's wrong", "No, cancel it"],
)
def test_a_message_can_begin_by_saying_that_we_got_it_wrong(text: str) -> None:
    assert rejects(text)


@pytest.mark.parametrize("text", ["快递不对劲", "还没来", "不是说今天来吗", "nothing arrived"])
def test_not_every_negation_says_so(text: str) -> None:
    assert not rejects(text)
