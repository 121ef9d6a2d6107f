"""What any carrier's message tells, after its own format has been read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: Reading a message's JSON raises one of these when it is not what it should be.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
#: A waybill, and order numbers: the merchant's own first, the carrier's last; one that stands alone
#: may be either. Both count from 1, so one may be the other of another order.
Names = tuple[str | None, tuple[str, ...]]


@dataclass(frozen=True)
class Told:
    """What a callback says: about which order, and the (source, code, time) lines in it."""

    carrier: str
    waybill: str | None
    #: As in `Names`.
    numbers: tuple[str, ...]
    lines: list[tuple[str, str, datetime | None]]
    #: Money that came back or was paid: (fact, which money, time).
    money: tuple[tuple[str, str, datetime | None], ...] = ()
    #: In kg.
    weight: str | None = None

    @property
    def identifiers(self) -> list[str]:
        """Everything it calls its order, the waybill first."""
        return list(dict.fromkeys(name for name in (self.waybill, *self.numbers) if name))


def clean(text: str) -> str:
    """`text` without what PostgreSQL cannot store: NUL, and halves of a character."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def text_or_none(value: object) -> str | None:
    """A name or number of a message as text, None when there is none."""
    return clean(str(value)).strip() or None if value is not None else None
