"""A key that nobody reads is refused: it is most likely misspelt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def check_keys(given: Any, known: Collection[str], where: str) -> None:
    """Check a mapping of a data file, which may leave keys out.

    Args:
        given: what stands there.
        known: the keys that are read.
        where: the file and the key, for the complaint.

    Raises:
        ValueError: it is no mapping, or has a key that is not known.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{where}: expected a mapping, got {given!r}")
    unknown = sorted(str(key) for key in given if key not in known)
    if unknown:
        raise ValueError(f"{where}: expected keys of {', '.join(known)}, got {unknown}")
