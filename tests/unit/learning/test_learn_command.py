"""`make learn` from the designer's side: what is in the files after a good and a bad model."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.catalog import load_catalog
from actions.review.settings import load_review_settings
from actions.review.yaml_checks import SettingsError
from evaluation.measure import Figure
from learning.retrain import Workshop, stored
from ops import learn
from ops.learning_data import CASES, REVIEW, case_lines, usable_counts

CATEGORIES = tuple(load_catalog(learn.CATALOG))
TEXT = "箱子杵在玄关两天啦，咋还没人来拎走"


def solved(hits: int) -> list[Figure]:
    return [Figure("solved", "solved", hits / 100, hits, 100, higher_is_better=True)]


class Site:
    """A designer's files in a folder of their own, and a workshop whose next model is `good`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.good, self.trained = folder, True, 0
        self.candidates, self.learned = folder / "candidates.yml", folder / "nlu"

    @contextmanager
    def workshop(self, cases: Path, say: Any) -> Any:
        def train() -> Path:
            self.trained += 1
            return self.folder / "fresh"

        figures = {"now": solved(90), "fresh": solved(91 if self.good else 80)}
        current = self.folder / "now"
        yield Workshop(lambda: current, train, lambda path: None, lambda path: figures[path.name])

    def decide(self, accept: str, label: str = "pickup_urge") -> None:
        row = {"entry": "t_1:1", "text": TEXT, "label": label, "accept": accept}
        self.candidates.write_text(yaml.safe_dump({"candidates": [row]}, allow_unicode=True))

    @property
    def row(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.candidates.read_text("utf-8"))["candidates"][0])


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path)
    monkeypatch.setattr(learn, "CANDIDATES", site.candidates)
    monkeypatch.setattr(learn, "ROOT", tmp_path)
    monkeypatch.setattr(learn, "LEARNED", site.learned)
    monkeypatch.setattr(learn, "workshop", site.workshop)
    monkeypatch.setenv("KEFU_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.delenv("KEFU_DATABASE_URL", raising=False)
    return site


def test_without_conversations_or_decisions_nothing_happens(site, capsys) -> None:
    assert learn.main([]) == 0
    assert site.trained == 0 and not site.candidates.exists()
    assert "0 tickets" in capsys.readouterr().out


def test_an_accepted_message_is_trained_once_and_stays(site) -> None:
    site.decide("yes")
    assert learn.main([]) == 0 and learn.main([]) == 0
    assert site.trained == 1
    assert TEXT in stored(site.learned)["pickup_urge.yml"]


def test_a_corrected_label_is_the_one_that_is_learned(site) -> None:
    site.decide("yes", "human")
    assert learn.main([]) == 0
    assert list(stored(site.learned)) == ["human.yml"]


def test_a_refused_message_is_marked_and_not_tried_again(site, capsys) -> None:
    site.decide("yes")
    site.good = False
    assert learn.main([]) == 1
    assert stored(site.learned) == {} and "90.0% -> 80.0%" in site.row["refused"]
    assert "REFUSED" in capsys.readouterr().out
    assert learn.main([]) == 0
    assert site.trained == 1


def test_a_message_taken_back_goes_whatever_the_figures_say(site) -> None:
    site.decide("yes")
    assert learn.main([]) == 0
    site.decide("no")
    site.good = False
    assert learn.main([]) == 0
    assert stored(site.learned) == {}


def test_a_tolerance_on_the_command_line_lets_a_worse_model_in(site) -> None:
    site.decide("yes")
    site.good = False
    assert learn.main(["--tolerate", "solved=0.2"]) == 0


def test_a_figure_of_the_estimate_alone_can_be_tolerated_too(site) -> None:
    options = learn.arguments(["--tolerate", "nlu_accuracy=0.1,calibration_error=0.1"])
    assert options.tolerate == {"nlu_accuracy": 0.1, "calibration_error": 0.1}
    with pytest.raises(SystemExit):
        learn.arguments(["--tolerate", "reply_p95_s=1"])


def test_the_best_figures_stand_beside_the_decisions(site) -> None:
    site.decide("yes")
    assert learn.main([]) == 0
    assert "0.91" in (site.folder / "best.json").read_text("utf-8")


def test_without_training_only_the_files_are_written(site, capsys) -> None:
    site.decide("yes")
    assert learn.main(["--no-training"]) == 0
    assert site.trained == 0 and "`make learn` trains" in capsys.readouterr().out


def test_an_accepted_message_changed_into_a_test_message_is_left_out(site, capsys) -> None:
    site.decide("yes")
    text = case_lines(CASES / "test.jsonl")[0].message
    row = {**site.row, "text": text}
    site.candidates.write_text(yaml.safe_dump({"candidates": [row]}, allow_unicode=True))
    assert learn.main([]) == 0
    assert site.trained == 0 and "1 accepted ones left out" in capsys.readouterr().out


def test_a_mistake_in_the_file_is_one_sentence_and_code_2(site, capsys) -> None:
    site.decide("maybe")
    assert learn.main([]) == 2
    assert "`accept`: expected yes, no or nothing" in capsys.readouterr().err


# --- how people mistick, in the review


def review_with(folder: Path, observed: str) -> Any:
    (folder / "review.yml").write_bytes(REVIEW.read_bytes())
    (folder / "learned").mkdir()
    (folder / "learned/mistick.yml").write_text(f"observed:\n{observed}", encoding="utf-8")
    return load_review_settings(folder / "review.yml", CATEGORIES)


def test_learned_counts_move_the_reviews_table_beside_those_written_by_hand(tmp_path) -> None:
    before = load_review_settings(REVIEW, CATEGORIES).mistick["pickup_urge"]
    raw = yaml.safe_load(REVIEW.read_text("utf-8"))["mistick"]
    after = review_with(tmp_path, "  pickup_urge: {pickup_urge: 20, loss_claim: 20}\n")
    weight = raw["prior_strength"] + sum(raw["observed"].get("pickup_urge", {}).values())
    expected = (before["loss_claim"] * weight + 20) / (weight + 40)
    assert after.mistick["pickup_urge"]["loss_claim"] == pytest.approx(expected)


def test_a_wrong_learned_file_is_named_with_its_place(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"learned/mistick.yml: observed: nonsense"):
        review_with(tmp_path, "  nonsense: {pickup_urge: 1}\n")


def test_counts_that_would_turn_a_tick_against_itself_are_left_out_and_named() -> None:
    raw = yaml.safe_load(REVIEW.read_text("utf-8"))
    counts = {"pickup_urge": {"loss_claim": 5000}, "loss_claim": {"loss_claim": 5}}
    usable, without = usable_counts(raw, counts, CATEGORIES)
    assert usable == {"loss_claim": {"loss_claim": 5}} and without == ["pickup_urge"]
