"""How long to wait before a dead part is started again, and reading what /readyz says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.postgres import Postgres
from ops.readiness import Backoff, missing, missing_parts
from ops.trouble import Trouble


def pause_before_each_try(backoff: Backoff, tries: int) -> list[float]:
    """Seconds waited before each try of a part that dies at once each time."""
    now, pauses = 0.0, []
    for _ in range(tries):
        died = now
        while not backoff.is_due("bot", now):
            now += 0.5
        pauses.append(now - died)
    return pauses


def test_the_pause_doubles_up_to_ten_seconds() -> None:
    assert pause_before_each_try(Backoff(), 6) == [1, 2, 4, 8, 10, 10]


def test_after_running_well_the_pause_is_short_again() -> None:
    backoff = Backoff()
    pause_before_each_try(backoff, 5)
    backoff.forgive("bot")
    assert pause_before_each_try(backoff, 1) == [1]


def test_each_part_has_its_own_pause() -> None:
    backoff = Backoff()
    pause_before_each_try(backoff, 5)
    assert not backoff.is_due("desk", 100.0)
    assert backoff.is_due("desk", 101.0)


def test_the_parts_that_do_not_answer_are_named() -> None:
    told = {"ready": False, "database": True, "worker": "elsewhere", "bot": False}
    assert missing_parts(told) == ["bot"]


def test_a_desk_that_does_not_answer_is_what_is_missing() -> None:
    assert missing("http://127.0.0.1:1") == ["desk"]


def test_a_path_that_the_database_cannot_have_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="KEFU_DATA_DIR"):
        Postgres(tmp_path / "my shop").start()
