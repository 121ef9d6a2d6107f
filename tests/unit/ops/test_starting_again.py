"""How long to wait before a dead part is started again, and reading what /readyz says."""

from __future__ import annotations

import pytest

from ops.postgres import tracker_url
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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "postgresql://postgres:@/kefu?host=/tmp/a b",
            "postgresql://postgres:@/kefu?host=%2Ftmp%2Fa%20b&options=-csearch_path%3Dbot",
        ),
        (
            "postgres://u:p%40ss@db:5432/kefu",
            "postgresql://u:p%40ss@db:5432/kefu?options=-csearch_path%3Dbot",
        ),
        (
            "postgresql+psycopg://u@db/kefu?options=-cwork_mem%3D8MB",
            "postgresql://u@db/kefu?options=-cwork_mem%3D8MB%20-csearch_path%3Dbot",
        ),
    ],
)
def test_rasa_gets_the_same_database_with_its_own_schema(given: str, expected: str) -> None:
    assert tracker_url(given) == expected


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(Trouble, match="expected postgresql://"):
        tracker_url("mysql://u@db/kefu")
