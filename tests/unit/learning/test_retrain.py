"""Accepted messages as training data, and a new model that must prove itself."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from actions.review.yaml_checks import SettingsError
from evaluation.check_cases import training_lines
from evaluation.measure import Figure
from learning import nlu
from learning.best import Best, better
from learning.judge import GATED, compared, objections, read_tolerance
from learning.retrain import Workshop, relearn, stored


def share(name: str, hits: int, of: int, up: bool) -> Figure:
    return Figure(name, name, hits / of if of else float("nan"), hits, of, higher_is_better=up)


ROOT = Path(__file__).resolve().parents[3]
TOLERANCE = read_tolerance(ROOT / "data/learning.yml")


def figures(solved: int = 460, wrong: int = 10, person: int = 50) -> list[Figure]:
    return [
        share("solved", solved, 484, True),
        share("wrong", wrong, 484, False),
        share("person_on_first_message", person, 52, True),
        share("nlu_accuracy", 465, 484, True),
    ]


# --- training data in Rasa's format


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("/restart 一下", "restart 一下"),
        (" ／/ /choose{x}", "choose｛x｝"),
        ("我的电话[电话](急)", "我的电话［电话］(急)"),
        ("${HOME} 和 $5", "＄｛HOME｝ 和 ＄5"),
        ("- 两行\n第二行\u2028第三行", "两行 第二行 第三行"),
        ("\u202e倒着\x00的", "倒着的"),
        ("/ -", ""),
    ],
)
def test_a_message_is_written_so_that_rasa_takes_it_literally(said: str, line: str) -> None:
    assert nlu.example(said) == line


def test_the_bots_own_normalising_gives_the_signs_back() -> None:
    assert unicodedata.normalize("NFKC", nlu.example("给[电话]{打} $5")) == "给[电话]{打} $5"


@given(st.lists(st.text(), max_size=6))
def test_any_text_makes_a_file_that_reads_as_the_same_lines(texts: list[str]) -> None:
    made = nlu.files(("chitchat", text) for text in texts)
    lines = list(dict.fromkeys(line for text in texts if (line := nlu.example(text))))
    if not lines:
        assert made == {}
        return
    read = yaml.safe_load(made["chitchat.yml"])["nlu"][0]["examples"]
    assert [row.removeprefix("- ") for row in read.splitlines()] == lines


def test_files_are_what_the_case_check_reads_too(tmp_path) -> None:
    for name, content in nlu.files([("loss_claim", "件丢了"), ("chitchat", "在吗")]).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    assert [line.message for line in training_lines(tmp_path)] == ["在吗", "件丢了"]


# --- the refusal rule


def test_an_equal_or_better_model_is_accepted() -> None:
    assert objections(figures(), figures(), TOLERANCE) == []
    assert objections(figures(), figures(solved=470, wrong=8), TOLERANCE) == []


def test_a_drop_within_the_tolerance_is_accepted() -> None:
    assert objections(figures(), figures(solved=458, wrong=11), TOLERANCE) == []


def test_fewer_solved_or_more_wrong_is_refused_with_the_figures() -> None:
    (only,) = objections(figures(), figures(solved=457), TOLERANCE)
    assert only == "solved: 95.0% -> 94.4% (at most 0.50% worse)"
    assert len(objections(figures(), figures(solved=450, wrong=12, person=49), TOLERANCE)) == 3


def test_a_model_that_understands_less_is_refused_though_questions_hide_it() -> None:
    after = [*figures(solved=470)[:-1], share("nlu_accuracy", 460, 484, True)]
    (only,) = objections(figures(), after, TOLERANCE)
    assert only == "nlu_accuracy: 96.1% -> 95.0% (at most 0.50% worse)"


def test_a_figure_that_lost_its_value_is_a_drop() -> None:
    assert objections(figures(), [share("solved", 0, 0, True)], TOLERANCE) != []


@pytest.mark.parametrize(
    ("figure", "worse"),
    [
        (share("handed_over_unasked", 1, 484, False), share("handed_over_unasked", 3, 484, False)),
        (share("asked_needlessly", 8, 160, False), share("asked_needlessly", 11, 160, False)),
        (
            Figure("questions_per_solved", "questions", 0.50, 240, 480, "mean"),
            Figure("questions_per_solved", "questions", 0.52, 250, 480, "mean"),
        ),
        (
            Figure("calibration_error", "gap", 0.025, 600, 636, "gap"),
            Figure("calibration_error", "gap", 0.035, 600, 636, "gap"),
        ),
    ],
    ids=lambda one: one.name,
)
def test_needless_questions_needless_persons_and_false_certainty_are_a_drop(
    figure: Figure, worse: Figure
) -> None:
    assert objections([figure], [figure], TOLERANCE) == []
    (only,) = objections([figure], [worse], TOLERANCE)
    assert "->" in only and only.startswith(figure.label)


def test_every_figure_that_can_be_held_has_a_tolerance_and_no_other(tmp_path) -> None:
    assert tuple(TOLERANCE) == GATED
    path = tmp_path / "learning.yml"
    path.write_text("tolerance: {solved: 0.005}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"learning.yml: tolerance: wrong"):
        read_tolerance(path)
    rows = "".join(f"  {name}: 0.01\n" for name in (*GATED, "happy"))
    path.write_text(f"tolerance:\n{rows}", encoding="utf-8")
    with pytest.raises(SettingsError, match="happy"):
        read_tolerance(path)


def test_a_model_no_worse_than_the_last_is_refused_when_an_earlier_one_was_better() -> None:
    (only,) = objections(figures(458), figures(457), TOLERANCE, {"solved": 460 / 484})
    assert only == "solved: best so far 95.0% -> 94.4% (at most 0.50% worse)"


def test_the_best_of_each_figure_counts_and_no_value_is_none() -> None:
    found = better({"solved": 0.9, "wrong": 0.01}, [share("solved", 95, 100, True)])
    assert found == {"solved": 0.95, "wrong": 0.01}
    worse = [share("wrong", 2, 100, False), share("nlu_accuracy", 0, 0, True)]
    assert better(found, worse) == found


def test_the_tolerance_can_be_widened() -> None:
    assert objections(figures(), figures(solved=400), {"solved": 0.2}) == []


def test_both_models_stand_side_by_side() -> None:
    told = compared(figures(), figures(solved=470)[:2])
    assert "95.0%" in told and "97.1%" in told and "470/484" in told


# --- training, judged, installed or left out again

FILES = {"loss_claim.yml": "new", "chitchat.yml": "same"}
OLD = {"chitchat.yml": "same", "pickup_urge.yml": "old"}


class Fake:
    """A trainer and a judge; each model's figures are looked up by its name."""

    def __init__(self, folder: Path, **by_model: list[Figure]) -> None:
        self.folder, self.by_model = folder, by_model
        self.trained_on: list[dict[str, str]] = []
        self.installed: list[str] = []
        self.said: list[str] = []
        self.cases = folder.parent / "cases.jsonl"
        self.cases.write_text("the cases", encoding="utf-8")

    @property
    def record(self) -> Path:
        return self.folder.parent / "best.json"

    def best(self) -> Best:
        return Best(self.record, self.cases, self.said.append)

    def workshop(self) -> Workshop:
        return Workshop(
            current=lambda: self.folder.parent / "old",
            train=self.train,
            install=lambda path: self.installed.append(path.name),
            evaluate=lambda path: self.by_model[path.name],
        )

    def train(self) -> Path:
        self.trained_on.append(stored(self.folder))
        fresh = self.folder.parent / "new"
        fresh.write_bytes(b"a model")
        return fresh

    def run(self) -> list[str]:
        return relearn(
            self.folder, FILES, self.workshop(), TOLERANCE, self.best(), self.said.append
        )


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "learned"
    folder.mkdir()
    for name, content in OLD.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_a_better_model_is_installed_and_its_messages_stay(folder) -> None:
    fake = Fake(folder, old=figures(), new=figures(solved=470))
    assert fake.run() == []
    assert fake.trained_on == [FILES] and stored(folder) == FILES
    assert fake.installed == ["new"]
    assert any("before" in line and "after" in line for line in fake.said)


