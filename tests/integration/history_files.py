"""Reading tests/histories/*.yml, with a clear message for every mistake in them.

A history is a customer's order with everything that happened to it, in hours from the opening of
its ticket, and what a careful agent would have made of it. The keys are described in
tests/histories/README.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from desk.rules.facts import ORDER_STATES

FOLDER = Path(__file__).parents[1] / "histories"

#: What a step does -> the keys that may stand beside it.
DOES: dict[str, tuple[str, ...]] = {
    "order": ("time", "updateTime", "fees", "courier", "weight", "freight", "message"),
    "track": ("push", "state", "message"),
    "fact": ("time",),
    "customer": ("ticket",),
    "agent": ("ticket",),
    "opens": (),
    "merchant": (),
    "expect": (),
}
CALLBACKS = ("order", "track", "fact")
CUSTOMER_DOES = ("adds", "reopens", "settled", "not_settled")
AGENT_DOES = ("resolves",)
PUSHES = ("polling", "shutdown", "abort", "updateall")
PAY_STATES = ("-1", "0", "1", "2", "3", "7")
EXPECTED: dict[str, type] = {
    "state": str,
    "because": str,
    "category": str,
    "person": bool,
    "asked": bool,
    "told": int,
    "order_state": str,
    "reopened": int,
}
TICKET_STATES = ("open", "completed", "closed")


class BadHistory(ValueError):
    """A mistake in a file: which history, what was expected and what is there."""


@dataclass(frozen=True)
class History:
    """One history, checked."""

    file: str
    name: str
    tickets: tuple[str, ...]
    order: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]
    #: Category a ticket was opened with -> what is expected of it at the end.
    expect: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.file}: {self.name}"


@dataclass(frozen=True)
class Known:
    """The words a history may use."""

    categories: Collection[str]
    facts: Collection[str]


def read_all(known: Known, folder: Path = FOLDER) -> list[History]:
    """All histories of the folder.

    Raises:
        BadHistory: on the first mistake.
    """
    found = []
    for path in sorted(folder.glob("*.yml")):
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise BadHistory(f"{path.name}: expected a list of histories")
        found += [read(path.stem, row, known) for row in rows]
    seen: set[str] = set()
    for history in found:
        if history.id in seen:
            raise BadHistory(f"{history.id}: this name stands twice")
        seen.add(history.id)
    return found


def read(file: str, row: Any, known: Known) -> History:
    """Check one history.

    Raises:
        BadHistory: names the history and the mistake.
    """
    where = f"{file}: {row.get('name') if isinstance(row, dict) else row}"
    _keys(where, row, ("name", "category", "tickets", "order", "steps", "expect"))
    if not isinstance(row.get("name"), str):
        raise BadHistory(f"{where}: expected a name")
    if ("category" in row) == ("tickets" in row):
        raise BadHistory(f"{where}: expected either category or tickets")
    tickets = tuple(row["tickets"] if "tickets" in row else [row["category"]])
    for category in tickets:
        _one_of(where, "category", category, known.categories)
    order = row.get("order", {"state": "created"})
    _keys(f"{where}, order", order, ("state", "fees", "consumer", "waybill"))
    _one_of(where, "order.state", order.get("state"), ORDER_STATES)
    for fee in order.get("fees", []):
        _keys(f"{where}, order.fees", fee, ("kind", "amount", "paid"))
    steps = row.get("steps")
    if not isinstance(steps, list) or not steps:
        raise BadHistory(f"{where}: expected steps")
    before = float("-inf")
    opened = list(tickets)
    for number, step in enumerate(steps, 1):
        here = f"{where}, step {number}"
        at = step.get("at") if isinstance(step, dict) else None
        if not isinstance(at, int | float) or at < before:
            raise BadHistory(f"{here}: expected at >= {before}, got {at!r}")
        before = at
        _step(here, step, known, opened)
    expect = _by_ticket(where, row.get("expect"), tickets, opened)
    for one in expect.values():
        _expect(f"{where}, expect", one, known)
    return History(file, row["name"], tickets, order, tuple(steps), expect)


def kind_of(step: Mapping[str, Any]) -> str | None:
    """What a step does; None when only time passes."""
    return next((name for name in DOES if name in step), None)


def _step(where: str, step: Mapping[str, Any], known: Known, opened: list[str]) -> None:
    kind = kind_of(step)
    _keys(where, step, ("at", *((kind, *DOES[kind]) if kind else DOES)))
    match kind:
        case "order":
            _text(where, "order", step["order"])
            for fee in step.get("fees", []):
                _keys(f"{where}, fees", fee, ("feeType", "amount", "payStatus"))
                _one_of(where, "payStatus", str(fee.get("payStatus")), PAY_STATES)
        case "track":
            for line in step["track"]:
                if not (isinstance(line, list) and len(line) == 2):
                    raise BadHistory(f"{where}: expected [code, hour], got {line!r}")
                _text(where, "track", line[0])
            hours = [hour for _, hour in step["track"]]
            if hours != sorted(hours):
                raise BadHistory(f"{where}: expected the lines oldest first, got {hours}")
            _one_of(where, "push", step.get("push", "polling"), PUSHES)
        case "fact":
            _one_of(where, "fact", step["fact"], known.facts)
        case "customer":
            said = step["customer"]
            if isinstance(said, dict):
                _keys(f"{where}, customer", said, ("says",))
            else:
                _one_of(where, "customer", said, CUSTOMER_DOES)
        case "agent":
            _one_of(where, "agent", step["agent"], AGENT_DOES)
        case "opens":
            _one_of(where, "opens", step["opens"], known.categories)
            opened.append(step["opens"])
        case "merchant":
            _keys(f"{where}, merchant", step["merchant"], ("state",))
            _one_of(where, "merchant.state", step["merchant"].get("state"), ORDER_STATES)
        case "expect":
            for one in _by_ticket(where, step["expect"], opened[:1], opened).values():
                _expect(where, one, known)
    if "ticket" in step:
        _one_of(where, "ticket", step["ticket"], opened)


def _by_ticket(
    where: str, expect: Any, tickets: Collection[str], opened: Collection[str]
) -> Mapping[str, Mapping[str, Any]]:
    """Expectations by the ticket they are about; the only ticket's need no name."""
    if not isinstance(expect, dict) or not expect:
        raise BadHistory(f"{where}: expected expect with something in it")
    if set(expect) <= {*EXPECTED, "any"}:
        if len(tickets) != 1:
            raise BadHistory(f"{where}: expected one expect for each of {sorted(tickets)}")
        return {next(iter(tickets)): expect}
    for name in expect:
        _one_of(where, "expect", name, opened)
    return expect


