"""Who tells us about orders: one reader for each source of callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from desk.rules import facts_hook, kuaidi100
from desk.rules.told import Told

READERS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    "kuaidi100.order": kuaidi100.read_order,
    "kuaidi100.track": kuaidi100.read_track,
    facts_hook.SOURCE: facts_hook.read,
}


def parse(source: str, data: Mapping[str, Any]) -> Told:
    """Read a callback's JSON.

    Raises:
        ValueError and the others of `told.UNREADABLE`: it is not what its source should send.
    """
    if source not in READERS:
        raise ValueError(f"expected a known source, got {source!r}")
    return READERS[source](data)
