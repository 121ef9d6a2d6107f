"""What a model's word may do to a decision made without it. Pure.

A model can be wrong, be talked round by the customer's text, or be somebody else's. So its word
works in one direction only: it may turn a ticket into a question, a person into a question, and
put its own category among a question's choices. It never opens a ticket that would not have been
opened without it, never changes a ticket's category and never sends anybody to a person. Whatever
it says, then, there are no more wrong tickets than without it.
"""

from __future__ import annotations

from collections.abc import Mapping

from actions.review.evidence import Evidence, Verdict
from actions.review.settings import ReviewSettings

MOST_CHOICES = 3


def usable_word(evidence: Evidence, settings: ReviewSettings) -> str | None:
    """The category a model named, if its word may count at all.

    None for "cannot decide", a category that does not exist or that the customer has ruled out, a
    model no better than chance, and when no question is left that it could lead to.
    """
    opinion = evidence.opinion
    word = opinion.category if opinion and not settings.is_blind(opinion.model) else None
    if word not in settings.categories or word in evidence.rejected:
        return None
    return None if evidence.questions_asked >= settings.most_questions else word


def with_the_word(alone: Verdict, together: Verdict, word: str, model: str) -> Verdict:
    """The verdict once a model has spoken.

    Args: what is decided without it; what the same figures say with its word multiplied in; the
    category it named; its name.
    """
    told = (*alone.reasons, f"the model {model} says {word}", _numbers(together))
    posterior = together.posterior
    if alone.kind == "agree":
        same = (together.kind, together.category) == ("agree", alone.category)
        if same:
            return _verdict(alone, alone.candidates, posterior, (*told, "it changes nothing"))
        offer = _offer(str(alone.category), word, [c for c, _ in together.candidates])
        reasons = (*told, "its doubt turns the ticket into a question")
        return _ask(offer, posterior, reasons)
    if alone.kind == "clarify":
        names = [c for c, _ in alone.candidates]
        if word in names:
            reasons = (*told, "it is among the choices already; a model opens no ticket")
            return _verdict(alone, alone.candidates, posterior, reasons)
        last = names[-1:] if len(names) >= MOST_CHOICES else names[1:]
        reasons = (*told, "its category joins the choices; a model opens no ticket")
        offer = _offer(names[0], word, last) if names else [word]
        return _verdict(alone, _numbered(offer, posterior), posterior, reasons)
    if alone.understood and together.kind != "human":
        offer = _offer(word, word, [c for c, _ in together.candidates])
        return _ask(offer, posterior, (*told, "a question before a person"))
    return _verdict(alone, alone.candidates, posterior, (*told, "it changes nothing"))


def _offer(first: str, second: str, others: list[str]) -> list[str]:
    """Up to three different categories in this order."""
    return list(dict.fromkeys([first, second, *others]))[:MOST_CHOICES]


def _ask(offer: list[str], posterior: Mapping[str, float], reasons: tuple[str, ...]) -> Verdict:
    return Verdict("clarify", None, _numbered(offer, posterior), reasons, dict(posterior))


def _verdict(
    alone: Verdict,
    candidates: tuple[tuple[str, float], ...],
    posterior: Mapping[str, float],
    reasons: tuple[str, ...],
) -> Verdict:
    """As decided without the model; only choices, figures and reasons may differ."""
    shown = _numbered([c for c, _ in candidates], posterior)
    return Verdict(alone.kind, alone.category, shown, reasons, dict(posterior), alone.understood)


def _numbered(names: list[str], posterior: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple((name, posterior[name]) for name in names)


def _numbers(together: Verdict) -> str:
    top = sorted(together.posterior.items(), key=lambda pair: (-pair[1], pair[0]))[:3]
    return "with the model: " + ", ".join(f"{name} {p:.2f}" for name, p in top)
