"""The model's budget: kept over restarts, shared by processes, anew each day."""

from __future__ import annotations

import json
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from actions.review.budget import Budget


def budget(tmp_path: Path, calls: int = 0, tokens: int = 0, day: str = "2026-03-01") -> Budget:
    return Budget(tmp_path / "data" / "model_budget.json", calls, tokens, today=lambda: day)


def test_so_many_calls_a_day_and_no_more(tmp_path: Path) -> None:
    ours = budget(tmp_path, calls=2)
    assert [ours.take() for _ in range(4)] == [True, True, False, False]
    assert ours.spent().calls == 2


def test_no_further_call_once_the_tokens_are_used(tmp_path: Path) -> None:
    ours = budget(tmp_path, tokens=1000)
    assert ours.take()
    ours.used(900, 99, 0.001)
    assert ours.take()
    ours.used(900, 99, 0.001)
    assert not ours.take()
    assert ours.spent().tokens == 1998
    assert ours.spent().cost == pytest.approx(0.002)


def test_a_restart_does_not_begin_anew(tmp_path: Path) -> None:
    assert budget(tmp_path, calls=1).take()
    assert not budget(tmp_path, calls=1).take()


def test_the_next_day_begins_anew(tmp_path: Path) -> None:
    assert budget(tmp_path, calls=1, day="2026-03-01").take()
    assert budget(tmp_path, calls=1, day="2026-03-02").take()


def test_without_limits_it_only_counts(tmp_path: Path) -> None:
    ours = budget(tmp_path)
    assert all(ours.take() for _ in range(5))
    assert ours.spent().calls == 5


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"day": 3}', '{"calls": 1}', '{"day": "2026-03-01", "calls": "many"}',
     '{"day": "2026-03-01", "calls": -5}'],
)  # fmt: skip
def test_a_file_that_cannot_be_understood_begins_anew(tmp_path: Path, text: str) -> None:
    ours = budget(tmp_path, calls=1)
    ours.file.parent.mkdir()
    ours.file.write_text(text)
    assert ours.take()
    assert json.loads(ours.file.read_text())["calls"] == 1


def test_a_budget_that_cannot_be_kept_allows_nothing(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    ours = budget(tmp_path, calls=5)
    assert not ours.take()
    ours.used(1, 1, 0.0)


def test_a_half_written_file_of_a_crash_is_not_read(tmp_path: Path) -> None:
    ours = budget(tmp_path, calls=3)
    ours.take()
    ours.file.with_suffix(".99.new").write_text("{")
    assert ours.spent().calls == 1


def _take_twenty(file: str) -> int:
    return sum(Budget(Path(file), calls=50).take() for _ in range(20))


def test_processes_that_share_the_file_share_the_budget(tmp_path: Path) -> None:
    file = str(tmp_path / "model_budget.json")
    # spawned: a fork of a process with threads may hang
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        taken = list(pool.map(_take_twenty, [file] * 4))
    assert sum(taken) == 50


def test_the_log_says_once_a_day_that_it_is_spent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours = budget(tmp_path, calls=1)
    with caplog.at_level(logging.WARNING):
        for _ in range(4):
            ours.take()
    assert len([r for r in caplog.records if "is spent" in r.getMessage()]) == 1
