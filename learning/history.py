"""What the desk has stored about a ticket, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Entry:
    """One line of a ticket's history. `choice` is what was tapped to bring it about, if anything.

    `kind` and `author` as the desk writes them: opened, added, corrected, completed, reopened...;
    `bot`, `agent:<name>`, `system`.
    """

    id: int
    at: datetime
    kind: str
    author: str
    text: str
    choice: str | None = None


@dataclass(frozen=True)
class History:
    """One ticket with its lines, oldest first, and what the customer said in the conversation.

    `stated` is the category that was ticked for it, `confirmed_by` how the bot came to be sure
    (agreement, tap, typed), `private` what stands in the order and must not leave the desk.
    """

    id: str
    category: str
    state: str
    opened_by: str
    completed_by: str | None
    completed_because: str | None
    reopened: int
    stated: str | None
    confirmed_by: str | None
    entries: Sequence[Entry]
    said: Sequence[str]
    private: Sequence[str] = ()

    @property
    def merged_into(self) -> str | None:
        """The ticket that this one was joined to when its category was corrected."""
        return self.completed_because if self.completed_by == "merge" else None

    @property
    def last_correction(self) -> Entry | None:
        """The line that gave the ticket the category it has."""
        return next((e for e in reversed(self.entries) if e.kind == "corrected"), None)

    @property
    def chosen_by_customer(self) -> bool:
        """The bot opened it after the customer had tapped or named the category."""
        tapped = any(
            e.choice == self.category for e in self.entries if e.kind in ("opened", "corrected")
        )
        return self.opened_by == "bot" and (tapped or self.confirmed_by in ("tap", "typed"))


def needed(history: History, by_id: dict[str, History]) -> str:
    """The category that stands in the end, also when tickets were joined one after the other."""
    seen = {history.id}
    while (joined := history.merged_into) in by_id and joined not in seen:
        history = by_id[str(joined)]
        seen.add(history.id)
    return history.category
