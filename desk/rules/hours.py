"""Arithmetic with service hours: when the desk opens next, and how to count in open time only.

All moments are aware, the openings and closings UTC. Hours that begin and end at the same clock
time are round the clock, hours that end before they begin run past midnight (`rules/service.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from desk.rules.service import Service

_DAY = timedelta(days=1)


def stretch(service: Service, day: date) -> tuple[datetime, datetime]:
    """The service hours that begin on `day` of the desk's own calendar: (opening, closing)."""
    zone = ZoneInfo(service.timezone)
    until = day if service.opens < service.closes else day + _DAY
    opening = datetime.combine(day, service.opens, zone).astimezone(UTC)
    return opening, datetime.combine(until, service.closes, zone).astimezone(UTC)


def stretches_from(service: Service, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Service hours that end after `moment`, in order, without end."""
    day = _local_day(service, moment) - _DAY
    while True:
        opening, closing = stretch(service, day)
        if closing > moment and closing > opening:
            yield opening, closing
        day += _DAY


def stretches_before(service: Service, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Service hours that begin before `moment`, latest first, without end."""
    day = _local_day(service, moment)
    while True:
        opening, closing = stretch(service, day)
        if opening < moment and closing > opening:
            yield opening, closing
        day -= _DAY


def open_from(service: Service, moment: datetime) -> datetime:
    """The first open moment at or after `moment`."""
    opening, _ = next(stretches_from(service, moment))
    return max(opening, moment)


def counted_back(service: Service, moment: datetime, span: timedelta) -> datetime:
    """The latest open moment with at least `span` (> 0) of open time between it and `moment`."""
    for opening, closing in stretches_before(service, moment):
        end = min(closing, moment)
        if end - opening >= span:
            return end - span
        span -= end - opening
    raise AssertionError("service hours have no beginning")


def counted_on(service: Service, moment: datetime, span: timedelta) -> datetime:
    """When `span` (> 0) of open time will have passed since `moment`."""
    for opening, closing in stretches_from(service, moment):
        begin = max(opening, moment)
        if closing - begin >= span:
            return begin + span
        span -= closing - begin
    raise AssertionError("service hours have no end")


def open_between(service: Service, begin: datetime, end: datetime) -> timedelta:
    """The open time between two moments."""
    open_time = timedelta()
    for opening, closing in stretches_from(service, begin):
        if opening >= end:
            return open_time
        open_time += min(closing, end) - max(opening, begin)
    raise AssertionError("service hours have no end")


def _local_day(service: Service, moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(service.timezone)).date()
