"""A ticket's review as an agent reads it; no record keeps the page from being shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, select_autoescape

from desk.edges.review_shown import later_reviews, review_lines, review_reasons

WEB = Path(__file__).resolve().parents[3] / "desk" / "web"
WORDS = json.loads((WEB / "i18n" / "console.en.json").read_text(encoding="utf-8"))

RECORD: dict[str, Any] = {
    "verdict": "clarify",
    "category": "pickup_urge",
    "reasons": ["the message says pickup_urge 0.90", "ticked and written differ: one question"],
    "stated": "false_pickup",
    "order_state": "accepted",
    "message": [["pickup_urge", 0.9], ["charge_dispute", 0.06], ["human", 0.01]],
    "model": {
        "category": "pickup_urge",
        "quote": "还没来取",
        "model": "some-model",
        "latency_ms": 812,
        "mode": "json_schema",
        "cached": False,
        "prompt_version": "1",
        "prompt_tokens": 900,
        "completion_tokens": 21,
        "cost": 0.00021,
    },
    "confirmed_by": "tap",
}


def t(key: str, **values: object) -> str:
    return WORDS[key].format(**values)


def shown(record: Any) -> dict[str, str]:
    return dict(review_lines(record, t, str.upper, str.title))


def test_every_witness_and_the_decision_are_told() -> None:
    assert shown(RECORD) == {
        "Ticked": "FALSE_PICKUP",
        "Message read as": "PICKUP_URGE 90%, CHARGE_DISPUTE 6%, wants a person 1%",
        "Order at the time": "Accepted",
        "Model": "some-model: PICKUP_URGE · “还没来取” · 812 ms · 921 tokens · cost 0.00021"
        " · prompt 1",
        "Decision": "asked the customer first, the customer tapped this category",
    }
    assert review_reasons(RECORD) == RECORD["reasons"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (None, "none configured"),
        ({"model": "m", "silent": "APITimeoutError"}, "m gave no opinion (APITimeoutError)"),
        ({"model": "m", "category": None, "cached": True},
         "m: cannot decide · known from an equal message"),
    ],
)  # fmt: skip
def test_a_model_that_said_little_is_told_in_few_words(model: Any, words: str) -> None:
    assert shown({**RECORD, "model": model})["Model"] == words


@pytest.mark.parametrize("record", [None, {}, [], "x", {"stated": "loss_claim"}, {"verdict": 3}])
def test_a_ticket_without_a_review_shows_none(record: Any) -> None:
    assert shown(record) == {}


@pytest.mark.parametrize("junk", [None, 3, "x", [], {}, [1], [["a"]], [["a", "b"]], {"cost": "x"}])
def test_a_strange_record_still_shows(junk: Any) -> None:
    for key in RECORD:
        shown({**RECORD, key: junk})
        review_reasons({**RECORD, key: junk})


@pytest.mark.parametrize("junk", [None, 3, "x", {}, [None], [{}], [{"verdict": 3}], ["agree"]])
def test_corrections_of_which_nothing_can_be_shown_are_left_out(junk: Any) -> None:
    assert later_reviews({**RECORD, "corrections": junk}) == []


def page_of(record: Any, words: dict[str, str] = WORDS) -> str:
    """The ticket with that review as an agent sees it."""
    env = Environment(
        loader=FileSystemLoader(WEB / "templates"), autoescape=select_autoescape(["html"])
    )

    def said(key: str, **values: object) -> str:
        return words[key].format(**values)

    return env.get_template("desk/_ticket.html").render(
        ticket={"id": "t_1", "category": "pickup_urge", "state": "closed", "review": record},
        t=said,
        label=lambda category: category,
        review_lines=lambda r: review_lines(r, said, str, str),
        review_reasons=review_reasons,
        later_reviews=later_reviews,
    )


def test_the_ticket_on_the_page_has_the_fold_and_escapes_what_a_model_said() -> None:
    page = page_of({**RECORD, "reasons": ["<b>bold</b>"], "stated": "<script>"})
    assert 'id="review-t_1"' in page
    assert "some-model" in page
    assert "<b>bold" not in page
    assert "<script>" not in page
    assert "Correction" not in page


@pytest.mark.parametrize(("lang", "heading"), [("en", "Correction"), ("zh", "更正")])
def test_each_correction_is_told_below_the_first_review(lang: str, heading: str) -> None:
    words = json.loads((WEB / "i18n" / f"console.{lang}.json").read_text(encoding="utf-8"))
    later = [
        {**RECORD, "message": [[name, 0.8]], "reasons": [f"now {name}"]}
        for name in ("loss_claim", "damage_claim")
    ]
    page = page_of({**RECORD, "corrections": later}, words)
    told = [
        "charge_dispute 6%",
        f"<h5>{heading} 1</h5>",
        "loss_claim 80%",
        "now loss_claim",
        f"<h5>{heading} 2</h5>",
        "damage_claim 80%",
        "now damage_claim",
    ]
    places = [page.index(text) for text in told]
    assert places == sorted(places)
    folds = [f'id="reasons-t_1{end}"' for end in ("", "-1", "-2")]
    assert all(page.count(fold) == 1 for fold in folds)


def test_a_correction_of_a_ticket_nobody_reviewed_is_told_too() -> None:
    page = page_of({"stated": "loss_claim", "corrections": [RECORD]})
    assert "Correction 1" in page
    assert page.count("<dl") == 1
