"""Opening hours, waits and promises."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from desk.rules.service import Service, read_service

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=SHANGHAI)


def test_the_desk_is_open_from_its_opening_to_just_before_its_closing():
    service = Service(opens=time(8), closes=time(22))
    assert service.is_open(at(8))
    assert service.is_open(at(21, 59))
    assert not service.is_open(at(22))
    assert not service.is_open(at(3))


def test_a_night_shift_crosses_midnight():
    service = Service(opens=time(20), closes=time(4))
    assert service.is_open(at(23))
    assert service.is_open(at(3))
    assert not service.is_open(at(12))


def test_equal_times_mean_round_the_clock():
    assert Service(opens=time(0), closes=time(0)).is_open(at(3))


def test_at_night_the_answer_is_promised_after_the_next_opening():
    service = Service(opens=time(8), answer_within_minutes_of_opening=60)
    assert service.promised_answer(at(3)) == at(9)
    assert service.promised_answer(at(23)) == datetime(2026, 11, 24, 9, tzinfo=SHANGHAI)


def test_more_agents_make_the_wait_shorter_and_nobody_online_makes_it_longer():
    service = Service(minutes_per_conversation=4, minutes_until_somebody_comes=5)
    assert service.wait_s(1, 1) == 30
    assert service.wait_s(1, 0) == 300
    assert service.wait_s(5, 1) > service.wait_s(5, 4)
    assert service.wait_s(5, 0) > service.wait_s(5, 1)


def test_a_clock_time_that_yaml_read_as_minutes_is_understood():
    assert read_service({"service_hours": {"opens": 480, "closes": "22:00"}}).opens == time(8)
    assert read_service({"service_hours": {"opens": "8:30", "closes": "24:00"}}).closes == time(0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"service_hours": {"opens": "eight"}}, "clock time"),
        ({"service_hours": {"opens": 8}}, 'clock time like "08:00", got 8'),
        ({"service_hours": {"opens": "25:00"}}, "got '25:00'"),
        ({"service_hours": {"closes": "22:60"}}, "got '22:60'"),
        ({"service_hours": {"closes": 1500}}, "got 1500"),
        ({"service_hours": {"timezone": "Mars/Base"}}, "service_hours"),
        ({"timeouts": {"bot_answers_within_s": 0}}, "positive number"),
        ({"minutes_per_conversation": "four"}, "positive number"),
        ({"minutes_per_talk": 4}, r"data/desk.yml: expected keys of .* got \['minutes_per_talk'\]"),
        ({"service_hours": {"open": "08:00"}}, r"service_hours: expected keys of .*'open'"),
        ({"service_hours": "8-22"}, "service_hours: expected a mapping, got '8-22'"),
        ({"timeouts": {"bot_answers": 9}}, r"timeouts: expected keys of .* got \['bot_answers'\]"),
    ],
)
def test_a_wrong_value_in_the_file_is_named(data, message):
    with pytest.raises(ValueError, match=message):
        read_service(data)
