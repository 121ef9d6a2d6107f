"""The comparison of NLU configurations: its figures, its table, and the one that is in use."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from actions.review.yaml_checks import SettingsError
from evaluation import compare_nlu, nlu_trial
from evaluation.cases import Case
from evaluation.compare_nlu import PAGE, about, all_configs, choice, in_use
from evaluation.nlu_quality import LEAST, Quality, probabilities, quality, sign_test
from evaluation.nlu_table import Choice, Setting, page, table, verdict, why_in_use, winner
from evaluation.nlu_trial import CannotTrain, Cost, Trial, pipeline
from evaluation.rankings import Ranking, Timed

ROOT = Path(__file__).resolve().parents[3]


def case(message: str, true: str) -> Case:
    return Case(message, message, true, "pickup_urge", "accepted", "plain")


def ranking(**heard: float) -> Ranking:
    return tuple(sorted(heard.items(), key=lambda pair: -pair[1]))


def trial(
    name: str, accuracy: float, ms: float = 2, seconds: float = 20, nll: float = 0.5
) -> Trial:
    right = tuple(i < accuracy * 10 for i in range(10))
    found = Quality(accuracy, 0.99, 0.97, 0.012, nll, right)
    return Trial(name, found, 0.9, 0.02, Cost(3, 1), Cost(9, ms), Cost(2 * seconds, seconds), 12.34)


# ------------------------------------------------------------------ figures
def test_greetings_thanks_and_goodbyes_count_as_small_talk_and_the_fallback_as_nothing() -> None:
    heard = ranking(nlu_fallback=0.7, greet=0.2, thanks=0.1, chitchat=0.1, human=0.6)
    assert probabilities(heard) == pytest.approx({"chitchat": 0.4, "human": 0.6})


def test_small_talk_is_right_when_its_parts_together_are_likeliest() -> None:
    cases = [case("你好", "chitchat"), case("催一下", "pickup_urge")]
    heard = ranking(greet=0.3, chitchat=0.3, human=0.4)
    found = quality(cases, {"你好": heard, "催一下": ranking(pickup_urge=1.0)})
    assert found.ece == pytest.approx((0.4 + 0.0) / 2)
    assert found.nll == pytest.approx(-math.log(0.6) / 2)


def test_accuracy_and_top_three_are_of_the_cases_that_need_a_ticket() -> None:
    cases = [case("a", "pickup_urge"), case("b", "loss_claim"), case("c", "human")]
    near = ranking(pickup_urge=0.4, damage_claim=0.3, loss_claim=0.2, human=0.1)
    found = quality(cases, {"a": near, "b": near, "c": near})
    assert (found.accuracy, found.top3, found.right) == (0.5, 1.0, (True, False))
    far = ranking(pickup_urge=0.4, damage_claim=0.3, human=0.2, loss_claim=0.1)
    assert quality(cases, {"a": far, "b": far, "c": far}).top3 == 0.5


def test_the_surest_four_fifths_leave_out_the_guess_with_the_least_probability() -> None:
    cases = [case(str(n), "pickup_urge") for n in range(5)]
    sure = dict.fromkeys("0123", ranking(pickup_urge=0.9, loss_claim=0.1))
    found = quality(cases, sure | {"4": ranking(loss_claim=0.6, pickup_urge=0.4)})
    assert (found.accuracy, found.surest) == (0.8, 1.0)


def test_calibration_error_is_the_gap_between_probability_and_what_happens() -> None:
    cases = [case(str(n), "pickup_urge" if n < 5 else "loss_claim") for n in range(10)]
    found = quality(cases, dict.fromkeys("0123456789", ranking(pickup_urge=0.9, loss_claim=0.1)))
    assert found.ece == pytest.approx(0.4)


def test_a_need_that_the_model_rules_out_costs_much_but_not_everything() -> None:
    found = quality([case("a", "loss_claim")], {"a": ranking(pickup_urge=1.0)})
    assert found.nll == pytest.approx(-math.log(LEAST))


def test_without_a_case_that_needs_a_ticket_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        quality([case("a", "human")], {"a": ranking(human=1.0)})


def test_the_sign_test_counts_only_the_cases_that_part_the_two() -> None:
    assert sign_test([True, True, False], [True, True, False]) == (0, 0, 1.0)
    ours, its, p = sign_test([True] * 6 + [False], [False] * 6 + [False])
    assert (ours, its, p) == (6, 0, pytest.approx(2 / 64))


# ------------------------------------------------------------------ the table
def test_the_most_accurate_within_both_limits_wins() -> None:
    slow, long = trial("slow", 0.9, ms=8), trial("long", 0.9, seconds=60)
    best = winner([slow, trial("small", 0.7), trial("good", 0.8), long])
    assert best is not None and best.name == "good"
    assert winner([slow, long]) is None


def test_better_probabilities_decide_between_equals() -> None:
    best = winner([trial("vague", 0.8, nll=0.4), trial("exact", 0.8, nll=0.3)])
    assert best is not None and best.name == "exact"


def test_the_table_has_a_row_for_each_with_processor_time_before_what_passed() -> None:
    lines = table([trial("words", 0.8), trial("pinyin", 0.9)]).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| `words`", "| `pinyin`"]
    assert "2.0 (9.0) | 20 (40) | 12.3 |" in lines[2]
    assert len({line.count("|") for line in lines}) == 1


def test_the_page_names_command_day_messages_and_which_is_in_use() -> None:
    setting = Setting("2031-05-06", 14000, "evaluation/cases/dev.jsonl", 10, 12, "make compare-nlu")
    about_them = {"words": "Words.", "pinyin": "Sounds."}
    text = page([trial("words", 0.8), trial("pinyin", 0.9)], setting, about_them, Choice("words"))
    for part in ("make compare-nlu", "2031-05-06", "14,000 training messages", "`words`: Words."):
        assert part in text
    assert "Winner: `pinyin`" in text and "In use (`config.yml`): `words`" in text
    assert "only `pinyin` right" in text


def test_it_is_said_when_none_is_within_the_limits_and_when_none_is_in_use() -> None:
    assert verdict([trial("slow", 0.9, ms=9)], Choice(None)).startswith(
        "None is within the limits."
    )
    assert verdict([trial("good", 0.9)], Choice(None)).endswith("`config.yml` is none of them.")


# ------------------------------------------------------------------ the configurations
def test_config_yml_is_one_of_the_compared_configurations() -> None:
    assert in_use(), "put the pipeline of config.yml into evaluation/nlu_configs/ too, and compare"


def test_what_is_in_use_has_a_stated_reason() -> None:
    assert choice(in_use()).because, "state in evaluation/nlu_choice.yml why it is in use"


def test_it_is_said_why_another_than_the_winner_is_in_use_and_what_it_costs() -> None:
    trials = [trial("mixture", 0.8), trial("pinyin", 0.9, seconds=65)]
    told = why_in_use(trials, Choice("pinyin", "Homophones."))
    assert told.startswith("Why `pinyin` is in use all the same: Homophones.")
    assert "outside the limits: 65 s of training instead of 60." in told
    assert "only `pinyin` is right in 1 and only `mixture` in 0" in told
    assert "no reason is stated" in why_in_use(trials, Choice("pinyin"))
    assert why_in_use(trials, Choice("mixture", "Homophones.")) == ""
    setting = Setting("2026-11-22", 1, "dev.jsonl", 10, 12, "make compare-nlu")
    written = page(trials, setting, {"mixture": "", "pinyin": ""}, Choice("pinyin", "Homophones."))
    assert told in written and "no limit of the running system" in written


def test_a_reason_stated_for_another_configuration_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "choice.yml"
    path.write_text("in_use: words\nbecause: It is plain.\n", encoding="utf-8")
    assert choice("words", path) == Choice("words", "It is plain.")
    assert choice("pinyin", path) == Choice("pinyin", "")
    path.write_text("in_use: words\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"choice.yml: because"):
        choice("words", path)


def test_the_page_in_the_documents_speaks_of_the_configuration_in_use() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"`{in_use()}`" in page
    assert all(f"- `{config.stem}`: " in page for config in all_configs())


def test_every_configuration_says_what_it_is_and_no_two_are_alike() -> None:
    configs = all_configs()
    assert configs[-1].stem == "diet" and len(configs) >= 4
    assert all(about(config) for config in configs)
    pipelines = [str(pipeline(config)) for config in configs]
    assert len(set(pipelines)) == len(pipelines)


def test_only_how_a_message_is_understood_differs_between_the_configurations() -> None:
    around = {str([*pipeline(path)[:2], *pipeline(path)[-2:]]) for path in all_configs()}
    assert len(around) == 1


# ------------------------------------------------------------------ the command
def test_a_file_without_a_pipeline_is_refused_before_anything_is_trained(tmp_path, capsys) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("language: zh\n", encoding="utf-8")
    assert compare_nlu.main(["--configs", str(all_configs()[0]), str(wrong)]) == 2
    told = capsys.readouterr().err
    assert "has no pipeline" in told and "training on" not in told


def test_what_rasa_said_last_is_told_when_it_refuses(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(nlu_trial, "ROOT", tmp_path)
    rasa = tmp_path / ".venv-bot" / "bin" / "rasa"
    rasa.parent.mkdir(parents=True)
    rasa.write_text("#!/bin/sh\necho no such component\nexit 1\n", encoding="utf-8")
    rasa.chmod(0o755)
    for name in ("config.yml", "odd.yml"):
        (tmp_path / name).write_text("pipeline: []\n", encoding="utf-8")
    with pytest.raises(CannotTrain, match="no such component"):
        nlu_trial.train(tmp_path / "odd.yml", tmp_path, tmp_path / "odd.tar.gz")


def test_a_trial_puts_training_time_latency_and_outcome_together(tmp_path, monkeypatch) -> None:
    def trained(config: Path, nlu: Path, model: Path) -> Cost:
        model.write_bytes(b"0" * 2_000_000)
        return Cost(30, 20)

    heard = ranking(pickup_urge=0.97, loss_claim=0.03)
    times = [Timed(heard, ms, ms / 2) for ms in (2.0, 4.0)]
    monkeypatch.setattr(nlu_trial, "train", trained)
    monkeypatch.setattr(nlu_trial, "rank_timed", lambda m, _: dict(zip(m, times, strict=True)))
    cases = [case("催", "pickup_urge"), replace(case("丢了", "loss_claim"), stated="loss_claim")]
    found = nlu_trial.trial(tmp_path / "own.yml", tmp_path, cases, tmp_path)
    assert (found.name, found.training, found.megabytes) == ("own", Cost(30, 20), 2.0)
    assert found.p50 == Cost(3.0, 1.5)
    assert found.solved == 1.0 and found.wrong == 0.0 and found.quality.accuracy == 0.5
