"""Case files, near duplicates, and the charts of probabilities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluation.cases import Case, read_cases
from evaluation.charts import histogram, reliability_chart, risk_coverage_chart
from evaluation.check_cases import ROOT, check, training_lines
from evaluation.probabilities import (
    Guess,
    area_under_risk,
    calibration_error,
    guesses,
    reliability,
    risk_coverage,
)
from evaluation.similar import Line, normalise, pairs

GOOD = {
    "id": "1",
    "message": "快递员还没来取件",
    "true": "pickup_urge",
    "stated": None,
    "order_status": "created",
    "kind": "plain",
}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return path


def alike(*messages: str) -> list[float]:
    return [round(pair.overlap, 2) for pair in pairs(Line("s", "p", one) for one in messages)]


def test_a_case_file_is_read_in_order(tmp_path: Path) -> None:
    path = written(tmp_path / "c.jsonl", GOOD, {**GOOD, "id": "2"})
    assert [case.id for case in read_cases(path)] == ["1", "2"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"true": "refund"}, "true='refund'"),
        ({"stated": "human"}, "stated='human'"),
        ({"order_status": "lost"}, "order_status='lost'"),
        ({"kind": "odd"}, "kind='odd'"),
        ({"message": " "}, "blank"),
        ({"mood": "bad"}, "unknown field 'mood'"),
    ],
)
def test_a_bad_case_is_refused_with_its_line(
    tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    path = written(tmp_path / "c.jsonl", GOOD, {**GOOD, "id": "2", **change})
    with pytest.raises(ValueError, match=r"c\.jsonl:2") as refused:
        read_cases(path)
    assert named in str(refused.value)


def test_an_id_may_not_appear_twice(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        read_cases(written(tmp_path / "c.jsonl", GOOD, GOOD))


def test_messages_are_compared_without_width_script_case_and_punctuation() -> None:
    assert normalise("轉人工！！ ＡＰＰ。") == "转人工app"
    assert normalise("？？") == "??"
    assert normalise("🙏求求了") == "🙏求求了"


def test_equal_but_for_punctuation_is_a_duplicate() -> None:
    assert alike("快递不动了。", "快遞不動了！！") == [1.0]


def test_nearly_the_same_sentence_is_a_duplicate_and_another_of_the_same_topic_is_not() -> None:
    assert alike("我的快递三天没更新了请帮忙催一下", "我的快递三天没更新了请帮忙催一下吧")
    assert not alike("我的快递三天没更新了请帮忙催一下", "轨迹停在郑州，三天没动静")


def test_short_messages_are_duplicates_only_when_equal() -> None:
    assert alike("不寄了", "不寄了") == [1.0]
    assert not alike("不寄了", "不寄")


def test_training_messages_come_from_literal_lists_without_payloads(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        'version: "3.1"\nnlu:\n- intent: human\n  examples: |\n    - 转人工\n    - /choose\n'
        "- lookup: city\n  examples: |\n    - 北京\n",
        "utf-8",
    )
    assert [line.message for line in training_lines(tmp_path)] == ["转人工"]


def test_a_sentence_shared_by_training_and_test_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "nlu:\n- intent: pickup_urge\n  examples: |\n    - 快递员还没来取件呀\n", "utf-8"
    )
    found = check(tmp_path, [written(tmp_path / "test.jsonl", GOOD)])
    assert len(found) == 1 and "test.jsonl 1" in found[0] and "a.yml" in found[0]


def test_a_sentence_shared_by_a_case_and_the_examples_of_a_wish_for_a_person_is_found(
    tmp_path: Path,
) -> None:
    person = tmp_path / "human_examples.yml"
    person.write_text("asks:\n  - 快递员还没来取件！\n  - 叫人\ndoes_not:\n  - 叫人\n", "utf-8")
    nlu = tmp_path / "nlu"
    nlu.mkdir()
    (nlu / "a.yml").write_text("nlu:\n- intent: human\n  examples: |\n    - 叫人\n", "utf-8")
    assert check(nlu, [], person) == []
    (only,) = check(nlu, [written(tmp_path / "dev.jsonl", GOOD)], person)
    assert "dev.jsonl 1" in only and "human_examples.yml" in only


def test_answers_in_the_training_data_may_be_close_but_not_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "nlu:\n- intent: thanks\n  examples: |\n    - thank you\n    - thank you so\n", "utf-8"
    )
    assert check(tmp_path, []) == []
    (tmp_path / "a.yml").write_text(
        "nlu:\n- intent: thanks\n  examples: |\n    - thank you\n    - Thank you!\n", "utf-8"
    )
    assert len(check(tmp_path, [])) == 1


def test_both_sets_hold_at_least_600_cases_and_each_need_in_both() -> None:
    for name in ("dev", "test"):
        cases = read_cases(ROOT / "evaluation" / "cases" / f"{name}.jsonl")
        needs = [case.true for case in cases]
        assert len(cases) >= 600
        assert min(needs.count(need) for need in set(needs)) >= 15 and len(set(needs)) == 15


def test_the_test_set_holds_at_least_60_injections() -> None:
    cases = read_cases(ROOT / "evaluation" / "cases" / "test.jsonl")
    injections = [case for case in cases if case.note.startswith("injection")]
    assert len(injections) >= 60
    assert any(case.message.isascii() for case in injections)


def test_risk_falls_as_only_the_surest_are_answered() -> None:
    made = [Guess(0.9, True), Guess(0.8, True), Guess(0.8, False), Guess(0.3, False)]
    points = risk_coverage(made)
    assert points == [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.5)]
    assert area_under_risk(points) == pytest.approx(0.5 / 3 + 0.125)


def test_perfect_probabilities_have_no_calibration_error() -> None:
    made = [Guess(0.75, True)] * 3 + [Guess(0.75, False)]
    assert calibration_error(made) == pytest.approx(0.0)
    assert calibration_error([Guess(1.0, False)]) == 1.0


def test_reliability_leaves_out_empty_bins() -> None:
    rows = reliability([Guess(0.05, False), Guess(1.0, True), Guess(0.95, False)])
    assert [(row.count, row.right) for row in rows] == [(1, 0.0), (2, 0.5)]


def test_cases_without_a_guess_are_never_covered() -> None:
    points = risk_coverage([Guess(0.9, True), Guess(0.8, False)], of=4)
    assert points == [(0.25, 0.0), (0.5, 0.5)]
    assert area_under_risk(points) == pytest.approx(0.25)


def test_the_likeliest_need_is_the_guess_of_every_case_spoken_of() -> None:
    case = Case("1", "x", "pickup_urge", None, "created", "plain")
    rows = {"1": {"pickup_urge": 0.7, "human": 0.3}}
    assert guesses([case, replace(case, id="2")], rows) == [Guess(0.7, True)]


def test_charts_are_drawn_even_of_nothing() -> None:
    for svg in (histogram({}, "questions"), risk_coverage_chart([]), reliability_chart([])):
        assert svg.startswith("<svg") and svg.endswith("</svg>") and "nan" not in svg
    assert histogram({0: 3, 2: 1}, "questions").count('class="bar"') == 3
