"""The console has words, in both languages, for everything the desk can show it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from desk.edges.console import clock, money
from desk.rules.conversation import HANDOVER_REASONS, OWNERS
from desk.rules.facts import ORDER_STATES
from desk.rules.notifications import KINDS
from desk.rules.ticket import STATES

WEB = Path(__file__).resolve().parents[3] / "desk" / "web"


def words(lang: str) -> dict[str, str]:
    """The console's sentences in one language."""
    return json.loads((WEB / "i18n" / f"console.{lang}.json").read_text(encoding="utf-8"))


def test_both_languages_have_the_same_sentences_with_the_same_placeholders():
    zh, en = words("zh"), words("en")
    assert list(zh) == list(en)
    for key, text in zh.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", en[key])), key


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("reason", HANDOVER_REASONS),
        ("delivery.kind", KINDS),
        ("order.state", ORDER_STATES),
        ("ticket.state", STATES),
        ("thread.owner", OWNERS),
        ("thread", ("customer", "bot", "agent", "system")),
    ],
)
def test_every_code_has_words(group, codes):
    assert [code for code in codes if f"{group}.{code}" not in words("zh")] == []


def test_every_sentence_that_pages_and_scripts_name_exists():
    known = words("zh")
    sources = [
        *(WEB / "templates" / "desk").glob("*.html"),
        *(WEB / "static" / "desk" / "js").glob("*.js"),
    ]
    named = {
        key
        for source in sources
        for key in re.findall(r"\bt\('([a-z_.]+[a-z_])'", source.read_text(encoding="utf-8"))
    }
    assert len(named) > 80
    assert named - set(known) == set()


def test_templates_hold_no_bare_chinese():
    for source in (WEB / "templates" / "desk").glob("*.html"):
        assert not re.search(r"[一-鿿]", source.read_text(encoding="utf-8")), source.name


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0:00"), (0, "0:00"), (65, "1:05"), (3600, "1:00:00")]
)
def test_waiting_times_read_like_a_clock(seconds, shown):
    assert clock(seconds) == shown


def test_money_has_two_digits_and_odd_amounts_are_shown_as_they_came():
    assert money(12) == "12.00"
    assert money("1234.5") == "1,234.50"
    assert money("free") == "free"
