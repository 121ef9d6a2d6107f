"""The clocks of tickets: when a person is called, when the law is near, and wrong settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.categories import Categories, Category
from desk.rules.hours import counted_back, counted_on, open_between, open_from
from desk.rules.promises import (
    Promises,
    call_at,
    reach,
    read_promises,
    steps_due,
    within,
)
from desk.rules.service import Service
from desk.rules.ticket import Reopen, Ticket, Watch, decide

DAY_DESK = Service(opens=time(8), closes=time(22))
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def at(clock: str, day: int = 10) -> datetime:
    """A clock time of one of November's days in Shanghai."""
    hour, minute = clock.split(":")
    zone = ZoneInfo("Asia/Shanghai")
    return datetime(2025, 11, day, int(hour), int(minute), tzinfo=zone)


@pytest.mark.parametrize(
    ("promised", "due", "called"),
    [
        (at("09:00"), at("13:00"), at("12:00")),  # within the day: the lead before it
        (at("17:00"), at("07:00", 11), at("21:00")),  # before opening: the evening before
        (at("17:00"), at("08:30", 11), at("21:30")),  # half an hour of the lead in the morning
        (at("17:00"), at("09:00", 11), at("08:00", 11)),  # just enough time after opening
        (at("18:00"), at("22:30"), at("21:00")),  # after closing
        (at("21:40"), at("01:40", 11), at("21:45")),  # less than the lead: a quarter of the rest
        (at("21:10"), at("01:10", 11), at("21:22").replace(second=30)),  # the same
        (at("05:00"), at("09:00"), at("08:00")),  # promised in the night: at opening
        (at("04:20"), at("08:20"), at("08:00")),  # the same, with less than the lead left
        (at("23:00"), at("03:00", 11), at("02:00", 11)),  # one night: nobody is ever there
        (at("23:00"), at("08:00", 11), at("07:00", 11)),  # due at the moment of opening
    ],
)
def test_a_person_is_called_with_time_left_to_do_something(promised, due, called):
    assert call_at(DAY_DESK, HOUR, promised, due) == called


def test_a_desk_round_the_clock_calls_the_lead_before_the_promise():
    always = Service(opens=time(0), closes=time(0))
    assert call_at(always, HOUR, at("21:00"), at("07:00", 11)) == at("06:00", 11)


def test_hours_past_midnight_count_as_one_evening():
    night = Service(opens=time(18), closes=time(2))
    assert call_at(night, 2 * HOUR, at("12:00"), at("10:00", 11)) == at("00:00", 11)
    assert call_at(night, 3 * HOUR, at("12:00"), at("10:00", 11)) == at("23:00")


clocks = st.times().map(lambda t: t.replace(second=0, microsecond=0))
moments = st.integers(0, 2 * 365 * 24 * 3600).map(
    lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s)
)
# Berlin changes its clocks; hours that begin or end inside the missing hour are nobody's.
services = st.builds(
    Service,
    timezone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles"]),
    opens=clocks.filter(lambda t: t.hour >= 4),
    closes=clocks.filter(lambda t: t.hour >= 4 or t == time(0)),
).filter(lambda s: s.opens == s.closes or open_minutes_a_day(s) >= 10)
leads = st.integers(1, 24 * 60).map(lambda m: timedelta(minutes=m))
spans = st.integers(1, 7 * 24 * 3600).map(lambda s: timedelta(seconds=s))


def open_minutes_a_day(service: Service) -> int:
    begin, end = (60 * t.hour + t.minute for t in (service.opens, service.closes))
    return (end - begin) % (24 * 60)


@given(services, leads, moments, spans)
def test_the_call_comes_in_time_never_too_early_and_in_service_hours(service, lead, made, span):
    due = made + span
    called = call_at(service, min(lead, span), made, due)
    assert made <= called < due
    first_open = open_from(service, made)
    if first_open < due:  # somebody is there between promise and due time
        assert service.is_open(called)
        rest = open_between(service, made, due)
        enough_time = open_between(service, called, due) >= min(lead, rest * 0.75) - SECOND
        assert enough_time or called == first_open


@given(services, leads, moments, spans, st.integers(-3600 * 30, 3600 * 200))
def test_the_search_finds_every_promise_whose_call_has_come_and_few_others(
    service, lead, made, span, later
):
    now, due = made + timedelta(seconds=max(later, 0)), made + span
    lead = min(lead, span)
    found = reach(service, lead, now)
    come = call_at(service, lead, made, due) <= now
    assert within(found, made, due) or not come
    scarce = open_from(service, made) == made and open_between(service, made, due) < lead / 0.75
    assert within(found, made, due) == come or due == found.due_by or scarce


