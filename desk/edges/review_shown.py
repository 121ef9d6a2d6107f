"""A ticket's review record as lines an agent can read: who said what, and what was decided.

The record is the actions' (actions/README.md); behind it, in `corrections`, are the records of the
reviews that gave the ticket another category, oldest first. Whatever stands in it, the page is
shown: a line that cannot be made is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Line = tuple[str, str]


def review_lines(
    record: Any,
    t: Callable[..., str],
    label: Callable[[str], str],
    order_state: Callable[[str], str],
) -> list[Line]:
    """(title, text) for each witness and the decision; empty when no review led to the ticket.

    Args: `tickets.review`; the console's sentences; words for a category and for an order's state.
    """
    if not isinstance(record, Mapping) or not isinstance(record.get("verdict"), str):
        return []
    stated, state = record.get("stated"), record.get("order_state")
    lines = [
        (t("review.stated"), label(stated) if isinstance(stated, str) else t("review.nothing")),
        (t("review.message"), _ranking(record.get("message"), t, label)),
        (t("review.order"), order_state(state) if isinstance(state, str) else ""),
        (t("review.model"), _model(record.get("model"), t, label)),
        (t("review.decision"), _decision(record, t)),
    ]
    return [(title, text) for title, text in lines if text]


def later_reviews(record: Any) -> list[Any]:
    """The records of the corrections, oldest first: those of which there is something to show."""
    later = record.get("corrections") if isinstance(record, Mapping) else None
    if not isinstance(later, list):
        return []
    return [
        one for one in later if isinstance(one, Mapping) and isinstance(one.get("verdict"), str)
    ]


def review_reasons(record: Any) -> list[str]:
    """The decision's own lines (English: they name ids and numbers, for whoever checks it)."""
    reasons = record.get("reasons") if isinstance(record, Mapping) else None
    return [str(reason) for reason in reasons] if isinstance(reasons, list) else []


def _ranking(ranking: Any, t: Callable[..., str], label: Callable[[str], str]) -> str:
    """The three likeliest readings of the message."""
    if not isinstance(ranking, list):
        return ""
    read = [
        (str(row[0]), float(row[1]))
        for row in ranking
        if isinstance(row, list) and len(row) == 2 and isinstance(row[1], int | float)
    ]
    return t("review.comma").join(f"{_need(name, t, label)} {p:.0%}" for name, p in read)


def _model(said: Any, t: Callable[..., str], label: Callable[[str], str]) -> str:
    """What the model said, in whose words, how fast and for how much; or that it said nothing."""
    if not isinstance(said, Mapping):
        return t("review.no_model")
    name = str(said.get("model") or "")
    if "silent" in said:
        return t("review.silent", model=name, reason=str(said["silent"]))
    category = said.get("category")
    parts = [f"{name}: {_need(category, t, label) if category else t('review.cannot_decide')}"]
    if said.get("quote"):
        parts.append(t("review.quote", quote=str(said["quote"])))
    if said.get("cached"):
        parts.append(t("review.cached"))
    else:
        tokens = _number(said.get("prompt_tokens")) + _number(said.get("completion_tokens"))
        parts.append(f"{_number(said.get('latency_ms')):.0f} ms")
        parts.append(t("review.tokens", tokens=f"{tokens:.0f}"))
    if said.get("cost"):
        parts.append(t("review.cost", cost=f"{_number(said['cost']):.6f}".rstrip("0").rstrip(".")))
    if said.get("prompt_version"):
        parts.append(t("review.prompt", version=str(said["prompt_version"])))
    return " · ".join(parts)


def _decision(record: Mapping[str, Any], t: Callable[..., str]) -> str:
    how = record.get("confirmed_by")
    known = ("agreement", "tap", "typed")
    verdict = record["verdict"]
    parts = [t(f"review.verdict.{verdict}")] if verdict in ("agree", "clarify", "human") else []
    if how in known and (verdict, how) != ("agree", "agreement"):
        parts.append(t(f"review.by.{how}"))
    return t("review.comma").join(parts)


def _need(name: Any, t: Callable[..., str], label: Callable[[str], str]) -> str:
    """A category's label, or the words for what is none."""
    outside = ("human", "chitchat", "out_of_scope", "nlu_fallback", "greet", "thanks", "goodbye")
    return t(f"review.outside.{name}") if name in outside else label(str(name))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