def test_a_worse_model_is_refused_and_everything_is_as_before(folder) -> None:
    fake = Fake(folder, old=figures(), new=figures(solved=440))
    assert len(fake.run()) == 1
    assert fake.trained_on == [FILES] and stored(folder) == OLD
    assert fake.installed == [] and not (folder.parent / "new").exists()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_training_that_breaks_leaves_everything_as_before(folder, error) -> None:
    fake = Fake(folder, old=figures())

    def broken() -> Path:
        raise error

    fake.train = broken  # type: ignore[method-assign]
    with pytest.raises(error):
        fake.run()
    assert stored(folder) == OLD and fake.installed == []


def test_taking_back_the_last_message_leaves_no_empty_folder(folder) -> None:
    fake = Fake(folder, old=figures(), new=figures())
    assert relearn(folder, {}, fake.workshop(), TOLERANCE, fake.best(), fake.said.append) == []
    assert not folder.exists()


# --- the best figures so far


def test_many_small_drops_do_not_add_up(folder) -> None:
    for solved in (458, 456, 454):
        fake = Fake(folder, old=figures(solved + 2), new=figures(solved))
        found = fake.run()
        if found:
            break
    assert solved == 456 and "best so far" in found[0]
    assert Best(fake.record, fake.cases, fake.said.append).values["solved"] > 0.95


