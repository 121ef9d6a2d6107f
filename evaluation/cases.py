"""A case: one customer, what they really need, what they ticked and what they write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: The twelve ticket categories. Kept here and not read from the desk's files: the evaluation must
#: notice when the system under test renames or loses one.
CATEGORIES = (
    "pickup_urge",
    "transit_urge",
    "delivery_urge",
    "false_pickup",
    "false_delivery",
    "weight_dispute",
    "charge_dispute",
    "cancel_appeal",
    "address_change",
    "damage_claim",
    "loss_claim",
    "courier_complaint",
)
#: Needs no ticket should be opened for.
NO_TICKET = ("chitchat", "out_of_scope")
NEEDS = (*CATEGORIES, "human", *NO_TICKET)
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
KINDS = (
    "plain",
    "short",
    "long",
    "english",
    "traditional",
    "mixed",
    "noisy",
    "indirect",
    "two_needs",
    "trap",
)
#: Kinds of message whose need is plain to see: with the right tick a question is needless.
CLEAR_KINDS = frozenset({"plain", "short", "long", "english", "traditional"})


@dataclass(frozen=True)
class Case:
    """One line of a case file.

    `true` is one of NEEDS, `stated` one of CATEGORIES or None (nothing ticked), `order_status` one
    of ORDER_STATES. `note` is for people only and is never sent anywhere.
    """

    id: str
    message: str
    true: str
    stated: str | None
    order_status: str
    kind: str
    note: str = ""

    @property
    def language(self) -> str:
        """Language of the customer's browser: `en` for a message in ASCII alone, else `zh`."""
        return "en" if self.message.isascii() else "zh"

    @property
    def in_scope(self) -> bool:
        """A ticket is what this customer needs."""
        return self.true in CATEGORIES

    @property
    def clear_and_rightly_stated(self) -> bool:
        """No question is needed: the message is plain and the tick is right."""
        return self.in_scope and self.kind in CLEAR_KINDS and self.stated == self.true


def problems(row: Any) -> list[str]:
    """What is wrong with one parsed line; empty when it is a case.

    Args:
        row: whatever the JSON line held.
    """
    if not isinstance(row, dict):
        return ["is not an object"]
    found = [f"{name!r} is missing" for name in ("id", "message", "true") if not row.get(name)]
    allowed = {
        "true": NEEDS,
        "stated": (None, *CATEGORIES),
        "order_status": ORDER_STATES,
        "kind": KINDS,
    }
    for name, values in allowed.items():
        if row.get(name) not in values:
            found.append(f"{name}={row.get(name)!r} is not allowed")
    message = row.get("message")
    if isinstance(message, str) and (not message.strip() or len(message) > 2000):
        found.append("message is blank or longer than 2000 characters")
    unknown = set(row) - {"id", "message", "true", "stated", "order_status", "kind", "note"}
    return found + [f"unknown field {name!r}" for name in sorted(unknown)]


def read_cases(path: Path) -> list[Case]:
    """All cases of a JSONL file, in its order.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is no case, or an id appears twice; the message names the line.
    """
    cases: list[Case] = []
    seen: set[str] = set()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}:{number}: not JSON: {error}") from error
        if found := problems(row):
            raise ValueError(f"{path}:{number}: {'; '.join(found)}")
        if row["id"] in seen:
            raise ValueError(f"{path}:{number}: id {row['id']} appears twice")
        seen.add(row["id"])
        cases.append(Case(**row))
    return cases
