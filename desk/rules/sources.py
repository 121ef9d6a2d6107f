"""Who tells us about orders: one reader for each source of callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from desk.rules import facts_hook, kuaidi100
from desk.rules.told import Names, Told

READERS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    "kuaidi100.order": kuaidi100.read_order,
    "kuaidi100.track": kuaidi100.read_track,
    "kuaidi100.query": kuaidi100.read_query,
    "kuaidi100.detail": kuaidi100.read_detail,
    facts_hook.SOURCE: facts_hook.read,
}
#: For the sources that tell much and often: their orders' names without reading all the rest.
NAMES: dict[str, Callable[[Mapping[str, Any]], Names]] = {
    "kuaidi100.order": kuaidi100.order_names,
    "kuaidi100.track": kuaidi100.track_names,
    facts_hook.SOURCE: facts_hook.names,
}


def names(source: str, data: Mapping[str, Any]) -> Names:
    """What a callback calls its order.

    Raises:
        ValueError and the others of `told.UNREADABLE`: it is not what its source should send.
    """
    if source in NAMES:
        return NAMES[source](data)
    told = parse(source, data)
    return told.waybill, told.numbers


def parse(source: str, data: Mapping[str, Any]) -> Told:
    """Read a callback's JSON.

    Raises:
        ValueError and the others of `told.UNREADABLE`: it is not what its source should send.
    """
    if source not in READERS:
        raise ValueError(f"expected a known source, got {source!r}")
    return READERS[source](data)
