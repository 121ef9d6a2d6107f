"""Which way a ticket goes out, and what is said in it: no more than the other side needs.

Kuaidi100's ticket API takes tickets about parcels of its own orders and of a few carriers. Which
category is which of its types is data (`tickets:` in `data/carriers/kuaidi100.yml`): of its numbers
only 4 = wrong weight is public, so nothing else is assumed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from desk.rules.ticket import Ticket

#: Fields that a type of ticket may need beside the waybill -> the order's detail they come from.
NEEDS = {"telWeight": "weight_kg", "modityValue": "goods_value"}
#: Characters of the customer's words that go out; and of telWeight, which the API limits.
TEXT_LIMIT, WEIGHT_LIMIT = 500, 5
#: Characters of the other side's words that a customer reads, in the conversation and on the page.
QUOTE_LIMIT = 300


@dataclass(frozen=True)
class TicketType:
    """A type of ticket of Kuaidi100: its number, and the fields it needs (keys of NEEDS)."""

    second_type: int
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class TicketTypes:
    """What Kuaidi100's ticket API takes: category -> type, and parcels of which carriers."""

    by_category: Mapping[str, TicketType] = field(default_factory=dict)
    carriers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Ways:
    """Which ways there are: credentials, an address."""

    kuaidi100: bool = False
    webhook: bool = False


@dataclass(frozen=True)
class Parcel:
    """What is known of the order, as far as a dispatch needs it."""

    order_id: str
    carrier: str
    waybill: str | None
    carrier_order_id: str | None
    state: str
    details: Mapping[str, Any]
    #: Kuaidi100 told of it as an order of its own.
    told_by_kuaidi100: bool = False

    @property
    def on_kuaidi100(self) -> bool:
        """Whether the order was placed through Kuaidi100: as told, else as its numbers show."""
        platform = self.details.get("platform")
        if platform:
            return str(platform) == "kuaidi100"
        return bool(self.carrier_order_id) or self.told_by_kuaidi100


@dataclass(frozen=True)
class Plan:
    """What goes out, and how. `request["missing"]` names what has to be known before."""

    via: str
    request: dict[str, Any]


def read_ticket_types(data: Mapping[str, Any], categories: Sequence[str]) -> TicketTypes:
    """Parse and check `tickets:` and `ticket_carriers:` of `data/carriers/kuaidi100.yml`.

    Raises:
        ValueError: names the key, what was expected and what is there.
    """
    types = {}
    rows = data.get("tickets") or {}
    if not isinstance(rows, Mapping):
        raise ValueError(f"data/carriers/kuaidi100.yml, tickets: expected a mapping, got {rows!r}")
    for category, row in rows.items():
        where = f"data/carriers/kuaidi100.yml, tickets, {category}"
        if category not in categories:
            raise ValueError(f"{where}: expected one of {', '.join(categories)}")
        if not isinstance(row, Mapping) or set(row) - {"secondType", "needs"}:
            raise ValueError(f"{where}: expected secondType and needs, got {row!r}")
        number = row.get("secondType")
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise ValueError(f"{where}.secondType: expected a number, got {number!r}")
        needs = row.get("needs") or []
        if not isinstance(needs, list) or set(map(str, needs)) - set(NEEDS):
            raise ValueError(f"{where}.needs: expected some of {', '.join(NEEDS)}, got {needs!r}")
        types[str(category)] = TicketType(number, tuple(needs))
    carriers = data.get("ticket_carriers") or []
    if not isinstance(carriers, list) or not all(isinstance(name, str) for name in carriers):
        raise ValueError(
            "data/carriers/kuaidi100.yml, ticket_carriers: expected a list of carriers, "
            f"got {carriers!r}"
        )
    return TicketTypes(types, frozenset(carriers))


