"""The word list and the classifier together, on messages that nothing was made from."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import yaml

from desk.rules.human_words import read_human_words
from desk.store import content
from desk.store.person import PersonReader, simplify
from desk.store.person_examples import read_examples
from evaluation.cases import read_cases
from evaluation.person import hear, main, messages_of, rates
from evaluation.similar import Line, pairs

ROOT = Path(__file__).resolve().parents[3]
HELD_OUT = Path(__file__).parent / "human_cases.yml"
WORDS = yaml.safe_load((ROOT / "data/human.yml").read_text(encoding="utf-8"))


@pytest.fixture(name="reader", scope="module")
def _reader() -> PersonReader:
    reader = content.load(ROOT).human_words
    assert reader.train()
    return reader


def test_nearly_everyone_of_the_held_out_who_asks_is_heard(reader: PersonReader):
    asked, of = rates(hear(reader, messages_of(HELD_OUT)))["recall"]
    assert of >= 145
    assert asked / of >= 0.97


def test_messages_that_only_mention_people_are_mostly_told_apart(reader: PersonReader):
    asked, of = rates(hear(reader, messages_of(HELD_OUT)))["does not ask"]
    assert of >= 145
    assert asked / of <= 0.05


def test_customers_of_the_development_set_who_need_a_ticket_are_not_handed_over(
    reader: PersonReader,
):
    cases = read_cases(ROOT / "evaluation/cases/dev.jsonl")
    found = rates(hear(reader, [(case.message, case.true) for case in cases]))
    assert found["in scope"][0] <= 1
    assert found["recall"][0] >= 0.97 * found["recall"][1]


def test_the_held_out_messages_are_in_no_training_file():
    held = [Line("held", "held", text) for text, _ in messages_of(HELD_OUT)]
    trained = [Line("trained", "trained", example.text) for example in read_examples(ROOT)]
    alike = [p for p in pairs(held + trained) if p.first.source != p.second.source]
    assert [(p.first.message, p.second.message) for p in alike] == []


def test_the_words_are_enough_and_the_classifier_is_not_asked(reader: PersonReader):
    reading = reader.read("转人工")
    assert reading.asks
    assert reading.words
    assert reading.probability is None


def test_a_message_of_nothing_but_marks_asks_for_nothing(reader: PersonReader):
    assert reader.read("？？？").probability == 0.0


def test_many_threads_may_ask_at_once(reader: PersonReader):
    found: list[bool] = []
    ask = threading.Thread(target=lambda: found.append(reader.asks_for_person("有喘气的没")))
    ask.start()
    expected = reader.asks_for_person("有喘气的没")
    ask.join()
    assert found == [expected]


def reader_over(folder: Path) -> PersonReader:
    return PersonReader(read_human_words(WORDS, simplify), folder)


def test_without_examples_the_words_read_alone(tmp_path: Path):
    reader = reader_over(tmp_path)
    assert not reader.train()
    assert reader.asks_for_person("转人工")
    assert reader.read("快递到哪了").probability is None


def test_a_broken_file_of_examples_costs_only_the_classifier(tmp_path: Path):
    (tmp_path / "data/nlu").mkdir(parents=True)
    (tmp_path / "data/nlu/human.yml").write_text("nlu: [{intent: human, examples: [", "utf-8")
    reader = reader_over(tmp_path)
    assert not reader.train()
    assert reader.asks_for_person("转人工")


def test_the_words_read_while_the_classifier_learns():
    reader = reader_over(ROOT)
    reader.start()
    reader.start()  # a second call does nothing
    assert reader.asks_for_person("转人工")


def test_a_small_set_of_examples_is_learned(tmp_path: Path):
    (tmp_path / "data/nlu").mkdir(parents=True)
    lines = {"human": ["出来聊聊", "出来聊"], "greet": ["早上好", "早上好呀"]}
    for intent, rows in lines.items():
        text = "\n".join(f"      - {row}" for row in rows)
        (tmp_path / f"data/nlu/{intent}.yml").write_text(
            f"nlu:\n  - intent: {intent}\n    examples: |\n{text}\n", "utf-8"
        )
    reader = reader_over(tmp_path)
    assert reader.train()
    asks, greets = reader.read("出来聊聊吧").probability, reader.read("早上好啊").probability
    assert asks is not None
    assert greets is not None
    assert asks > greets


@pytest.mark.parametrize("text", ["asks: 3", "asks: [95546]", "people: []", "- 转人工", "asks: ["])
def test_a_wrong_list_of_more_examples_is_named(tmp_path: Path, text: str):
    (tmp_path / "data/nlu").mkdir(parents=True)
    (tmp_path / "data/nlu/greet.yml").write_text(
        "nlu:\n  - intent: greet\n    examples: |\n      - 你好\n", "utf-8"
    )
    (tmp_path / "data/human_examples.yml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match="human_examples"):
        read_examples(tmp_path)


def test_the_report_names_who_was_misread(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    file = tmp_path / "cases.yml"
    file.write_text("asks: [转人工, 天气不错]\ndoes_not: [接人工]\n", "utf-8")
    assert main([str(file), "--words-only", "--fail-under", "0.9"]) == 1
    told = capsys.readouterr().out
    assert "missed: 天气不错" in told
    assert "wrongly (does_not): 接人工" in told
    assert "50.00%" in told


def test_the_report_cannot_run_without_a_file_it_can_read(capsys: pytest.CaptureFixture[str]):
    assert main(["nowhere.jsonl", "--words-only"]) == 2
    assert "nowhere.jsonl" in capsys.readouterr().err
