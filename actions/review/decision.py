"""The review's decision: agree, clarify or human. Pure; every verdict says why.

In words and with the formula: actions/README.md. The numbers: data/review.yml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from actions.review.costs import expected_costs
from actions.review.evidence import DIALOGUE_INTENTS, Evidence, Opinion, Verdict, VerdictKind
from actions.review.model_word import usable_word, with_the_word
from actions.review.posterior import outside_probability, posterior, text_probabilities
from actions.review.settings import ReviewSettings


def review(evidence: Evidence, settings: ReviewSettings) -> Verdict:
    """Compare what was ticked with what was written, the order and the model's word.

    Args: the evidence of one message; the numbers of data/review.yml.
    Returns the verdict. A message that no ticket can serve never agrees, whatever was ticked; after
    `settings.most_questions` questions the verdict is agree or human, never clarify.
    """
    alone = _Case(replace(evidence, opinion=None), settings).verdict()
    if evidence.opinion is None:
        return alone
    word, model = usable_word(evidence, settings), evidence.opinion.model
    if word is None:
        said = evidence.opinion.category or "cannot decide"
        return replace(alone, reasons=(*alone.reasons, f"the model {model} says {said}: no weight"))
    return with_the_word(alone, _Case(evidence, settings).verdict(), word, model)


def opinion_matters(evidence: Evidence, settings: ReviewSettings, model: str = "") -> bool:
    """True if a word of the model could change the verdict, or mend a question's choices.

    Only then is a model worth its time and money. A question that most likely offers the need
    already (`settings.model_uncovered`) is not worth asking about, and a model whose word is no
    better than chance never is.
    """
    if settings.is_blind(model):
        return False
    alone = review(replace(evidence, opinion=None), settings)
    if alone.kind == "clarify":
        if evidence.questions_asked >= settings.most_questions:
            return False
        inside = sum(alone.posterior[c] for c in settings.categories)
        covered = sum(p for _, p in alone.candidates) / inside if inside else 1.0
        return 1.0 - covered >= settings.model_uncovered
    return any(
        review(replace(evidence, opinion=Opinion(c, "", model, 0, "")), settings).kind != alone.kind
        for c in settings.categories
    )


class _Case:
    """One message under review: the figures first, then the decision, collecting reasons."""

    def __init__(self, evidence: Evidence, settings: ReviewSettings) -> None:
        self.evidence = evidence
        self.settings = settings
        self.text = text_probabilities(evidence.ranking, settings)
        self.posterior = posterior(evidence, self.text, settings)
        self.left = [c for c in settings.categories if c not in evidence.rejected]
        self.by_text = self._as_written()
        self.by_all = _ranked(self.posterior, self.left)
        self.denied = settings.negations.denied(evidence.message)
        self.reasons: list[str] = []

    def verdict(self) -> Verdict:
        self._describe_witnesses()
        if not self.left:
            return self._end("human", "the customer has said no to every category")
        offer = self._offer()
        self.costs = expected_costs(self.by_all[0], offer, self.posterior, self.settings)
        self.reasons.append(f"expected costs: {self.costs}")
        missed = self._missed()
        if missed is not None:
            return missed
        last = self.evidence.questions_asked >= self.settings.most_questions
        if self.by_all[0] in self.denied:
            return self._not_that(last)
        if self._second_witness() and (last or self._ticket_is_cheapest()):
            return self._end("agree", "ticked or offered, and written: they agree")
        return self._after_the_last_question() if last else self._by_cost()

    def _missed(self) -> Verdict | None:
        """The verdict for a message that says nothing a ticket could serve, or None."""
        top = self.evidence.ranking[0][0] if self.evidence.ranking else "nlu_fallback"
        outside = outside_probability(self.text, self.settings)
        if top in DIALOGUE_INTENTS:
            reason = f"the message was not understood ({top})"
        elif outside >= self.settings.max_outside:
            likeliest = max(sorted(set(self.settings.outside.values())), key=self.text.__getitem__)
            reason = f"no ticket serves the message: {likeliest} (outside {outside:.2f})"
            if likeliest == "human":
                return self._end("human", "the customer asks for a person", understood=False)
        else:
            return None
        self.reasons.append(reason)
        if self.evidence.misses >= 1:
            return self._end("human", "not understood twice in a row", understood=False)
        if self.evidence.questions_asked >= self.settings.most_questions:
            return self._end("human", "no question is left", understood=False)
        return self._end("clarify", "first time: offer the likeliest", understood=False)

    def _not_that(self, last: bool) -> Verdict:
        """The verdict when the likeliest category is named behind a "not", and nowhere else."""
        self.reasons.append(f"the message denies {self.by_all[0]}: no ticket of it")
        if last:
            return self._end("human", "no question is left")
        return self._end("clarify", "offer what else it may be")

    def _ticket_is_cheapest(self) -> bool:
        return self.costs.ticket <= min(self.costs.question, self.costs.person)

    def _second_witness(self) -> bool:
        """The message clearly says one category, and it was ticked, or offered by our question."""
        lead, *rest = self.by_text
        answered = lead in self.evidence.offered  # it was named to them: fewer words are enough
        least = self.settings.agree_min_answer if answered else self.settings.agree_min_text
        clear = self.text[lead] >= least and (
            not rest or self.text[lead] >= self.settings.agree_min_lead * self.text[rest[0]]
        )
        backed = lead == self.evidence.stated or answered
        return (
            clear
            and backed
            and lead == self.by_all[0]
            and self.posterior[lead] >= self.settings.agree_min_posterior
            and self._fits_the_order(lead)
        )

    def _fits_the_order(self, category: str) -> bool:
        """The order's state is not plainly against it; an unknown state is against nothing."""
        state = self.evidence.order_state
        if state not in self.settings.states:
            return True
        fits = {c: row[state] for c, row in self.settings.state_likelihood.items()}
        return fits[category] >= self.settings.agree_min_state * max(fits.values())

    def _after_the_last_question(self) -> Verdict:
        best = self.by_all[0]
        if self._supported(best) and self.posterior[best] >= self.settings.last_word:
            return self._end("agree", f"no question is left; {best} is sure enough")
        return self._end("human", "no question is left, and nothing is sure enough")

    def _by_cost(self) -> Verdict:
        if self._conflict() and self.settings.always_ask:
            return self._end("clarify", "ticked and written differ: one question")
        if self._supported(self.by_all[0]) and self._ticket_is_cheapest():
            return self._end("agree", "a ticket is the cheapest")
        if self.costs.question <= self.costs.person:
            return self._end("clarify", "a question is the cheapest")
        return self._end("human", "a person is the cheapest")

    def _conflict(self) -> bool:
        """Something is ticked, and the message clearly says something else; not yet asked."""
        stated = self.evidence.stated
        return (
            self.evidence.questions_asked == 0
            and stated in self.left
            and not self._supported(stated or "")
        )

    def _supported(self, category: str) -> bool:
        """The message itself speaks for the category: neither a tick nor a model can replace it."""
        return self.text[category] >= self.settings.tie * self.text[self.by_text[0]]

    def _as_written(self) -> list[str]:
        """By the message alone; below the floor the classifier's order counts."""
        place = {intent: n for n, (intent, _) in enumerate(self.evidence.ranking)}
        return sorted(self.left, key=lambda c: (-self.text[c], place.get(c, len(place)), c))

    def _offer(self) -> list[str]:
        """The two or three categories to offer (fewer only when no more are left).

        In a conflict: what the message says, what it says next, and what was ticked. Where the lead
        is clear the rest is faint, and tick and state would drown what the words still hint at.
        Otherwise the likeliest that the message does not deny.
        """
        lead, stated = self.by_text[0], self.evidence.stated
        if self._conflict() and stated and lead not in self.denied:
            others = [c for c in self.by_text if c not in (lead, stated)]
            return [lead, *others[:1], stated]
        open_yet = [c for c in self.by_all if c not in self.denied]
        if len(open_yet) < 2:  # fewer would be no choice
            open_yet = self.by_all
        third = [c for c in open_yet[2:3] if self.posterior[c] >= self.settings.third_choice]
        return open_yet[:2] + third

    def _describe_witnesses(self) -> None:
        evidence = self.evidence
        likeliest = _ranked(self.text, list(self.text))[:3]
        self.reasons.append(f"the message says {_with_numbers(self.text, likeliest)}")
        self.reasons.append(f"ticked: {evidence.stated or 'nothing'}")
        self.reasons.append(f"the order is {evidence.order_state or 'unknown'}")
        if evidence.offered:
            self.reasons.append(f"already offered: {', '.join(evidence.offered)}")
        if evidence.rejected:
            self.reasons.append(f"ruled out: {', '.join(evidence.rejected)}")
        if self.by_all:
            together = _with_numbers(self.posterior, self.by_all[:3])
            self.reasons.append(f"all together: {together}")

    def _end(self, kind: VerdictKind, reason: str, *, understood: bool = True) -> Verdict:
        self.reasons.append(reason)
        offer = self._offer() if self.left else []
        return Verdict(
            kind=kind,
            category=self.by_all[0] if kind == "agree" else None,
            candidates=tuple((c, self.posterior[c]) for c in offer),
            reasons=tuple(self.reasons),
            posterior=self.posterior,
            understood=understood,
        )


def _ranked(probabilities: Mapping[str, float], names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (-probabilities[name], name))


def _with_numbers(probabilities: Mapping[str, float], names: list[str]) -> str:
    return ", ".join(f"{name} {probabilities[name]:.2f}" for name in names)
