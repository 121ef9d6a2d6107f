"""The circuit breaker, in its own time."""

from __future__ import annotations

from actions.review.breaker import Breaker


def broken(at: float = 0.0) -> Breaker:
    breaker = Breaker(failures=3, pause_s=30)
    for _ in range(3):
        breaker.failed(at)
    return breaker


def test_two_failures_are_not_enough() -> None:
    breaker = Breaker(failures=3, pause_s=30)
    breaker.failed(0)
    breaker.failed(0)
    assert breaker.lets_through(0)


def test_a_success_forgets_the_failures_before_it() -> None:
    breaker = Breaker(failures=2, pause_s=30)
    breaker.failed(0)
    breaker.succeeded()
    breaker.failed(0)
    assert breaker.lets_through(0)


def test_after_three_in_a_row_nobody_waits_any_more() -> None:
    assert not broken(at=100).lets_through(129.9)


def test_after_the_pause_one_call_tries_and_the_others_do_not_wait_for_it() -> None:
    breaker = broken(at=100)
    assert breaker.lets_through(130)
    assert not breaker.lets_through(130.1)


def test_a_trial_that_works_closes_it_again() -> None:
    breaker = broken(at=100)
    assert breaker.lets_through(131)
    breaker.succeeded()
    assert breaker.lets_through(131.1)


def test_a_trial_that_fails_begins_a_new_pause() -> None:
    breaker = broken(at=100)
    assert breaker.lets_through(131)
    breaker.failed(133)
    assert not breaker.lets_through(162)
    assert breaker.lets_through(163)
