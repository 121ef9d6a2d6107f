"""Facts: carrier-neutral statements about an order, and the order's state derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: The states an order can be in; the same words as a case's `order_status` in evaluation.
ORDER_STATES = (
    "created",
    "accepted",
    "collecting",
    "collected",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "cancelled",
    "pickup_failed",
    "returned",
)


@dataclass(frozen=True)
class FactKind:
    """One row of `data/facts.yml`."""

    id: str
    #: The order state this fact implies, or None when it says nothing about it.
    state: str | None
    label: Mapping[str, str]


@dataclass(frozen=True)
class Fact:
    """One statement about an order, with the carrier's time (if it gave one) and ours."""

    fact: str
    source: str
    code: str
    received_at: datetime
    occurred_at: datetime | None = None


def read_fact_kinds(data: Mapping[str, Any]) -> dict[str, FactKind]:
    """Parse and check the content of `data/facts.yml`.

    Raises:
        ValueError: names the fact, what was expected and what is there.
    """
    kinds = {}
    for fact_id, row in (data.get("facts") or {}).items():
        state = row.get("state")
        if state is not None and state not in ORDER_STATES:
            raise ValueError(
                f"data/facts.yml, {fact_id}.state: expected one of {ORDER_STATES}, got {state!r}"
            )
        label = row.get("label") or {}
        if not (label.get("zh") and label.get("en")):
            raise ValueError(f"data/facts.yml, {fact_id}.label: expected zh and en, got {label!r}")
        kinds[str(fact_id)] = FactKind(str(fact_id), state, label)
    return kinds


def read_code_map(
    data: Mapping[str, Any], known: Mapping[str, FactKind]
) -> dict[tuple[str, str], str | None]:
    """Parse `data/carriers/<carrier>.yml`: source -> code -> fact, or null for "no fact".

    Two code spaces of a carrier may reuse the same numbers, so the key is always (source, code).

    Raises:
        ValueError: a fact that `data/facts.yml` does not have.
    """
    mapped: dict[tuple[str, str], str | None] = {}
    for source, codes in (data.get("sources") or {}).items():
        for code, fact in codes.items():
            if fact is not None and fact not in known:
                raise ValueError(
                    f"carrier map, {source} {code}: expected a fact of data/facts.yml, got {fact!r}"
                )
            mapped[(str(source), str(code))] = fact
    return mapped


def order_state(
    initial: str, facts: Iterable[Fact], kinds: Mapping[str, FactKind], initial_at: datetime
) -> str:
    """The order's state: that of the latest fact by the carrier's time (ours where it gave none).

    Arrival order does not matter, so late, repeated and out-of-order callbacks end the same.

    Args:
        initial: the state the merchant's system told us, at `initial_at`.
    """
    latest, state = initial_at, initial
    for fact in sorted(
        facts, key=lambda f: (f.occurred_at or f.received_at, f.received_at, f.code)
    ):
        implied = kinds[fact.fact].state if fact.fact in kinds else None
        when = fact.occurred_at or fact.received_at
        if implied and when >= latest:
            latest, state = when, implied
    return state
