"""Typed answers to a question with choices."""

from __future__ import annotations

import pytest

from actions.catalog import Catalog
from actions.review.answer import read_answer
from actions.review.wrong_ticket import WrongTicket

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


@pytest.mark.parametrize(
    "text",
    [
        *("都要", "两个都要", "都是", "我都要的", "全都要", "都", "两个都", "都给我办了吧"),
        *("两个", "两样", "两件", "俩", "2个", "兩個", "我要两个", "两件事都要办"),
        *("1和2", "1、2", "第一个和第二个", "第一个和第二个都要", "1 and 2", "催取件和重复收费"),
        *("both", "all", "both of them", "I want both", "both please"),
    ],
)
def test_both_of_two(catalog: Catalog, text: str) -> None:
    answer = read_answer(text, TWO, catalog.words())
    assert (answer.kind, answer.categories) == ("several", TWO)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("三个", THREE), ("三个都要", THREE), ("都", THREE), ("all three", THREE)),
        *(("1和3", (THREE[0], THREE[2])), ("后两个", THREE[1:]), ("前面两个", THREE[:2])),
        ("两个", ()),  # of three: nobody knows which
    ],
)
def test_several_of_three(catalog: Catalog, text: str, wanted: tuple[str, ...]) -> None:
    answer = read_answer(text, THREE, catalog.words())
    assert (answer.kind, answer.categories) == ("several", wanted)


@pytest.mark.parametrize("text", ["三个", "都没有", "两天了", "俩人没来", "1和4"])
def test_not_every_number_is_one_of_the_choices(catalog: Catalog, text: str) -> None:
    assert read_answer(text, TWO, catalog.words()).kind == "unclear"


def test_without_a_question_there_is_no_answer(catalog: Catalog) -> None:
    assert read_answer("第一个", (), catalog.words()).kind == "unclear"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "不对，我是要退钱",
            "搞错了",
            "你搞错了吧",
            "不是我要的",
            "that's wrong",
            "No, cancel it",
        ),
        *(
            "类型错了",
            "不是这个，我要改地址",
            "登记错了",
            "不对 我要退钱",
            "wrong category, please",
        ),
    ],
)
def test_a_message_can_begin_by_turning_down_the_ticket(
    wrong_ticket: WrongTicket, text: str
) -> None:
    assert wrong_ticket.rejects(text)


@pytest.mark.parametrize(
    "text",
    [
        *("快递不对劲", "还没来", "不是说今天来吗", "nothing arrived", "弄错了地址，帮我改一下"),
        *("Wrong address, please change it to my office", "Wrong weight, you charged me for 9 kg"),
        *("搞错收件人电话了帮我改一下", "不对啊，怎么还扣了两次钱"),
    ],
)
def test_a_need_of_its_own_that_begins_alike_does_not(wrong_ticket: WrongTicket, text: str) -> None:
    assert not wrong_ticket.rejects(text)
