"""The parcels that the platform knows, and what has happened to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

#: The platform writes local times without a zone.
CHINA = timezone(timedelta(hours=8))


def local_time(when: datetime | None = None) -> str:
    """`2026-11-11 09:30:00`, as the platform writes times."""
    return (when or datetime.now(UTC)).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Line:
    """One line of a tracking record; `code` is the advanced code where there is one."""

    at: str
    code: str
    text: str = ""

    @property
    def state(self) -> str:
        """The main state that the code belongs to: 103 -> 1, 1001 -> 0, 5 -> 5."""
        if len(self.code) < 3:
            return self.code
        return "0" if len(self.code) == 4 else self.code[0]


@dataclass
class Parcel:
    """One shipment; the order fields are empty unless it was placed through the platform."""

    waybill: str
    company: str = "yuantong"
    #: The phone some carriers want beside the number; its last four digits will do.
    phone: str = ""
    task_id: str = ""
    order_number: str = ""
    status: int | None = None
    fees: list[dict[str, Any]] = field(default_factory=list)
    #: Oldest first.
    lines: list[Line] = field(default_factory=list)
    order_url: str = ""
    order_salt: str | None = None
    track_url: str = ""
    track_salt: str | None = None
    watched: bool = False

    def track(self) -> dict[str, Any]:
        """The tracking record, newest first, as queries and pushes carry it."""
        newest_first = sorted(self.lines, key=lambda line: line.at, reverse=True)
        state = newest_first[0].state if newest_first else "0"
        return {
            "message": "ok",
            "nu": self.waybill,
            "ischeck": "1" if state == "3" else "0",
            "condition": "F00",
            "com": self.company,
            "status": "200",
            "state": state,
            "data": [
                {
                    "time": line.at,
                    "ftime": line.at,
                    "context": line.text or f"状态 {line.code}",
                    "status": "在途",
                    "statusCode": line.code,
                }
                for line in newest_first
            ],
        }


class Parcels:
    """All parcels, by waybill; found by task id too."""

    def __init__(self) -> None:
        self._by_waybill: dict[str, Parcel] = {}

    def __iter__(self) -> Iterator[Parcel]:
        return iter(self._by_waybill.values())

    def put(self, waybill: str, **values: Any) -> Parcel:
        """Make a parcel known, or change what is known of it.

        Raises:
            TypeError: a field that parcels do not have.
        """
        known = self._by_waybill.get(waybill)
        if known is None:
            known = self._by_waybill[waybill] = Parcel(waybill, **values)
        else:
            Parcel(waybill, **values)
            vars(known).update(values)
        return known

    def get(self, waybill: str) -> Parcel | None:
        return self._by_waybill.get(waybill)

    def by_task(self, task_id: str) -> Parcel | None:
        return next((p for p in self if task_id and p.task_id == task_id), None)
