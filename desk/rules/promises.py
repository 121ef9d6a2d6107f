"""The clocks of a ticket: by when we promised news, when a person is called, and the law's own.

A person is called before a promise breaks, early enough to do something: `lead` minutes of the
desk's *open* time before it. A promise for 07:00 at a desk open from 08:00 to 22:00 is watched the
evening before, at 21:00 with a lead of an hour; one for 08:30 at 21:30.

The legal clock: a complaint is handled, and the customer told, within 7 days of its receipt
(快递暂行条例, 国务院令 697, as amended 2019-03-02, art. 28: 自接到投诉之日起7日内予以处理
并告知用户; art. 29 in the count of the revision in force since 2025-06-01). Calendar days,
counted here to the hour: never later than the law's own count to the end of the seventh day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from desk.rules.categories import Categories
from desk.rules.hours import counted_back, counted_on, open_between, open_from, stretches_before
from desk.rules.keys import check_keys
from desk.rules.service import Service
from desk.rules.ticket import ACTIVE, Ticket


@dataclass(frozen=True)
class Promises:
    """`promises:` of `data/desk.yml`."""

    #: Minutes of open time a person has before a promised time; a category may have its own.
    call_before_minutes: int = 60
    #: A complaint must be handled within so many days of its receipt.
    legal_days: int = 7
    #: After so many days a ticket that is still open is shown to supervisors.
    legal_warn_days: int = 5

    def lead(self, own_minutes: int | None) -> timedelta:
        """The open time a person gets, for a category with `own_minutes` or without its own."""
        return timedelta(minutes=self.call_before_minutes if own_minutes is None else own_minutes)

    def legal_at(self, complained_at: datetime) -> datetime:
        """Until when the law wants a complaint handled."""
        return complained_at + timedelta(days=self.legal_days)

    def warn_at(self, complained_at: datetime) -> datetime:
        """From when on supervisors see it."""
        return complained_at + timedelta(days=self.legal_warn_days)

    def due_at(self, hours: int, complained_at: datetime, now: datetime) -> datetime:
        """The time to promise at `now` for a category with `due_hours` hours.

        Never later than the legal clock of a complaint made at `complained_at`. Where that has run
        out already, nothing can be promised within it, and the category's own hours stand.
        """
        due, legal = now + timedelta(hours=hours), self.legal_at(complained_at)
        return min(due, legal) if legal > now else due


@dataclass(frozen=True)
class Reach:
    """What may have to be called at one moment, as bounds for an indexed search.

    The search is `store/promises.py`'s.
    """

    #: Promised times up to here ...
    due_by: datetime
    #: ... but only up to there for what was promised since the desk closed, while it is closed.
    closed_since: datetime | None = None
    due_by_if_new: datetime | None = None


def call_at(service: Service, lead: timedelta, promised_at: datetime, due_at: datetime) -> datetime:
    """When a person is called for a promise made at `promised_at` for `due_at`.

    - Usually: the latest open moment with `lead` of open time left before `due_at`.
    - Less open time than that is left between promise and due time: as soon as the desk opens, or,
      where it is open, when a quarter of that time has passed. Just before closing time the bot
      and the carrier have a chance, too, and who only opened a ticket is not queued at once.
    - None is left (promised and due in one night): `lead` before `due_at` by the clock. Nobody is
      there then, but the customer reads by when somebody will be, before the promise breaks.
    """
    first_open = open_from(service, promised_at)
    if first_open >= due_at:
        return max(promised_at, due_at - lead).astimezone(UTC)
    called = counted_back(service, due_at, lead)
    if first_open == promised_at:
        left = open_between(service, promised_at, due_at)
        return max(called, counted_on(service, promised_at, left / 4)).astimezone(UTC)
    return max(called, first_open).astimezone(UTC)


def reach(service: Service, lead: timedelta, now: datetime) -> Reach:
    """The promises whose `call_at` has come by `now`.

    Nothing is missed, and little is found too early (what was promised with less open time than
    the lead, a time that lies on `due_by` while the desk is closed): `call_at` decides.
    """
    next_open = open_from(service, now)
    if next_open <= now:
        # Closing time in between: due times in the night that follows have no more open time.
        return Reach(open_from(service, counted_on(service, now, lead)))
    _, closed_since = next(stretches_before(service, now))
    return Reach(
        counted_on(service, now, lead), closed_since, due_by_if_new=min(next_open, now + lead)
    )


def within(found: Reach, promised_at: datetime, due_at: datetime) -> bool:
    """Whether a promise lies within the bounds: the words of the search, for its test."""
    if found.closed_since and found.due_by_if_new and promised_at >= found.closed_since:
        return due_at <= found.due_by_if_new
    return due_at <= found.due_by


Step = Literal["called", "broken", "warned"]


def steps_due(
    service: Service, promises: Promises, own_minutes: int | None, ticket: Ticket, now: datetime
) -> tuple[Step, ...]:
    """What the clocks ask for at `now`: each step is taken once for a promise (or complaint)."""
    if ticket.state not in ACTIVE:
        return ()
    promised_at = ticket.promised_at or ticket.opened_at
    complained_at = ticket.complained_at or ticket.opened_at
    steps: list[Step] = []
    if ticket.called_at is None:
        lead = promises.lead(own_minutes)
        if call_at(service, lead, promised_at, ticket.due_at) <= now:
            steps.append("called")
    if ticket.broken_at is None and ticket.due_at <= now:
        steps.append("broken")
    if ticket.warned_at is None and promises.warn_at(complained_at) <= now:
        steps.append("warned")
    return tuple(steps)


def read_promises(data: Mapping[str, Any], categories: Categories) -> Promises:
    """Parse `promises:` of `data/desk.yml`, and check it against what the categories promise.

    Raises:
        ValueError: names the key, what was expected and what is there.
    """
    given = data.get("promises") or {}
    check_keys(given, tuple(Promises.__dataclass_fields__), "data/desk.yml, promises")
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise ValueError(
                f"data/desk.yml, promises.{key}: expected a positive whole number, got {value!r}"
            )
    promises = Promises(**given)
    if promises.legal_warn_days >= promises.legal_days:
        raise ValueError(
            f"data/desk.yml, promises.legal_warn_days: expected less than legal_days "
            f"({promises.legal_days}), got {promises.legal_warn_days}"
        )
    for category in categories.by_id.values():
        where = f"data/categories.yml, {category.id}"
        if category.due_hours > promises.legal_days * 24:
            raise ValueError(
                f"{where}.due_hours: expected at most the {promises.legal_days} days of the law "
                f"({promises.legal_days * 24} hours), got {category.due_hours}"
            )
        if promises.lead(category.call_before_minutes) >= timedelta(hours=category.due_hours):
            own = category.call_before_minutes
            raise ValueError(
                f"{where}.call_before_minutes: expected less than its due_hours "
                f"({category.due_hours * 60} minutes), got "
                f"{promises.call_before_minutes if own is None else own}"
            )
    return promises
