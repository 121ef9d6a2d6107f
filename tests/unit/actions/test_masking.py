"""Personal data is gone before a text leaves the house; the rest stays readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.review.masking import mask


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("打13912345678也打不通", "13912345678"),
        ("电话 139 1234 5678", "1234"),
        ("电话139-1234-5678", "5678"),
        ("+86 13912345678", "13912345678"),
        ("１３９１２３４５６７８", "５６７８"),
        ("座机 0571-87654321", "87654321"),
        ("call +44 20 7946 0958", "7946"),
        ("身份证11010519491231002X", "1101051949"),
        ("单号SF1234567890123一直没动", "SF1234567890123"),
        ("JD0098-7766-55 没动", "7766"),
        ("运单 773312345678901", "773312345678901"),
        ("尾号0917那件", "0917"),
        ("门禁密码 4480", "4480"),
        ("gate code 4480", "4480"),
        ("发到 a.b@example.com", "example"),
        ("放到3号楼2单元501室", "501"),
        ("改到中山路128号", "128"),
        ("广东省深圳市南山区科技园街道", "南山"),
        ("杭州西湖区文三路", "西湖"),
        ("送到景湖花园", "景湖"),
        ("send it to Room 1204, Tower B", "1204"),
        ("88 Tianhe Road", "Tianhe"),
    ],
)
def test_personal_data_is_masked(text: str, secret: str) -> None:
    masked = mask(text)
    assert secret not in masked
    assert "[" in masked


@pytest.mark.parametrize(
    "text",
    [
        "快递员三天没来取件了",
        "3公斤算成5公斤,多收了25元",
        "停了26天,赔我890",
        "小区门口没人",
        "这个地区派送太慢",
        "Marked as collected at 10:14",
        "250ml×12",
    ],
)
def test_ordinary_words_and_small_numbers_stay(text: str) -> None:
    assert mask(text) == text


def test_the_sense_of_a_message_survives() -> None:
    masked = mask("电话13790442618也打得通，可它在太原中转就是不往大同走")
    assert masked == "电话[电话]也打得通,可它在太原中转就是不往大同走"


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@given(st.text(), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_no_mobile_number_gets_through(text: str, phone: str) -> None:
    assert phone not in mask(f"{text} {phone} {text}")
