"""What the desk may ask of a carrier's platform, and the four ways in which asking can fail.

`edges/` has the clients; `flow/` knows only these types. Which of the four it is decides what may
be done next: a request that certainly changed nothing may be sent again, one that may have been
received must be looked up first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

#: A limit that ends within so many seconds is waited for; any other ends a run of questions.
WAIT_S = 3.0


class CarrierFailed(Exception):
    """Asking a carrier failed; always one of the four below. Its text has no personal data."""


class CarrierLimit(CarrierFailed):
    """Nothing was done: too many calls, a used-up quota or budget. Come back at `retry_at`.

    `sent` says that the request went out and the platform said so; otherwise our own limit kept it.
    """

    def __init__(self, retry_at: datetime, why: str, *, sent: bool = False) -> None:
        super().__init__(f"{why}; again at {retry_at.isoformat(timespec='seconds')}")
        self.retry_at = retry_at
        self.why = why
        self.sent = sent


class CarrierUnreachable(CarrierFailed):
    """Certainly not received: no connection came about. Sending again does nothing twice."""


class CarrierUnknown(CarrierFailed):
    """It may have been received: no answer in time, a 5xx, an answer nobody can read."""


class CarrierRefused(CarrierFailed):
    """A clear no, with the carrier's code and words; the same request would be refused again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} {message}".strip())
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Shipment:
    """A parcel as carriers' platforms know it.

    `company` is the platform's code for the carrier (lower case); `phone` is asked for by some
    carriers: the sender's or receiver's, or its last four digits.
    """

    company: str
    waybill: str
    phone: str | None = None


class CarrierApi(Protocol):
    """Asking about shipments and orders. Every call raises one of the four above."""

    async def query(self, shipment: Shipment) -> Mapping[str, Any]:
        """The tracking record of a shipment, as the platform answers it."""
        ...

    async def detail(self, task_id: str) -> Mapping[str, Any]:
        """The state of an order that was placed through the platform."""
        ...

    async def subscribe(self, shipment: Shipment, callback_url: str, salt: str) -> None:
        """Have news of a shipment pushed to `callback_url`; asking again changes nothing."""
        ...


class TicketApi(Protocol):
    """The platform's own tickets. Every call raises one of the four above."""

    async def create(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Open a ticket there. Not idempotent: after `CarrierUnknown` look it up first."""
        ...

    async def status(self, remote_id: str) -> Mapping[str, Any]:
        """How a ticket there stands."""
        ...

    async def replies(self, remote_id: str) -> Mapping[str, Any]:
        """The messages of a ticket there, ours among them."""
        ...

    async def reply(self, remote_id: str, content: str) -> Mapping[str, Any]:
        """Add words to a ticket there. Not idempotent; what was added is in `replies`."""
        ...
