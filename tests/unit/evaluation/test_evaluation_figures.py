"""The figures on outcomes made by hand."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import pytest

from actions.review.interval import wilson
from evaluation.__main__ import main
from evaluation.cases import Case
from evaluation.figures import baselines, by_group, confusion, figures, questions_histogram
from evaluation.measure import Figure, gates, missed, percentile
from evaluation.record import Outcome
from evaluation.table import baselines_table, figures_table

PLAIN = Case("1", "来取件", "pickup_urge", "pickup_urge", "created", "plain")
MISTICKED = replace(PLAIN, id="2", stated="transit_urge", kind="trap")
PERSON = replace(PLAIN, id="3", true="human")
CHAT = replace(PLAIN, id="4", true="chitchat")


def right(case: Case = PLAIN, questions: int = 0) -> Outcome:
    return Outcome(case, ticket=case.true, final_ticket=case.true, questions=questions)


def wrong(case: Case = PLAIN) -> Outcome:
    return Outcome(case, ticket="loss_claim", final_ticket="loss_claim")


def of(outcomes: list[Outcome]) -> dict[str, Figure]:
    return {one.name: one for one in figures(outcomes)}


def test_wilson_agrees_with_published_values() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


def test_wilson_says_nothing_when_nothing_was_counted() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_percentile_lies_between_its_neighbours() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.5
    assert percentile([1.0], 95) == 1.0
    assert math.isnan(percentile([], 50))


def test_solved_is_the_right_ticket_without_a_person() -> None:
    handed_over = Outcome(PLAIN, person_turn=2)
    both = replace(right(), person_turn=1)
    found = of([right(), wrong(), handed_over, both])
    assert (found["solved"].hits, found["solved"].of) == (1, 4)
    assert found["wrong"].hits == 1
    assert found["handed_over_unasked"].hits == 2


def test_a_corrected_ticket_still_counts_as_wrong_and_is_shown_apart() -> None:
    corrected = replace(wrong(), final_ticket="pickup_urge")
    found = of([corrected, wrong()])
    assert found["wrong"].hits == 2 and found["solved"].hits == 0
    assert (found["corrected"].hits, found["corrected"].of) == (1, 2)


def test_a_slip_of_the_customer_that_was_put_right_is_solved() -> None:
    put_right = replace(wrong(), slipped=True, final_ticket="pickup_urge")
    stayed_wrong = replace(wrong(), slipped=True)
    found = of([put_right, stayed_wrong])
    assert found["solved"].hits == 1 and found["wrong"].hits == 1


def test_a_person_counts_only_when_they_come_on_the_first_message() -> None:
    at_once, late = Outcome(PERSON, person_turn=1), Outcome(PERSON, person_turn=2)
    figure = of([at_once, late, wrong(PERSON)])["person_on_first_message"]
    assert (figure.hits, figure.of) == (1, 3)


def test_those_who_ask_for_a_person_are_in_no_figure_of_those_who_need_a_ticket() -> None:
    found = of([Outcome(PERSON, person_turn=1)])
    assert found["solved"].of == 0 and math.isnan(found["solved"].value)
    assert found["handed_over_unasked"].of == 0


def test_a_ticket_for_small_talk_is_needless() -> None:
    found = of([wrong(CHAT), Outcome(CHAT)])
    assert (found["needless_ticket"].hits, found["needless_ticket"].of) == (1, 2)
    assert found["wrong"].of == 0


def test_only_clear_and_rightly_ticked_cases_can_be_asked_needlessly() -> None:
    found = of([right(questions=1), right(), right(MISTICKED, questions=1)])
    assert (found["asked_needlessly"].hits, found["asked_needlessly"].of) == (1, 2)


def test_questions_are_counted_over_solved_cases_only() -> None:
    unsolved = replace(wrong(), questions=5)
    figure = of([right(questions=2), right(), unsolved])["questions_per_solved"]
    assert figure.value == 1.0 and figure.of == 2
    assert questions_histogram([right(questions=2), right(), unsolved]) == {2: 1, 0: 1}


def test_moments_without_a_way_out_are_summed_over_all_cases() -> None:
    figure = of([replace(right(), no_way_out=2), replace(right(), no_way_out=1), right()])
    assert figure["no_way_out"].value == 3
    assert figure["no_way_out"].reaches(figure["no_way_out"].goal) is False


def test_reply_times_are_taken_over_every_turn() -> None:
    found = of([replace(right(), replies_s=(1.0, 3.0)), replace(right(), replies_s=(2.0,))])
    assert found["reply_p50_s"].value == 2.0 and found["reply_p50_s"].of == 3


def test_the_baselines_fail_where_they_must() -> None:
    cases = [PLAIN, MISTICKED, PERSON, CHAT]
    found = {name: {one.name: one.value for one in rows} for name, rows in baselines(cases).items()}
    assert found["do nothing"]["stranded"] == 1.0 and found["do nothing"]["wrong"] == 0.0
    assert found["always a person"]["handed_over_unasked"] == 1.0
    assert found["always a person"]["person_on_first_message"] == 1.0
    assert found["trust the tick"]["solved"] == 0.5 and found["trust the tick"]["wrong"] == 0.5
    assert found["trust the tick"]["needless_ticket"] == 1.0


def test_the_confusion_matrix_names_persons_and_the_stranded_too() -> None:
    stranded = Outcome(PLAIN, stranded=True)
    counts = confusion([right(), wrong(), Outcome(PERSON, person_turn=1), stranded, Outcome(CHAT)])
    assert counts == {
        ("pickup_urge", "pickup_urge"): 1,
        ("pickup_urge", "loss_claim"): 1,
        ("human", "person"): 1,
        ("pickup_urge", "stranded"): 1,
        ("chitchat", "no ticket"): 1,
    }


def test_groups_count_cases_that_need_a_ticket() -> None:
    rows = by_group([right(), wrong(MISTICKED), wrong(CHAT)], lambda case: case.kind)
    assert rows["plain"]["cases"] == 1 and rows["plain"]["solved"] == 1.0
    assert rows["trap"]["wrong"] == 1.0


def test_the_table_shows_counts_intervals_and_missed_goals() -> None:
    text = figures_table(figures([right(), wrong()]))
    solved = next(line for line in text.splitlines() if line.startswith("solved"))
    assert "50.0%" in solved and "1/2" in solved and ">= 90.0%" in solved and "MISSED" in solved
    assert "trust the tick" in baselines_table(
        figures([right()]), baselines([PLAIN]), ("solved", "wrong")
    )


def test_a_gate_is_missed_by_a_worse_figure_and_by_one_without_a_value() -> None:
    figured = figures([right(), wrong()])
    limits = gates("solved=0.6,wrong=0.1,needless_ticket=0.02", {one.name for one in figured})
    found = missed(figured, limits)
    assert [sentence.split()[0] for sentence in found] == ["solved", "wrong", "needless_ticket"]
    assert missed(figures([right(), Outcome(CHAT)]), limits) == []


def test_without_a_readable_case_file_or_secrets_the_run_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing.jsonl")]) == 2
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    monkeypatch.setenv("KEFU_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("KEFU_CUSTOMER_SECRET", raising=False)
    assert main([str(empty)]) == 2
    assert "KEFU_CUSTOMER_SECRET" in capsys.readouterr().err


def test_a_gate_must_name_a_figure_and_a_number() -> None:
    for text in ("happy=1", "solved=much", "solved"):
        with pytest.raises(argparse.ArgumentTypeError):
            gates(text, ["solved"])
