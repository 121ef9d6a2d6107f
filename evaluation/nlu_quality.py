"""How well a model understands: right, right among three, and how far its probabilities hold. Pure.

All figures are about the message alone: what was ticked and the order's state are for the review.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.cases import Case
from evaluation.probabilities import calibration_error, guesses
from evaluation.rankings import Ranking

#: Intents that case files call `chitchat`: an answer and no review, whichever it is.
SMALL_TALK = frozenset({"greet", "thanks", "goodbye", "chitchat"})
#: A probability of zero for what was true would make the mean loss infinite.
LEAST = 1e-6
#: Share of the cases that a model is surest of.
SUREST = 0.8


@dataclass(frozen=True)
class Quality:
    """A model's figures over some cases, each 0..1 but `nll` (nats).

    accuracy, top3, surest: of the cases that need a ticket; `surest` of the 80% of them with the
    highest probability. ece: expected calibration error; nll: mean negative log of the true need's
    probability; both over all cases. right: for each case that needs a ticket, in their order.
    """

    accuracy: float
    top3: float
    surest: float
    ece: float
    nll: float
    right: tuple[bool, ...]


def probabilities(ranking: Ranking) -> dict[str, float]:
    """Need -> probability: small talk as one, and without the fallback, which is no intent."""
    found: dict[str, float] = {}
    for name, p in ranking:
        if name != "nlu_fallback":
            need = "chitchat" if name in SMALL_TALK else name
            found[need] = found.get(need, 0.0) + p
    return found


def quality(cases: Sequence[Case], rankings: Mapping[str, Ranking]) -> Quality:
    """The figures.

    Args:
        cases: at least one of them needs a ticket.
        rankings: by message, over all intents.

    Raises:
        ValueError: no case needs a ticket.
    """
    in_scope = [case for case in cases if case.in_scope]
    if not in_scope:
        raise ValueError("no case needs a ticket: there is nothing to compare by")
    rows = {case.id: probabilities(rankings[case.message]) for case in cases}
    made = guesses(in_scope, rows)
    surest = sorted(made, key=lambda guess: -guess.probability)
    surest = surest[: max(1, round(len(surest) * SUREST))]
    near = [
        case.true in sorted(rows[case.id], key=rows[case.id].__getitem__)[-3:] for case in in_scope
    ]
    losses = [-math.log(max(rows[case.id].get(case.true, 0.0), LEAST)) for case in cases]
    return Quality(
        accuracy=sum(guess.right for guess in made) / len(made),
        top3=sum(near) / len(near),
        surest=sum(guess.right for guess in surest) / len(surest),
        ece=calibration_error(guesses(cases, rows)),
        nll=sum(losses) / len(losses),
        right=tuple(guess.right for guess in made),
    )


def sign_test(one: Sequence[bool], other: Sequence[bool]) -> tuple[int, int, float]:
    """Cases only `one` has right, only `other` has right, and how likely so uneven a split is.

    The last is the exact two-sided probability if both were as good (McNemar's test); below 0.05
    the difference is hardly chance.
    """
    only_one = sum(a and not b for a, b in zip(one, other, strict=True))
    only_other = sum(b and not a for a, b in zip(one, other, strict=True))
    parted = only_one + only_other
    tail = sum(math.comb(parted, k) for k in range(min(only_one, only_other) + 1)) / 2**parted
    return only_one, only_other, min(1.0, 2 * tail)
