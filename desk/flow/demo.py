"""The demo's sample data: customers, orders, logins. Only with KEFU_DEMO=1."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from desk.flow.desk import Desk
from desk.rules.refused import Refused
from desk.store import agents, orders


async def seed(desk: Desk, hash_password: Callable[[str], str]) -> None:
    """Put in the sample logins and, where missing, the sample orders. Safe to repeat."""
    async with desk.db.begin() as tx:
        for person in desk.content.demo.get("agents") or []:
            row = await agents.by_login(tx, person["login"])
            if row is None or row.id == _demo_id(person):
                await agents.put(
                    tx,
                    _demo_id(person),
                    person["login"],
                    person["name"],
                    person["role"],
                    hash_password(person["password"]),
                )
        for customer in desk.content.demo.get("customers") or []:
            if not await orders.of_customer(tx, customer["id"]):
                await _put_orders(desk, tx, customer)


async def lock_out(desk: Desk) -> None:
    """Outside a demo, nobody gets in with the demo's well-known passwords."""
    async with desk.db.begin() as tx:
        for person in desk.content.demo.get("agents") or []:
            row = await agents.by_login(tx, person["login"])
            if row is not None and row.id == _demo_id(person):
                await agents.set_hash(tx, row.id, "no password")


def _demo_id(person: dict[str, Any]) -> str:
    return f"demo_{person['login']}"


async def reset(desk: Desk, customer_id: str) -> None:
    """Set the customer's used sample orders aside and give them fresh ones.

    Raises:
        Refused: `not_found`.
    """
    customer = sample(desk, customer_id)
    async with desk.db.begin() as tx:
        await orders.set_aside(tx, customer_id)
        await _put_orders(desk, tx, customer)


def sample(desk: Desk, customer_id: str) -> dict[str, Any]:
    """A sample customer of data/demo.yml.

    Raises:
        Refused: `not_found`.
    """
    for customer in desk.content.demo.get("customers") or []:
        if customer["id"] == customer_id:
            return dict(customer)
    raise Refused("not_found", what="customer")


async def _put_orders(desk: Desk, tx: AsyncConnection, customer: dict[str, Any]) -> None:
    for order in reversed(customer["orders"]):
        number = "".join(secrets.choice("0123456789") for _ in range(10))
        values = {
            "customer_id": customer["id"],
            "carrier": order["carrier"],
            "waybill": f"{order['carrier'][:2].upper()}{number}",
            "carrier_order_id": None,
            "state": order["state"],
            "fees": order["fees"],
            "details": {
                "goods": order["goods"],
                "customer_name": customer["name"]["zh"],
                **(order.get("details") or {}),
            },
        }
        order_id = f"{order['key']}-{number[:6]}"
        await orders.put(tx, order_id, values, desk.now())
