"""The designer's file: nothing twice, nothing decided is lost, a mistake is named exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from learning import decisions
from learning.candidates import Candidate
from learning.decisions import BadDecision, Decision
from learning.nearness import Taken

LABELS = ("pickup_urge", "loss_claim", "chitchat")
AT = datetime(2026, 1, 2, tzinfo=UTC)


def found(entry: str, text: str, label: str = "pickup_urge") -> Candidate:
    return Candidate(entry, text, label, "choice", "loss_claim", AT)


def merged(kept: list[Decision], *new: Candidate) -> tuple[list[Decision], int, int]:
    return decisions.merge(kept, new, Taken(one.text for one in kept).takes)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "candidates.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_new_candidate_waits_with_a_blank_decision(tmp_path) -> None:
    entries, new, alike = merged([], found("t1:1", "快递员一直没来取件"))
    path = tmp_path / "learned" / "candidates.yml"
    decisions.write(path, entries)
    assert (new, alike) == (1, 0)
    assert "\n  accept:\n" in path.read_text(encoding="utf-8")
    assert decisions.read(path, LABELS) == entries


def test_decisions_survive_writing_and_reading_word_for_word(tmp_path) -> None:
    texts = ["# 不是注释: [电话] {x}", "- 'quoted' \"twice\"", "yes", "真的吗？🙏 null", "a: b"]
    entries = [
        Decision(f"t:{n}", text, "loss_claim", n % 2 == 0, None, "choice", "2026-01-02", note="问")
        for n, text in enumerate(texts)
    ]
    path = tmp_path / "c.yml"
    decisions.write(path, entries)
    assert decisions.read(path, LABELS) == entries


def test_the_same_line_of_a_ticket_is_never_there_twice_even_if_its_text_was_changed() -> None:
    (entries, *_) = merged([], found("t1:1", "快递员一直没来取件"))
    changed = [decisions.replace(entries[0], text="完全另外写的一句", accept=False)]
    assert merged(changed, found("t1:1", "快递员一直没来取件")) == (changed, 0, 0)


def test_what_was_decided_keeps_the_designers_label() -> None:
    (entries, *_) = merged([], found("t1:1", "快递员一直没来取件"))
    decided = [decisions.replace(entries[0], label="chitchat", accept=True)]
    assert merged(decided, found("t1:1", "快递员一直没来取件"))[0] == decided


def test_what_is_still_open_follows_the_tickets_latest_category() -> None:
    (entries, *_) = merged([], found("t1:1", "快递员一直没来取件"))
    (after, *_) = merged(entries, found("t1:1", "快递员一直没来取件", "loss_claim"))
    assert after[0].label == "loss_claim"


def test_near_duplicates_are_left_out_and_counted() -> None:
    kept, new, alike = merged(
        [],
        found("t1:1", "快递员一直没来取件我等了一天"),
        found("t2:1", "快递员一直没来取件，我等了一天！"),
        found("t3:1", "东西丢了谁来赔"),
    )
    assert ([one.entry for one in kept], new, alike) == (["t1:1", "t3:1"], 2, 1)


def test_a_refused_message_does_not_count_until_the_mark_is_taken_out() -> None:
    one = Decision("t1:1", "x", "pickup_urge", True, None, "choice", "2026-01-02")
    assert one.counts
    (refused,) = decisions.refuse([one], {"t1:1"}, "2026-01-03: worse")
    assert not refused.counts


def test_no_file_yet_is_no_entries(tmp_path) -> None:
    assert decisions.read(tmp_path / "none.yml", LABELS) == []


@pytest.mark.parametrize("said", ["yes", "'YES'", "true", "Yes"])
def test_yes_may_be_written_as_people_write_it(tmp_path, said) -> None:
    text = f"candidates:\n- {{entry: 't:1', text: a, label: chitchat, accept: {said}}}\n"
    assert decisions.read(written(tmp_path, text), LABELS)[0].accept is True


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("{entry: 't:1', text: a, label: nonsense}", r"entry 1 \(t:1\): `label`: 'nonsense'"),
        ("{entry: 't:1', text: a, label: chitchat, accept: perhaps}", "expected yes, no or nothi"),
        ("{entry: 't:1', text: a, label: chitchat, accept: 1}", "expected yes, no or nothing"),
        ("{entry: 't:1', text: '', label: chitchat}", "`text`: expected a text"),
        ("{text: a, label: chitchat}", "entry 1: `entry`"),
        ("{entry: 't:1', text: a, label: chitchat, acept: yes}", "`acept` is not known here"),
        ("just words", "expected text, label, accept"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_entry(tmp_path, row, complaint) -> None:
    with pytest.raises(BadDecision, match=complaint):
        decisions.read(written(tmp_path, f"candidates:\n- {row}\n"), LABELS)


@pytest.mark.parametrize("text", ["candidates: [", "- a\n", "candidates: 7\n"])
def test_a_file_of_another_shape_is_refused_in_words(tmp_path, text) -> None:
    with pytest.raises(BadDecision, match=r"not valid YAML|expected a list"):
        decisions.read(written(tmp_path, text), LABELS)


def test_an_entry_that_stands_there_twice_is_named(tmp_path) -> None:
    row = "- {entry: 't:1', text: a, label: chitchat}\n"
    with pytest.raises(BadDecision, match="t:1 stands there twice"):
        decisions.read(written(tmp_path, f"candidates:\n{row}{row}"), LABELS)