def make_plan(
    ticket: Ticket,
    label: str,
    parcel: Parcel,
    ways: Ways,
    types: TicketTypes,
    *,
    round_: int,
    earlier: Mapping[str, Any] | None = None,
    added: Sequence[str] = (),
) -> Plan | None:
    """How a ticket that needs the carrier goes out; None = nobody is there to take it.

    Args:
        label: the category in Chinese.
        round_: 1 = the first time.
        earlier: `{"remote_id", "category"}` of the round before, where there was one.
        added: what the customer added since the ticket was opened.
    """
    known = types.by_category.get(ticket.category)
    if ways.kuaidi100 and known and parcel.on_kuaidi100 and parcel.carrier in types.carriers:
        return Plan("kuaidi100", _for_kuaidi100(ticket, label, parcel, known, earlier, added))
    if ways.webhook:
        told = _for_merchant(ticket, label, parcel, round_, earlier, added)
        return Plan("webhook", {"type": "dispatch.ticket", "data": told})
    return None


def _for_kuaidi100(
    ticket: Ticket,
    label: str,
    parcel: Parcel,
    known: TicketType,
    earlier: Mapping[str, Any] | None,
    added: Sequence[str],
) -> dict[str, Any]:
    fields = {"secondType": known.second_type, "kuaidinum": parcel.waybill or ""}
    missing = [] if parcel.waybill else ["waybill"]
    for name in known.needs:
        value = _number(parcel.details.get(NEEDS[name]))
        if name == "telWeight" and len(value) > WEIGHT_LIMIT:
            value = ""
        fields[name] = value
        if not value:
            missing.append(f"details.{NEEDS[name]}")
    lines = [f"{label}：{ticket.text}", *(f"客户补充：{text}" for text in added)]
    if earlier:
        lines.insert(0, _reference(ticket, earlier))
    content = plain("\n".join(lines), TEXT_LIMIT)
    return {"fields": fields, "content": content, "missing": missing, "category": ticket.category}


def _reference(ticket: Ticket, earlier: Mapping[str, Any]) -> str:
    number = f"工单 {earlier['remote_id']}" if earlier.get("remote_id") else "工单"
    if earlier.get("category") not in (None, ticket.category):
        return f"更正：此前就同一运单提交的{number}类型有误，请以本单为准。"
    return f"此前就同一运单提交过{number}，客户反馈仍未解决。"


def _for_merchant(
    ticket: Ticket,
    label: str,
    parcel: Parcel,
    round_: int,
    earlier: Mapping[str, Any] | None,
    added: Sequence[str],
) -> dict[str, Any]:
    return {
        "round": round_,
        "earlier": dict(earlier) if earlier else None,
        "ticket": {
            "id": ticket.id,
            "category": ticket.category,
            "label": label,
            "text": plain(ticket.text, TEXT_LIMIT),
            "added": [plain(text, TEXT_LIMIT) for text in added],
            "opened_at": ticket.opened_at.astimezone(UTC).isoformat(),
            "due_at": ticket.due_at.astimezone(UTC).isoformat(),
        },
        "order": {
            "id": parcel.order_id,
            "carrier": parcel.carrier,
            "waybill": parcel.waybill,
            "carrier_order_id": parcel.carrier_order_id,
            "state": parcel.state,
        },
    }


def addition(via: str, text: str, number: int, parent: str, ticket_id: str) -> dict[str, Any]:
    """The request of the customer's addition number `number` (1, 2, ...) in a round.

    The number is part of the words, so that two alike are told apart where they are listed.
    """
    if via == "webhook":
        said = {"dispatch": parent, "ticket": ticket_id, "number": number}
        return {
            "type": "dispatch.addition",
            "data": {**said, "text": plain(text, TEXT_LIMIT)},
        }
    return {"content": plain(f"客户补充（{number}）：{text}", TEXT_LIMIT)}


def plain(text: str, limit: int) -> str:
    """Plain text of at most `limit` characters: no control characters but line breaks."""
    kept = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    kept = kept.strip()
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def _number(value: object) -> str:
    """A positive number with at most two digits after the point; empty when it is none."""
    try:
        number = float(str(value))
    except ValueError:
        return ""
    if not 0 < number < 1e9:
        return ""
    return f"{number:.2f}".rstrip("0").rstrip(".")