def expectations(step: Mapping[str, Any], tickets: Collection[str]) -> Mapping[str, Any]:
    """The checked expectations of an `expect` step, by ticket."""
    expect: Mapping[str, Any] = step["expect"]
    return expect if set(expect) & set(tickets) else {next(iter(tickets)): expect}


def _expect(where: str, expect: Mapping[str, Any], known: Known) -> None:
    _keys(where, expect, (*EXPECTED, "any"))
    for other in expect.get("any", []):
        _expect(f"{where}, any", other, known)
    for key, value in expect.items():
        if key != "any" and type(value) is not EXPECTED[key]:
            raise BadHistory(f"{where}: expected {key} as {EXPECTED[key].__name__}, got {value!r}")
    _one_of(where, "state", expect.get("state", "open"), TICKET_STATES)
    _one_of(where, "order_state", expect.get("order_state", "created"), ORDER_STATES)
    if "because" in expect:
        _one_of(where, "because", expect["because"], known.facts)
    if "category" in expect:
        _one_of(where, "category", expect["category"], known.categories)


def _keys(where: str, row: Any, allowed: Collection[str]) -> None:
    if not isinstance(row, dict):
        raise BadHistory(f"{where}: expected keys and values, got {row!r}")
    unknown = sorted(str(key) for key in row if key not in allowed)
    if unknown:
        raise BadHistory(f"{where}: unknown {unknown}, expected some of {list(allowed)}")


def _one_of(where: str, key: str, value: Any, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise BadHistory(f"{where}: {key}: expected one of {sorted(allowed)}, got {value!r}")


def _text(where: str, key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise BadHistory(f'{where}: {key}: expected a code in quotes such as "10", got {value!r}')
