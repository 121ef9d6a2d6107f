"""Mistakes of designers are named with their place; the committed files have none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops.validate import ROOT, find_mistakes


@pytest.fixture(name="content")
def _content(tmp_path: Path) -> Path:
    """A copy of all content, to be spoilt."""
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "domain.yml", tmp_path)
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_committed_files_are_right() -> None:
    assert list(find_mistakes(ROOT)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("data/categories.yml", "due_hours: 4", "due_hours: soon", "pickup_urge.due_hours"),
        ("data/categories.yml", "- parcel.collected", "- parcel.eaten", "parcel.eaten"),
        ("data/categories.yml", "zh: 催取件", "zh: ''", "pickup_urge.label"),
        ("data/categories.yml", "    completes_on:", "    complete_on:", "'complete_on'"),
        ("data/categories.yml", "asks_on: [", "asks_on: [parcel.eaten, ", "pickup_urge.asks_on"),
        ("data/categories.yml", "informs_on: [", "asks_on: [", "'asks_on' stands twice"),
        ("data/categories.yml", "  transit_urge:", "  pickup_urge:", "'pickup_urge' stands twice"),
        ("data/carriers/kuaidi100.yml", '    "1": ', '    "0": ', "'0' stands twice"),
        (
            "data/categories.yml",
            "informs_on: [",
            "informs_on: [parcel.collected, ",
            "['parcel.collected'] in informs_on too",
        ),
        (
            "data/categories.yml",
            "    reopens_on: [fee.charged_again]",
            "    reopens_on: [refund.confirmed]",
            "charge_dispute.reopens_on",
        ),
        (
            "data/categories.yml",
            "    due_hours: 72",
            "    waits_hours: {fee.settled: 2}\n    due_hours: 72",
            "charge_dispute.waits_hours: expected facts of completes_on",
        ),
        (
            "data/categories.yml",
            "    due_hours: 72",
            "    waits_hours: {refund.confirmed: soon}\n    due_hours: 72",
            "waits_hours, refund.confirmed: expected a positive number of hours, got 'soon'",
        ),
        (
            "data/categories.yml",
            "parcel.collected: false_pickup",
            "parcel.collected: pickup_urge",
            "reopened_as, parcel.collected: expected another category",
        ),
        (
            "data/categories.yml",
            "parcel.collected: false_pickup",
            "parcel.collected: nothing",
            "expected one of pickup_urge,",
        ),
        (
            "data/categories.yml",
            "check_after_hours: 1",
            "check_after_hours: 0",
            "pickup_urge.check_after_hours",
        ),
        (
            "data/categories.yml",
            "    dispatch: carrier",
            "    dispatch: pigeon",
            "expected carrier or none, got 'pigeon'",
        ),
        ("data/facts.yml", "passes: true", "passes: maybe", "order.failed.passes"),
        ("data/facts.yml", "state: created", "state: unborn", "order.placed.state"),
        ("data/carriers/kuaidi100.yml", "order.placed", "order.lost", "order.lost"),
        ("data/carriers/kuaidi100.yml", "secondType: 4", "secondType: x", "weight_dispute.secondT"),
        ("data/desk.yml", "22:00", "late", "late"),
        ("data/desk.yml", "  from:", "  since:", "quiet_hours: expected keys of from, to"),
        ("data/desk.yml", "legal_days: 7", "legal_days: 4", "promises.legal_warn_days"),
        ("data/desk.yml", "call_before_minutes: 60", "call_before_minutes: 240", "pickup_urge"),
        ("data/desk.yml", "timeouts:", "time_outs:", "expected keys of service_hours"),
        ("data/human.yml", "hints:", "hint:", "data/human.yml: expected keys of threshold"),
        ("data/human.yml", "inside:\n", "inside:\n  - '('\n", "is not a pattern"),
        ("data/demo.yml", "state: accepted", "state: somewhere", "keyboard.state"),
        ("data/demo.yml", "login: agent,", "login: '',", "agent 1: login is missing"),
        ("data/errors.yml", "{zh: 请先写点内容再发送, en:", "{zh: '', en:", "text_blank"),
        ("data/desk.yml", "service_hours:", "service_hours: [", "desk.yml"),
        ("domain.yml", "responses:", "responses: []\nold:", "domain.yml"),
        ("domain.yml", "utter_disclosure:", "utter_hello:", "utter_disclosure is missing"),
    ],
)
def test_a_mistake_is_named_with_its_place(
    content: Path, file: str, old: str, new: str, told: str
) -> None:
    # the sentences that the code says are looked for in the real code
    for folder in ("desk", "actions"):
        (content / folder).symlink_to(ROOT / folder)
    spoil(content / file, old, new)
    mistakes = list(find_mistakes(content))
    assert any(told in mistake for mistake in mistakes), mistakes


def test_a_category_without_an_intent_is_named(content: Path) -> None:
    spoil(content / "domain.yml", "- loss_claim", "- lost_claim")
    assert any("loss_claim" in mistake for mistake in find_mistakes(content))
