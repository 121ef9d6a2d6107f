"""Facts: carrier-neutral statements about an order, and the order's state derived from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from desk.rules.keys import check_keys

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
#: The states by how far an order has got. Where no time says which came later, the further one is
#: true: nothing in it can have come before the ones behind it.
FURTHER = (
    *("created", "accepted", "collecting", "pickup_failed", "cancelled"),
    *("collected", "in_transit", "out_for_delivery", "delivered", "returned"),
)
RANK = {state: rank for rank, state in enumerate(FURTHER)}
BEFORE_PICKUP = ("created", "accepted", "collecting")
WITH_CARRIER = ("collected", "in_transit", "out_for_delivery")

#: A callback may be this late: three tries, half an hour apart (Kuaidi100's callback page), and
#: as much again. Of two facts without a carrier's time, nobody knows which came first within it.
LATE = timedelta(hours=2)
#: Carrier -> the sources of its codes, as its reader (`sources.py`) names them.
SPACES: Mapping[str, tuple[str, ...]] = {"kuaidi100": ("order", "track", "push")}
#: Keys of a row of `data/facts.yml`, and of a carrier's file.
FACT_KEYS = ("state", "label", "passes")
CARRIER_KEYS = ("name", "sources", "tickets", "ticket_carriers")
#: Takes a cancellation back; the only fact that does.
REVIVAL = "order.revived"


@dataclass(frozen=True)
class FactKind:
    """One row of `data/facts.yml`."""

    id: str
    #: The order state this fact implies, or None when it says nothing about it.
    state: str | None
    label: Mapping[str, str]
    #: Bad news that is over once better news has followed it.
    passes: bool = False


@dataclass(frozen=True)
class Fact:
    """One statement about an order, with the carrier's time (if it gave one) and ours."""

    fact: str
    source: str
    code: str
    received_at: datetime
    occurred_at: datetime | None = None

    @property
    def when(self) -> datetime:
        """When it happened, as far as anybody knows."""
        return self.occurred_at or self.received_at


def read_fact_kinds(data: Mapping[str, Any]) -> dict[str, FactKind]:
    """Parse and check the content of `data/facts.yml`.

    Raises:
        ValueError: names the fact, what was expected and what is there.
    """
    rows = data.get("facts")
    if not isinstance(rows, Mapping) or not rows:
        raise ValueError("data/facts.yml: expected a mapping under `facts:`")
    kinds = {}
    for fact_id, row in rows.items():
        if not isinstance(row, Mapping) or set(row) - set(FACT_KEYS):
            raise ValueError(
                f"data/facts.yml, {fact_id}: expected {', '.join(FACT_KEYS)}, got {row!r}"
            )
        state = row.get("state")
        if state is not None and state not in ORDER_STATES:
            raise ValueError(
                f"data/facts.yml, {fact_id}.state: expected one of {ORDER_STATES}, got {state!r}"
            )
        label = row.get("label")
        if not isinstance(label, Mapping) or not (label.get("zh") and label.get("en")):
            raise ValueError(f"data/facts.yml, {fact_id}.label: expected zh and en, got {label!r}")
        passes = row.get("passes", False)
        if not isinstance(passes, bool):
            raise ValueError(
                f"data/facts.yml, {fact_id}.passes: expected true or false, got {passes!r}"
            )
        kinds[str(fact_id)] = FactKind(str(fact_id), state, label, passes)
    return kinds


def read_code_map(
    data: Mapping[str, Any], known: Mapping[str, FactKind]
) -> dict[tuple[str, str], str | None]:
    """Parse `data/carriers/<carrier>.yml`: source -> code -> fact, or null for "no fact".

    Two code spaces of a carrier may reuse the same numbers, so the key is always (source, code).

    Raises:
        ValueError: names the source and the code, what was expected and what is there.
    """
    name = data.get("name")
    if name not in tuple(SPACES):
        raise ValueError(f"data/carriers, name: expected one of {', '.join(SPACES)}, got {name!r}")
    where, expected = f"data/carriers/{name}.yml", SPACES[name]
    check_keys(data, CARRIER_KEYS, where)
    sources = data.get("sources")
    if not isinstance(sources, Mapping) or set(sources) != set(expected):
        got = list(sources) if isinstance(sources, Mapping) else sources
        raise ValueError(f"{where}, sources: expected {', '.join(expected)}, got {got!r}")
    mapped: dict[tuple[str, str], str | None] = {}
    for source, codes in sources.items():
        if not isinstance(codes, Mapping):
            raise ValueError(f"{where}, {source}: expected codes with their facts, got {codes!r}")
        for code, fact in codes.items():
            if not isinstance(code, str):  # YAML may make another number of it
                raise ValueError(
                    f'{where}, {source}: expected a code in quotes such as "101", got {code!r}'
                )
            if fact is not None and fact not in tuple(known):
                raise ValueError(
                    f"{where}, {source} {code}: expected a fact of data/facts.yml or null, "
                    f"got {fact!r}"
                )
            mapped[source, code] = fact
    return mapped


def earlier(one: Fact, other: Fact) -> bool:
    """Whether `one` certainly happened before `other`, by the carrier's times or by ours."""
    exact = one.occurred_at is not None and other.occurred_at is not None
    return one.when < other.when if exact else one.when + LATE < other.when


