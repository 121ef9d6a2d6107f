"""Why the desk did what it did: read when all customers are done, for the report only.

The customers themselves never see any of this (customer.py); they know the customer API alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.api import ApiError, Desk

#: Conversations read at once.
AT_ONCE = 6


@dataclass(frozen=True)
class Review:
    """The review behind one ticket: the ticket's category, and the record kept with it.

    The record is the actions' (actions/README.md); one that names no verdict is of a ticket that
    was opened without any review.
    """

    category: str
    record: Mapping[str, Any]

    @property
    def reasons(self) -> list[str]:
        """The decision's own lines."""
        told = self.record.get("reasons")
        return [str(one) for one in told] if isinstance(told, list) else []

    @property
    def belief(self) -> dict[str, float]:
        """Need -> probability when it decided, the likeliest few; empty without a review."""
        told = self.record.get("probabilities")
        if not isinstance(told, Mapping):
            return {}
        return {str(k): float(p) for k, p in told.items() if isinstance(p, int | float)}


@dataclass(frozen=True)
class Reasons:
    """What the desk kept about one conversation.

    reviews: one for each ticket, oldest first. handed_over, summary: why a person has it, and what
    they were told; empty when nobody has. unknown: why nothing could be read; empty when it was.
    """

    reviews: tuple[Review, ...] = ()
    handed_over: str = ""
    summary: str = ""
    unknown: str = ""

    @property
    def belief(self) -> dict[str, float]:
        """What the review believed before the first ticket; empty when no review is kept."""
        return self.reviews[0].belief if self.reviews else {}

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "tickets": [{"category": one.category, "review": one.record} for one in self.reviews],
            "handed_over": self.handed_over or None,
            "summary": self.summary or None,
            "unknown": self.unknown or None,
        }


#: Of a case whose conversation was never opened.
NEVER_OPENED = Reasons(unknown="the conversation was never opened")


def parse(answer: Mapping[str, Any]) -> Reasons:
    """The desk's answer (docs/api.md, `GET /api/bot/conversations/{id}/reviews`).

    Raises:
        KeyError, TypeError, AttributeError: it is not of that form.
    """
    handover = answer["handover"] or {}
    return Reasons(
        tuple(Review(str(one["category"]), dict(one["review"])) for one in answer["tickets"]),
        str(handover.get("reason") or ""),
        str(handover.get("summary") or ""),
    )


async def read_reasons(desk: Desk, conversations: Sequence[str]) -> list[Reasons]:
    """What the desk kept about each conversation; an empty id is one that was never opened.

    Never raises because of the desk: what it does not tell is `unknown`.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(conversation: str) -> Reasons:
        if not conversation:
            return NEVER_OPENED
        try:
            async with gate:
                return parse(await desk.reviews(conversation))
        except ApiError as error:
            return Reasons(unknown=f"the desk does not tell ({error})")
        except (KeyError, TypeError, AttributeError) as error:
            return Reasons(unknown=f"the desk's answer is of another form ({error!r})")

    return list(await asyncio.gather(*map(one, conversations)))
