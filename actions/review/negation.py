"""Which needs a message denies and leaves it at that: 不是要取消, 没丢, "don't return it". Pure.

The classifier sees 取消 and is sure. Whether a "not" stands right before it is plain to see, and
enough to ask instead. Complaints are full of negations that are the complaint itself (没收到,
取消不了, 不给退款): only the words of data/review.yml count, and only directly behind a "not".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actions.review.normalise import normalise

#: How many "nots" in a row, and how many small words behind them, are looked through.
_MOST_NOTS, _MOST_BETWEEN = 3, 4


@dataclass(frozen=True)
class Negations:
    """What denies what; made by `negations`."""

    unless: re.Pattern[str] | None  #: passed over: denies nothing and claims nothing
    words: Mapping[str, tuple[re.Pattern[str], ...]]  #: category -> groups `nots` (or None), `word`
    each: re.Pattern[str]  #: one single "not"

    def denied(self, message: str) -> frozenset[str]:
        """The categories of whose words the message has some, every one behind a "not".

        A question (要不要取消) denies nothing, nor do two different "nots" (不是不要取消).
        """
        text = plain(message)
        if self.unless:
            text = self.unless.sub(" | ", text)
        return frozenset(
            category
            for category, patterns in self.words.items()
            if (found := [m for pattern in patterns for m in pattern.finditer(text)])
            and all(self._denies(match, text) for match in found)
        )

    def _denies(self, match: re.Match[str], text: str) -> bool:
        if not match["nots"]:
            return False
        nots = self.each.findall(match["nots"])
        before = text[match.start("nots") - 1 : match.start("nots")]
        asks = bool(before) and before == nots[0][1:2]  # 要不要, 是不是, 有没有
        return not asks and len(set(nots)) % 2 == 1


def negations(
    wish: Iterable[str],
    fact: Iterable[str],
    between: Iterable[str],
    unless: Iterable[str],
    words: Mapping[str, tuple[Iterable[str], Iterable[str]]],
) -> Negations:
    """The lists of data/review.yml as patterns.

    Args, each phrase as `plain` writes it: "nots" of what is wanted, and of what is so; small words
    that may follow them; phrases to pass over; for each category its words for what is wanted, and
    for what is said to be so.
    """
    nots = (_any(wish, whole=True), _any(fact, whole=True))
    small = _any(between, whole=True)
    skipped = list(unless)

    def pattern(one_not: str, of: Iterable[str]) -> re.Pattern[str]:
        return re.compile(
            rf"(?:(?P<nots>(?:{one_not}\s?){{1,{_MOST_NOTS}}})(?:{small}\s?){{0,{_MOST_BETWEEN}}})?"
            rf"(?P<word>{_any(of, whole=False)})"
        )

    return Negations(
        unless=re.compile(_any(skipped, whole=True)) if skipped else None,
        words={
            category: tuple(
                pattern(one_not, of) for one_not, of in zip(nots, both, strict=True) if of
            )
            for category, both in words.items()
        },
        each=re.compile(_any([*wish, *fact], whole=True)),
    )


def plain(text: str) -> str:
    """The text as phrases are compared with it: `normalise`, and one kind of apostrophe."""
    return normalise(text).replace("’", "'")


def _any(phrases: Iterable[str], *, whole: bool) -> str:
    """Any of the phrases, the longest first; Latin ones begin (`whole`: and end) a word."""
    longest_first = sorted(set(phrases), key=lambda p: (-len(p), p))
    return "(?:{})".format(
        "|".join(
            (r"\b" if p[0].isascii() else "")
            + re.escape(p)
            + (r"\b" if whole and p[-1].isascii() else "")
            for p in longest_first
        )
    )
