"""Labelled messages that people have confirmed, out of the desk's tickets. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.review.masking import mask
from learning.history import Entry, History, needed

#: Where a label comes from, the most telling first.
SOURCES = ("agent_correction", "customer_correction", "merged", "choice", "reopened")


@dataclass(frozen=True)
class Candidate:
    """One message with the category people say it belongs to.

    `entry` names the line of the ticket it comes from (`<ticket>:<line>`); it is what makes a
    candidate the same one the next time. `text` is masked.
    """

    entry: str
    text: str
    label: str
    source: str
    stated: str | None
    at: datetime


def candidates(
    histories: Sequence[History], names: Collection[str], categories: Collection[str]
) -> list[Candidate]:
    """Every labelled message in the desk's tickets, oldest first.

    Args:
        histories: all tickets.
        names: the words of buttons and labels, which are ours and not the customer's.
        categories: those that exist today; tickets of others are left out.
    """
    by_id = {history.id: history for history in histories}
    found = [
        candidate
        for history in histories
        if needed(history, by_id) in categories
        for candidate in _of_ticket(history, needed(history, by_id), names)
    ]
    return sorted(found, key=lambda one: (one.at, one.entry))


def _of_ticket(history: History, label: str, names: Collection[str]) -> Iterator[Candidate]:
    reason = _reason(history)
    for entry in history.entries:
        if entry.kind == "opened" and reason:
            source, at = reason
        elif entry.kind == "added" and entry.choice == label == history.category:
            source, at = "choice", entry.at
        else:
            continue
        text = own_words(entry.text, history.said, names)
        if text:
            masked = masked_words(text, history.private)
            place = f"{history.id}:{entry.id}"
            yield Candidate(place, masked, label, source, history.stated, at)


def _reason(history: History) -> tuple[str, datetime] | None:
    """Why the category is what people say it is, and since when; None if nobody said so."""
    correction = history.last_correction
    if history.merged_into:
        return "merged", _last(history, "completed").at
    if correction:
        by_agent = correction.author.startswith("agent:")
        return ("agent_correction" if by_agent else "customer_correction"), correction.at
    if history.chosen_by_customer:
        return "choice", history.entries[0].at
    if history.reopened:
        return "reopened", _last(history, "reopened").at
    return None


def _last(history: History, kind: str) -> Entry:
    return next((e for e in reversed(history.entries) if e.kind == kind), history.entries[-1])


def own_words(text: str, said: Sequence[str], names: Collection[str]) -> str:
    """The lines of a ticket's text that the customer wrote, as one line.

    A ticket's text can also hold our own words: a category's name when only a button was tapped, or
    what an agent wrote.
    """
    theirs = {line.strip() for message in said for line in message.splitlines()}
    ours = {name.strip() for name in names}
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line and line in theirs and line not in ours]
    return " ".join(dict.fromkeys(kept))


def masked_words(text: str, private: Sequence[str]) -> str:
    """The text without personal data: what the order holds about the person, and what looks so.

    The order's values are found however they are spaced, and in either width or case.
    """
    text = unicodedata.normalize("NFKC", text)
    values = {unicodedata.normalize("NFKC", value).strip() for value in private}
    for value in sorted((one for one in values if len(one) >= 2), key=len, reverse=True):
        spaced = r"[ .\-]?".join(re.escape(one) for one in value if not one.isspace())
        # Li is no part of "delivery".
        whole = rf"(?<![0-9A-Za-z]){spaced}(?![0-9A-Za-z])" if value.isascii() else spaced
        text = re.sub(whole, "[***]", text, flags=re.IGNORECASE)
    return mask(text)
