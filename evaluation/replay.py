"""What the review would do with a case, worked out without a running system. Pure.

An estimate, quick enough to try numbers with: the review's own decision on the first message, and
then a customer who behaves as in policy.py. The figures that count come from `python -m
evaluation`, which talks to the whole system and knows nothing of what is known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from actions.review.decision import review
from actions.review.evidence import Evidence, Verdict
from actions.review.settings import ReviewSettings
from evaluation.cases import CATEGORIES, Case
from evaluation.rankings import Ranking
from evaluation.record import Outcome

#: Answered with a sentence, no review and no question (data/rules/smalltalk.yml, choice.yml).
ANSWERED = frozenset({"greet", "thanks", "goodbye", "chitchat", "out_of_scope", "affirm"})
#: "None of these" to no question: all categories are shown (data/rules/none_of_these.yml).
SHOWN_ALL = frozenset({"none_of_these", "deny"})


@dataclass(frozen=True)
class Replayed:
    """One case: what it comes to, the model's likeliest intent and ranking, the verdict if any."""

    outcome: Outcome
    top: str
    verdict: Verdict | None = None
    ranking: Ranking = ()

    @property
    def understood_right(self) -> bool:
        """The likeliest category by the message alone is what the customer needs."""
        return self.top == self.outcome.case.true


def replay(
    case: Case, ranking: Ranking, settings: ReviewSettings, asks_for_person: Callable[[str], bool]
) -> Replayed:
    """One case through the first turn and what follows from it.

    Args:
        case: the customer.
        ranking: the model's ranking for their message.
        settings: the review's numbers.
        asks_for_person: the desk's own reading, before the bot hears of the message.
    """
    # The intent under a fallback still tells what the message was taken for.
    top = next((name for name, _ in ranking if name != "nlu_fallback"), "")
    heard = _heard(ranking, settings)
    if heard == "human" or asks_for_person(case.message):
        return Replayed(Outcome(case, person_turn=1), top)
    if heard == "out_of_scope" and case.in_scope:
        # They say it once more: the second time in a row a person comes (action_off_topic).
        return Replayed(Outcome(case, questions=1, person_turn=2), top)
    if heard in ANSWERED:
        # They say it once more, hear the same, and give up. Small talk wanted no more than this.
        return Replayed(Outcome(case, questions=1, stranded=case.in_scope), top)
    if heard in SHOWN_ALL:
        return Replayed(_taps(case, CATEGORIES, 1), top)
    evidence = Evidence(case.message, case.stated, ranking, case.order_status)
    verdict = review(evidence, settings)
    return Replayed(_settles(case, verdict), top, verdict)


def _heard(ranking: Ranking, settings: ReviewSettings) -> str:
    """The message's intent: no faint "no ticket", as `bot/nlu/outside.py` has it."""
    if not ranking:
        return "nlu_fallback"
    outside = sum(share for name, share in ranking if name in settings.outside)
    if ranking[0][0] in settings.outside and outside < settings.max_outside:
        return next((name for name, _ in ranking if name in CATEGORIES), ranking[0][0])
    return ranking[0][0]


def _settles(case: Case, verdict: Verdict) -> Outcome:
    if verdict.kind == "human":
        return Outcome(case, person_turn=1)
    if verdict.kind == "agree":
        return Outcome(case, ticket=verdict.category, final_ticket=verdict.category)
    offered = tuple(name for name, _ in verdict.candidates)
    if case.true in offered:
        return _taps(case, offered, 1)
    return _taps(case, CATEGORIES, 2)  # none of these, then out of all the others


def _taps(case: Case, offered: Sequence[str], questions: int) -> Outcome:
    """They tap their need; who wants a person taps that, and small talk taps nothing."""
    if case.true in offered:
        return Outcome(case, ticket=case.true, final_ticket=case.true, questions=questions)
    if case.true == "human":
        return Outcome(case, person_turn=2, tapped_human=True, questions=questions)
    return Outcome(case)


def replay_all(
    cases: Sequence[Case],
    rankings: Mapping[str, Ranking],
    settings: ReviewSettings,
    asks_for_person: Callable[[str], bool],
) -> list[Replayed]:
    """Every case; `rankings` by message."""
    return [
        replace(
            replay(case, rankings[case.message], settings, asks_for_person),
            ranking=rankings[case.message],
        )
        for case in cases
    ]