def taken_back(fact: Fact, facts: Iterable[Fact], kinds: Mapping[str, FactKind]) -> bool:
    """Whether a cancellation was undone by a revival that is not certainly older."""
    if kinds[fact.fact].state != "cancelled":
        return False
    return any(other.fact == REVIVAL and not earlier(other, fact) for other in facts)


def order_state(
    initial: str, facts: Iterable[Fact], kinds: Mapping[str, FactKind], initial_at: datetime
) -> str:
    """The order's state, from what was told of it; in which order it was told does not matter.

    Facts are taken in the order of the carrier's times. One without (order callbacks have none) may
    be `LATE`: of those that may have happened at once the furthest counts, because it could not be
    true without the others; a cancellation does not while a revival is known that may have come
    after it.

    Args:
        initial: the state the merchant's system told us, at `initial_at`. It stands against what
            is older, except that a merchant who is behind does not pull a parcel back.
    """
    said = [fact for fact in facts if fact.fact in kinds and kinds[fact.fact].state]
    said = [fact for fact in said if not taken_back(fact, said, kinds)]
    before = [fact for fact in said if _before(fact, initial_at)]
    state = initial
    if before and initial in (*BEFORE_PICKUP, *WITH_CARRIER):
        known = _walk(None, before, kinds)
        moved = known in (*WITH_CARRIER, "delivered")
        if initial == "created" or (moved and RANK[known] > RANK[initial]):
            state = known
    return _walk(state, [fact for fact in said if not _before(fact, initial_at)], kinds)


def _before(fact: Fact, told_at: datetime) -> bool:
    """Whether it is older than what was told; carriers' times have no fractions of a second."""
    return fact.when < (told_at.replace(microsecond=0) if fact.occurred_at else told_at)


def _walk(state: str | None, facts: Sequence[Fact], kinds: Mapping[str, FactKind]) -> str:
    """From `state` through all these facts, which may be told in any order.

    Args:
        state: None when nothing is known before the first fact.
    """

    def implied(fact: Fact) -> str:
        return kinds[fact.fact].state or ""

    timed = [fact for fact in facts if fact.occurred_at]
    told: dict[str, list[Fact]] = {}
    for fact in timed:
        told.setdefault(implied(fact), []).append(fact)
    # a fact without time that another source tells with its time says nothing more
    loose = [
        fact
        for fact in facts
        if fact.occurred_at is None
        and (implied(fact) not in told or gone_back(fact, told[implied(fact)], facts, kinds))
    ]
    for fact in _as_it_went(timed, loose, lambda fact: RANK[implied(fact)]):
        state = _after(state or "created", implied(fact), fact.fact)
    return state or "created"


def _as_it_went(
    timed: Sequence[Fact], loose: Sequence[Fact], rank: Callable[[Fact], int]
) -> list[Fact]:
    """Facts in the order in which they happened; the furthest last where nobody knows it.

    A fact without a time happened when it came or up to `LATE` before. Of those that can have been
    the first of all that are left, the one least far on the way was.
    """
    left = sorted([*timed, *loose], key=lambda fact: (fact.when, rank(fact), fact.code))
    if not loose:
        return left
    went = []
    while left:
        first = left[0].when
        following = min(
            (fact for fact in left if earliest(fact) <= first),
            key=lambda fact: (rank(fact), fact.when, fact.code),
        )
        left.remove(following)
        went.append(following)
    return went


def earliest(fact: Fact) -> datetime:
    """When it happened at the earliest: a callback without a time may be late."""
    return fact.occurred_at or fact.received_at - LATE


def gone_back(
    fact: Fact, before: Sequence[Fact], facts: Iterable[Fact], kinds: Mapping[str, FactKind]
) -> bool:
    """Whether the order certainly went back between `before` and `fact`: it can be so anew."""
    last = max(other.when for other in before)
    state = kinds[fact.fact].state
    return state is not None and any(
        last <= other.when
        and other.when + LATE < fact.received_at
        and _sets_back(state, kinds[other.fact].state)
        for other in facts
    )


def _sets_back(state: str, later: str | None) -> bool:
    """Whether an order that reaches `later` after `state` may reach `state` anew."""
    if later is None or later == state:
        return False
    if state in ("pickup_failed", "cancelled") and later in WITH_CARRIER:
        return True  # said to be collected, and that is denied once more
    return RANK[later] < RANK[state] or later in ("cancelled", "pickup_failed", "returned")


def _after(state: str, implied: str, fact: str) -> str:
    """The state of an order in `state` after a later fact."""
    if state == "returned":  # whoever signs for it now is its sender
        return state
    if fact == REVIVAL:
        lower = RANK[state] < RANK["collected"]
        return implied if lower else state
    if implied == "created":  # a record of the order, made late
        return state
    if implied in BEFORE_PICKUP:  # it takes no parcel back
        return implied if state in (*BEFORE_PICKUP, "pickup_failed") else state
    if implied == "collected":  # so does a late record of the pickup
        return state if state in (*WITH_CARRIER, "delivered") else implied
    return implied


def holds(implied: str | None, state: str) -> bool:
    """Whether a fact that implies one state can still be true of an order in `state`."""
    if implied in ("cancelled", "delivered"):
        return state == implied
    if implied in WITH_CARRIER:
        return state in (*WITH_CARRIER, "delivered", "returned")
    return True
