"""How people tick: counts of needed and ticked categories, from confirmed tickets. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from learning.history import History, needed

#: needed -> ticked -> how many tickets
Counts = dict[str, dict[str, int]]


def is_confirmed(history: History) -> bool:
    """Whether somebody has shown that the category is right.

    The customer chose it or an agent set it; or the ticket was completed and never reopened, that
    is, nobody objected.
    """
    if history.merged_into or history.last_correction or history.chosen_by_customer:
        return True
    if history.opened_by.startswith("agent:") or history.completed_by == "agent":
        return True
    return history.state in ("completed", "closed") and not history.reopened


def count(histories: Sequence[History], categories: Collection[str]) -> Counts:
    """Ticked categories of all confirmed tickets, by what was needed. Nothing ticked: no count."""
    by_id = {history.id: history for history in histories}
    pairs = Counter(
        (needed(history, by_id), history.stated)
        for history in histories
        if history.stated in categories
        and needed(history, by_id) in categories
        and is_confirmed(history)
    )
    table: Counts = {}
    for (need, ticked), number in sorted(pairs.items()):
        table.setdefault(need, {})[str(ticked)] = number
    return table


def total(counts: Mapping[str, Mapping[str, int]]) -> int:
    """How many tickets the table was made of."""
    return sum(sum(row.values()) for row in counts.values())
