"""Asking for a person, recognised without the bot."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from desk.rules.human_words import read_human_words

ROOT = Path(__file__).resolve().parents[3]
WORDS = read_human_words(yaml.safe_load((ROOT / "data/human.yml").read_text()))

ASKS = [
    "转人工",
    "转人工！！！",
    "轉人工",
    "转  人  工",
    "人工",
    "人工人工人工",
    "给我转人工客服",
    "我要找真人",
    "找你们经理来",
    "叫你们领导接电话",
    "不想跟机器人说话",
    "我要和真人聊",
    "幫我接真人",
    "有没有活人啊，接人工",
    "I want to talk to a real person",
    "get me an agent",
    "can you transfer me to a representative?",
    "human please",
    "let me speak with your supervisor",
]
DOES_NOT = [
    "不用转人工，你帮我催就行",
    "人工打包费凭什么收我5块",
    "快递员说不要联系客服",
    "还没来取件",
    "机器人模型的零件摔断了",
    "找了半天没找到包裹",
    "The driver was not a nice human being about my parcel",
    "我寄的是人工草坪",
    "经理签收了但是我没拿到",
    "I don't need an agent, just cancel it",
    "",
]


@pytest.mark.parametrize("text", ASKS)
def test_asks_for_a_person(text):
    assert WORDS.asks_for_person(text)


@pytest.mark.parametrize("text", DOES_NOT)
def test_does_not_ask_for_a_person(text):
    assert not WORDS.asks_for_person(text)


def test_a_broken_pattern_is_named():
    with pytest.raises(ValueError, match="inside"):
        read_human_words({"inside": ["(转"]})
