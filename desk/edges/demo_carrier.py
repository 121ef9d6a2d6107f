"""The demo's carrier: the stand-in for Kuaidi100 is told what happens to the sample orders."""

from __future__ import annotations

from typing import Any

import aiohttp
import structlog

from desk.settings import KUAIDI100, Settings

log = structlog.get_logger("desk.demo")


def stand_in(settings: Settings) -> str | None:
    """The address of the stand-in, or None: Kuaidi100 itself is set, or no account at all."""
    base = settings.kuaidi100_base_url.rstrip("/")
    return base if settings.asks_kuaidi100 and base != KUAIDI100 else None


async def tell(address: str, order: Any, source: str, code: int) -> bool:
    """Tell the stand-in that something happened to an order's parcel; it tells nobody itself.

    Args:
        order: its row.
        source: `order` or `track`, whose code it is.

    Returns:
        Whether it knows now.
    """
    parcel = f"{address}/control/parcels/{order.waybill}"
    phone = str((order.details or {}).get("phone") or "")
    moved: dict[str, Any] = {"push": False}
    moved |= {"status": code} if source == "order" else {"code": str(code)}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session:
            known = {"company": order.carrier, "phone": phone}
            async with session.put(parcel, json=known) as response:
                response.raise_for_status()
            async with session.post(f"{parcel}/move", json=moved) as response:
                response.raise_for_status()
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("the stand-in for Kuaidi100 does not answer", error=type(error).__name__)
        return False
    return True