def test_the_present_model_counts_among_the_best_and_a_refused_one_does_not(folder) -> None:
    fake = Fake(folder, old=figures(460), new=figures(459, person=52))
    assert fake.run() == []
    assert fake.best().values["solved"] == pytest.approx(460 / 484, abs=1e-5)
    assert fake.best().values["person_on_first_message"] == 1.0
    kept = fake.record.read_text("utf-8")
    refused = Fake(folder, old=figures(), new=figures(solved=470, wrong=30))
    assert refused.run() != [] and fake.record.read_text("utf-8") == kept


@pytest.mark.parametrize("content", ["", "[1]", '{"a": 3}', '{"a": {"solved": "much"}}', "\x00"])
def test_a_record_that_cannot_be_read_is_named_and_written_anew(folder, content) -> None:
    fake = Fake(folder, old=figures(), new=figures(solved=470))
    fake.record.write_text(content, encoding="utf-8")
    assert fake.run() == []
    assert any("best.json cannot be used" in line for line in fake.said)
    assert fake.best().values["solved"] == pytest.approx(470 / 484, abs=1e-5)


def test_without_a_record_it_is_said_that_only_the_present_model_counts(folder) -> None:
    fake = Fake(folder, old=figures(), new=figures())
    assert fake.run() == []
    assert any("no best.json yet" in line for line in fake.said) and fake.record.exists()


def test_figures_of_other_cases_are_not_compared_with_and_stay(folder) -> None:
    fake = Fake(folder, old=figures(470), new=figures(470))
    assert fake.run() == []
    fake.cases.write_text("other cases", encoding="utf-8")
    other = Best(fake.record, fake.cases, fake.said.append)
    assert other.values == {} and "no figures of cases.jsonl" in fake.said[-1]
    other.keep(figures(400))
    fake.cases.write_text("the cases", encoding="utf-8")
    assert fake.best().values["solved"] == pytest.approx(470 / 484, abs=1e-5)


def test_what_is_taken_back_begins_the_record_anew(folder) -> None:
    fake = Fake(folder, old=figures(), new=figures(solved=400))
    fake.best().keep(figures(480))
    assert relearn(folder, {}, fake.workshop(), {}, fake.best(), fake.said.append) == []
    assert fake.best().values["solved"] == pytest.approx(400 / 484, abs=1e-5)
