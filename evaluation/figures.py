"""The figures of a run: what is counted, of which cases, and what was aimed for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from evaluation.cases import NO_TICKET, Case
from evaluation.measure import Figure, percentile, share
from evaluation.record import Outcome


def is_solved(outcome: Outcome) -> bool:
    """The right ticket and no person. A customer's own slip, put right, is no fault of the desk."""
    ticket = outcome.final_ticket if outcome.slipped else outcome.ticket
    return outcome.case.in_scope and ticket == outcome.case.true and not outcome.person


def is_wrong(outcome: Outcome) -> bool:
    """A ticket that is not what the customer needs."""
    ticket = outcome.final_ticket if outcome.slipped else outcome.ticket
    return ticket is not None and ticket != outcome.case.true


def figures(outcomes: Sequence[Outcome]) -> list[Figure]:
    """All figures in the order they are shown. Denominators are in the labels."""
    needs_ticket = [o for o in outcomes if o.case.in_scope]
    wants_person = [o for o in outcomes if o.case.true == "human"]
    no_ticket = [o for o in outcomes if o.case.true in NO_TICKET]
    solved = [o for o in needs_ticket if is_solved(o)]
    clear = [o for o in needs_ticket if o.case.clear_and_rightly_stated]
    moments = sum(o.no_way_out for o in outcomes)
    asked = sum(o.questions for o in solved)
    replies = [seconds for o in outcomes for seconds in o.replies_s]
    after_person = sum(o.bot_after_person for o in outcomes)
    return [
        share(
            "solved",
            "solved, of cases that need a ticket",
            needs_ticket,
            is_solved,
            goal=0.90,
            stretch=0.97,
            higher_is_better=True,
        ),
        share(
            "wrong",
            "wrong ticket, of cases that need a ticket",
            needs_ticket,
            is_wrong,
            goal=0.02,
            stretch=0.006,
        ),
        share(
            "handed_over_unasked",
            "handed over unasked, of cases that need a ticket",
            needs_ticket,
            lambda o: o.person and not o.tapped_human,
            goal=0.08,
            stretch=0.02,
        ),
        share(
            "stranded",
            "stranded, of all cases",
            outcomes,
            lambda o: o.stranded,
            goal=0.0,
            stretch=0.0,
        ),
        Figure(
            "no_way_out",
            "moments without a way to a person",
            moments,
            moments,
            len(outcomes),
            "count",
            goal=0.0,
            stretch=0.0,
        ),
        share(
            "person_on_first_message",
            "asked for a person, got one on the first message",
            wants_person,
            lambda o: o.person_turn == 1 and o.ticket is None,
            goal=0.97,
            stretch=0.995,
            higher_is_better=True,
        ),
        share(
            "needless_ticket",
            "a ticket for small talk, out of scope or an injection",
            no_ticket,
            lambda o: o.ticket is not None,
            goal=0.02,
            stretch=0.0,
        ),
        share(
            "asked_needlessly",
            "clear and rightly stated, asked all the same",
            clear,
            lambda o: o.questions > 0,
            goal=0.25,
            stretch=0.10,
        ),
        Figure(
            "questions_per_solved",
            "questions per solved case",
            asked / len(solved) if solved else math.nan,
            asked,
            len(solved),
            "mean",
            goal=0.7,
            stretch=0.4,
        ),
        _seconds("reply_p50_s", "reply time, half within", replies, 50),
        _seconds("reply_p95_s", "reply time, 95% within", replies, 95),
        share(
            "wrong_for_person",
            "a ticket for somebody who asked for a person",
            wants_person,
            lambda o: o.ticket is not None,
        ),
        share(
            "needless_person",
            "a person for small talk or out of scope",
            no_ticket,
            lambda o: o.person,
        ),
        share(
            "corrected",
            "wrong tickets the customer could put right",
            [o for o in needs_ticket if o.ticket is not None and o.ticket != o.case.true],
            lambda o: o.final_ticket == o.case.true,
            higher_is_better=True,
        ),
        Figure(
            "bot_after_person",
            "bot messages after a person took over",
            after_person,
            after_person,
            len(outcomes),
            "count",
        ),
        share(
            "broken", "cases that could not be run to their end", outcomes, lambda o: bool(o.error)
        ),
    ]


def _seconds(name: str, label: str, values: Sequence[float], percent: float) -> Figure:
    return Figure(name, label, percentile(values, percent), len(values), len(values), "seconds")


def baselines(cases: Sequence[Case]) -> dict[str, list[Figure]]:
    """The same figures for three desks that need no skill; a figure that does not beat them says
    nothing. Nobody answers; everybody gets a person; the ticked category becomes the ticket."""
    nothing = [Outcome(case, stranded=True) for case in cases]
    person = [Outcome(case, person_turn=1) for case in cases]
    tick = [
        Outcome(case, ticket=case.stated, final_ticket=case.stated, stranded=case.stated is None)
        for case in cases
    ]
    return {
        "do nothing": figures(nothing),
        "always a person": figures(person),
        "trust the tick": figures(tick),
    }


def confusion(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    """(true, result) -> cases. The result is the ticket's category, `person`, `stranded` or
    `no ticket`."""
    return Counter((outcome.case.true, outcome.result) for outcome in outcomes)


def questions_histogram(outcomes: Sequence[Outcome]) -> Counter[int]:
    """Questions asked before the ticket -> solved cases."""
    return Counter(outcome.questions for outcome in outcomes if is_solved(outcome))


def by_group(
    outcomes: Sequence[Outcome], group: Callable[[Case], str]
) -> dict[str, dict[str, float | int]]:
    """Solved, wrong and handed-over shares of in-scope cases, by any property of the case."""
    rows: dict[str, dict[str, float | int]] = {}
    needs_ticket = [o for o in outcomes if o.case.in_scope]
    for name in sorted({group(o.case) for o in needs_ticket}):
        own = [o for o in needs_ticket if group(o.case) == name]
        rows[name] = {
            "cases": len(own),
            "solved": round(sum(map(is_solved, own)) / len(own), 4),
            "wrong": round(sum(map(is_wrong, own)) / len(own), 4),
            "person": round(sum(o.person for o in own) / len(own), 4),
            "questions": round(sum(o.questions for o in own) / len(own), 3),
        }
    return rows
