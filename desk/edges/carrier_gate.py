"""The way out to a carrier's platform: its limits, our budget, and leaving it alone when it fails.

All of it is in the database, so it holds for all processes together.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from desk.flow.desk import utc_now
from desk.rules.carrier_api import CarrierFailed, CarrierLimit
from desk.rules.kuaidi100_answers import Service, is_health, trouble_of
from desk.store import allowances, carrier_calls
from desk.store.db import Database

log = structlog.get_logger("desk.carrier")

#: The limit of the platform counts calls in this window.
WINDOW_S = 5.0
#: Calls that ask for missing news; they cost money, and nobody waits for one of them.
BUDGETED: tuple[Service, ...] = ("query", "order")
#: After a pause one call tries the service; the others wait for it this long.
PROBE = timedelta(seconds=20)


class Gate:
    """Every call passes `enter` first and tells how it went with `leave`.

    Args:
        carrier: whose account it is; names the rows.
        calls: at most so many in any `WINDOW_S`.
        calls_per_day: of the budgeted services, UTC; 0 = no limit.
    """

    def __init__(
        self,
        db: Database,
        carrier: str,
        calls: int,
        calls_per_day: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._db, self._carrier, self._calls_per_day = db, carrier, calls_per_day
        self._burst, self._rate = allowances.bucket(calls, WINDOW_S)
        self._now = now
        self._told_spent: datetime | None = None

    async def enter(self, service: Service) -> int:
        """Ask for leave to make one call now.

        Returns:
            How often in a row the service has failed; `leave` wants to know it.

        Raises:
            CarrierLimit: not now; nothing was counted.
        """
        now = self._now()
        async with self._db.begin() as tx:
            trouble = await carrier_calls.get(
                tx, self._carrier, _kind(service), carrier_calls.WHOLE_SERVICE
            )
            if trouble and trouble.next_at > trouble.called_at:  # paused, or being tried
                found = await carrier_calls.claim(
                    tx, self._carrier, _kind(service), carrier_calls.WHOLE_SERVICE, now, PROBE
                )
                if found is None:
                    why = f"{service} is left alone: {trouble.answer}"
                    raise CarrierLimit(max(trouble.next_at, now), why)
            if service in BUDGETED and self._calls_per_day:
                name = f"{self._carrier}.day"
                if await allowances.spend(tx, name, self._calls_per_day) is None:
                    raise self._spent(now)
            if not await allowances.take(tx, self._carrier, self._burst, self._rate):
                wait_s = random.uniform(0.2, 1.5)  # so that those who wait do not come at once
                raise CarrierLimit(now + timedelta(seconds=wait_s), "our own limit of calls")
        return trouble.failures if trouble else 0

    async def leave(
        self, service: Service, failures: int, failure: CarrierFailed | None = None
    ) -> None:
        """Tell how the call went; after failures the service is left alone, by all processes.

        Args:
            failures: as `enter` returned it.
            failure: None: a good answer.

        Never fails: what the carrier said is worth more than this count.
        """
        try:
            await self._leave(service, failures, failure)
        except (SQLAlchemyError, OSError) as error:
            log.warning("the call could not be counted", error=type(error).__name__)

    async def _leave(self, service: Service, failures: int, failure: CarrierFailed | None) -> None:
        if failure is None or is_health(failure):
            if failures:
                async with self._db.begin() as tx:
                    await carrier_calls.forget(
                        tx, self._carrier, _kind(service), carrier_calls.WHOLE_SERVICE
                    )
                log.info("the service works again", carrier=self._carrier, service=service)
            return
        now = self._now()
        async with self._db.begin() as tx:
            counted = await carrier_calls.service_failed(
                tx, self._carrier, _kind(service), now, failures
            )
            trouble = trouble_of(failure, counted, now) if counted else None
            if trouble is None:
                return
            until = now + timedelta(seconds=trouble.pause_s)
            await carrier_calls.pause_service(
                tx, self._carrier, _kind(service), until, str(failure)
            )
        say = log.error if trouble.account else log.warning
        say(
            "the service is left alone for a while",
            carrier=self._carrier,
            service=service,
            seconds=round(trouble.pause_s),
            why=str(failure),
        )

    def _spent(self, now: datetime) -> CarrierLimit:
        tomorrow = allowances.next_day(now)
        if self._told_spent != tomorrow:  # once a day and process, not once a call
            self._told_spent = tomorrow
            log.warning("the day's budget of calls is spent", calls=self._calls_per_day)
        return CarrierLimit(tomorrow, "the day's budget is spent")


def _kind(service: Service) -> str:
    return f"service:{service}"
