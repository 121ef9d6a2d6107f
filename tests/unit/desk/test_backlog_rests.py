"""How long the background rests: longer while callbacks pour in, but not at any price."""

from __future__ import annotations

import pytest

from desk.edges.backlog import Backlog, rests


@pytest.mark.parametrize(
    ("a_second", "oldest_s", "expected"),
    [
        (0, 0, 1),
        (0, 500, 1),
        (200, 0, 11),
        (200, 30, 11),
        (200, 75, 6),
        (200, 120, 1),
        (200, 5000, 1),
    ],
)
def test_it_rests_less_and_less_as_the_oldest_callback_ages(a_second, oldest_s, expected):
    assert rests(a_second, oldest_s) == pytest.approx(expected)


def test_one_large_batch_after_a_pause_is_no_flood_and_many_are():
    backlog = Backlog(desk=None)  # type: ignore[arg-type]
    steady = [backlog.floods(stored) for stored in (5, 8, 3, 60, 6, 4, 7, 40, 5)]
    assert not any(steady)
    assert [backlog.floods(32) for _ in range(20)][-1]
    assert not [backlog.floods(4) for _ in range(20)][-1]
