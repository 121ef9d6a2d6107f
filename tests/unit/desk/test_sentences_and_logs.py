"""Sentences read from domain.yml; logs without personal data."""

from __future__ import annotations

import pytest

from desk.edges.logs import mask
from desk.rules.sentences import read_sentences

RESPONSES = {
    "utter_hello": [
        {"condition": [{"type": "slot", "name": "lang", "value": "en"}], "text": "Hi {name}"},
        {"text": "您好{name}"},
    ]
}


def test_a_sentence_is_said_in_the_asked_language_with_its_values():
    sentences = read_sentences(RESPONSES)
    assert sentences.say("utter_hello", "zh", name="小林") == "您好小林"
    assert sentences.say("utter_hello", "en", name="Lin") == "Hi Lin"


def test_chinese_stands_in_for_a_missing_translation():
    assert read_sentences({"utter_a": [{"text": "好"}]}).say("utter_a", "en") == "好"


def test_a_value_cannot_smuggle_in_another_placeholder():
    sentences = read_sentences({"utter_a": [{"text": "{a}{b}"}]})
    assert sentences.say("utter_a", "zh", b="2", a="1") == "12"


def test_a_response_without_a_chinese_text_is_refused_by_name():
    with pytest.raises(ValueError, match="utter_hello"):
        read_sentences({"utter_hello": RESPONSES["utter_hello"][:1]})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812345678打不通", "电话****5678打不通"),
        ("YT1234567890123 没动", "****0123 没动"),
        ("身份证11010119900307123X", "身份证****123X"),
        ("call 13800138000.", "call ****8000."),
        ("138-0013-8000 或 138 0013 8000", "****8000 或 ****8000"),
        ("JDVAB12345678901", "****8901"),
        ("port 8000 after 12.5 s", "port 8000 after 12.5 s"),
    ],
)
def test_long_numbers_do_not_reach_the_logs(text, shown):
    assert mask(text) == shown
