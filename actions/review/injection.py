"""Recognising texts that give orders to a language model, by the patterns of data/injection.yml.

Such a text is not shown to the model at all. What it could do there is little (prompt.py): its
answer is one word of a closed list. This only keeps out what is not even worth asking about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actions.review.normalise import normalise
from actions.review.yaml_checks import Section, read_yaml_file

_SHIPPED = Path(__file__).resolve().parents[2] / "data" / "injection.yml"
#: A repetition without a limit, of whatever: a hostile message could make it run for ever.
_WITHOUT_LIMIT = re.compile(r"(?<!\\)[*+](?![^\[]*\])|\{\d*,\}")


@dataclass(frozen=True)
class Orders:
    """Compiled patterns of data/injection.yml."""

    patterns: tuple[re.Pattern[str], ...]

    def found(self, text: str) -> str | None:
        """The pattern that sees an order to a model in `text`, or None."""
        folded = normalise(text)
        return next((one.pattern for one in self.patterns if one.search(folded)), None)


def load_orders(path: Path = _SHIPPED) -> Orders:
    """Read and check the file: `groups` (name -> alternatives) and `orders` (patterns).

    Raises SettingsError, with file and place, for a pattern that is none, an unknown `<group>`,
    and a repetition without a limit.
    """
    top = Section(read_yaml_file(path), str(path))
    named = top.section("groups")
    groups = {name: "|".join(named.names(name)) for name in named.given()}
    patterns = tuple(_compiled(one, groups, top) for one in top.names("orders"))
    if not patterns:
        raise top.error("orders", "expected at least one pattern")
    top.nothing_else()
    return Orders(patterns)


@cache
def shipped_orders() -> Orders:
    """Those of the committed file."""
    return load_orders()


def _compiled(pattern: str, groups: Mapping[str, str], place: Section) -> re.Pattern[str]:
    def fill(match: re.Match[str]) -> str:
        if match[1] not in groups:
            raise place.error("orders", f"{pattern!r}: there is no group {match[0]}")
        return f"(?:{groups[match[1]]})"

    whole = re.sub(r"<([a-z_]+)>", fill, pattern)
    if _WITHOUT_LIMIT.search(whole):
        raise place.error("orders", f"{pattern!r}: repeats something without a limit")
    try:
        return re.compile(whole)
    except re.error as error:
        raise place.error("orders", f"{pattern!r} is not a pattern: {error}") from error