@given(services, moments, spans)
def test_open_time_between_two_moments_is_what_counting_on_takes(service, begin, span):
    between = open_between(service, begin, begin + span)
    assert timedelta() <= between <= span
    if between:
        assert counted_on(service, begin, between) <= begin + span


@given(services, leads, moments)
def test_open_time_counted_on_and_back_is_the_same(service, span, moment):
    start = open_from(service, moment)
    assert service.is_open(start)
    assert counted_back(service, counted_on(service, start, span), span) == start


def ticket(**changes: object) -> Ticket:
    now = at("09:00")
    opened = Ticket(
        "t1", "o1", "c1", "pickup_urge", "", now, now + 4 * HOUR, promised_at=now, complained_at=now
    )
    return replace(opened, **changes)  # type: ignore[arg-type]


def test_each_step_is_taken_once_for_a_promise():
    rules, watched, taken = Promises(), ticket(), []
    for minutes in range(0, 7 * 24 * 60, 15):
        now = at("09:00") + timedelta(minutes=minutes)
        for step in steps_due(DAY_DESK, rules, None, watched, now):
            watched, _ = decide(watched, Watch(step), now)
            taken.append((step, now))
    assert taken == [
        ("called", at("12:00")),
        ("broken", at("13:00")),
        ("warned", at("09:00", 15)),
    ]


def test_a_category_may_give_its_people_longer():
    assert steps_due(DAY_DESK, Promises(), 180, ticket(), at("10:00")) == ("called",)
    assert steps_due(DAY_DESK, Promises(), None, ticket(), at("10:00")) == ()


def test_a_ticket_that_is_done_has_no_clock():
    done = ticket(state="completed", completed_at=at("09:30"))
    assert steps_due(DAY_DESK, Promises(), None, done, at("09:00", 20)) == ()


def reopened(complains: bool) -> Ticket:
    done = ticket(
        state="completed",
        completed_at=at("09:00", 14),
        called_at=at("12:00"),
        broken_at=at("13:00"),
        warned_at=at("09:00", 15),
    )
    due = at("20:00", 15)
    return decide(done, Reopen("", due, complains), at("16:00", 15))[0]


def test_a_reopened_ticket_has_a_promise_of_its_own():
    again = reopened(complains=True)
    assert (again.promised_at, again.due_at) == (at("16:00", 15), at("20:00", 15))
    assert (again.called_at, again.broken_at, again.warned_at) == (None, None, None)
    assert again.complained_at == at("16:00", 15)


def test_news_that_undo_a_completion_leave_the_legal_clock_running():
    again = reopened(complains=False)
    assert again.called_at is None
    assert (again.complained_at, again.warned_at) == (at("09:00"), at("09:00", 15))


def test_no_promise_is_later_than_the_law_allows():
    rules, complained = Promises(legal_days=7), at("09:00")
    assert rules.due_at(72, complained, at("09:00")) == at("09:00", 13)
    assert rules.due_at(72, complained, at("09:00", 16)) == at("09:00", 17)
    # its time is over: a promise in the past would be none
    assert rules.due_at(4, complained, at("09:00", 20)) == at("13:00", 20)


def categories(**values: object) -> Categories:
    words = {"zh": "催", "en": "urge"}
    row = {"due_hours": 4, **values}
    return Categories({"urge": Category("urge", words, words, words, **row)})  # type: ignore[arg-type]


def test_the_settings_are_read():
    given_ = {"promises": {"call_before_minutes": 90, "legal_days": 6, "legal_warn_days": 4}}
    assert read_promises(given_, categories()) == Promises(90, 6, 4)
    assert read_promises({}, categories()) == Promises(60, 7, 5)


@pytest.mark.parametrize(
    ("given_", "row", "error"),
    [
        ([], {"due_hours": 200}, "at most the 7 days of the law \\(168 hours\\), got 200"),
        ({"call_before_minutes": 240}, {}, "less than its due_hours \\(240 minutes\\), got 240"),
        ({}, {"call_before_minutes": 300}, "urge.call_before_minutes: .* got 300"),
        ({"legal_warn_days": 7}, {}, "legal_warn_days: expected less than legal_days"),
        ({"call_before_minutes": "1h"}, {}, "positive whole number, got '1h'"),
        ({"legal_days": 0}, {}, "promises.legal_days: expected a positive whole number, got 0"),
        (
            {"call_before": 5},
            {},
            "expected keys of call_before_minutes, .* got \\['call_before'\\]",
        ),
        ("soon", {}, "promises: expected a mapping, got 'soon'"),
    ],
)
def test_wrong_settings_are_named(given_, row, error):
    with pytest.raises(ValueError, match=error):
        read_promises({"promises": given_}, categories(**row))
