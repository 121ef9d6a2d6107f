"""data/review.yml, read and checked. A wrong value is named with its exact place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.review.interval import wilson
from actions.review.negation import Negations, negations, plain
from actions.review.yaml_checks import Section, read_yaml_file

#: The outcomes that are no category (TAXONOMY.md).
OUTSIDE_OUTCOMES = ("human", "chitchat", "out_of_scope")
#: However well a model did when it was measured: tomorrow it may be another one under that name.
_MOST_RELIABLE = 0.95


@dataclass(frozen=True)
class ReviewSettings:
    """The numbers of the review. Probabilities are 0..1, costs are in questions."""

    categories: tuple[str, ...]
    temperature: float
    floor: float
    outside: Mapping[str, str]  #: intent -> outcome
    max_outside: float
    mistick_trust: float
    mistick: Mapping[str, Mapping[str, float]]  #: needed -> ticked -> P(ticked | needed)
    states: tuple[str, ...]
    state_trust: float
    state_likelihood: Mapping[str, Mapping[str, float]]  #: needed -> state -> P(state | needed)
    model_unmeasured: float  #: reliability of a model nobody has measured
    model_measured: Mapping[str, float]  #: model -> lower bound of its measured reliability
    model_uncovered: float  #: a question that misses the need so often is worth a model's word
    cost_question: float
    cost_person: float
    slip: float
    cost_wrong: Mapping[str, float]  #: category -> cost of a wrong ticket of it
    agree_min_text: float
    agree_min_answer: float
    agree_min_lead: float
    agree_min_posterior: float
    agree_min_state: float
    tie: float
    always_ask: bool
    most_questions: int
    third_choice: float
    offered_weight: float
    last_word: float
    negations: Negations

    def reliability_of(self, model: str) -> float:
        """How often the model's word is right, at the least; never below blind chance."""
        return max(self._chance, self.model_measured.get(model, self.model_unmeasured))

    def is_blind(self, model: str) -> bool:
        """Whether the model's word is known to be no better than chance."""
        return self.reliability_of(model) <= self._chance

    @property
    def _chance(self) -> float:
        return 1.0 / len(self.categories)


def load_review_settings(path: Path, categories: Sequence[str]) -> ReviewSettings:
    """Read the file at `path` for the given category ids.

    Beside it, `learned/mistick.yml` (written by `make learn`) adds to the counts, where it exists.
    Raises SettingsError with the file's name, the place in it and what was expected.
    """
    counted = path.parent / "learned" / "mistick.yml"
    learned = (
        Section(read_yaml_file(counted), str(counted)).section("observed")
        if counted.exists()
        else None
    )
    return parse_review_settings(
        read_yaml_file(path), categories, source=str(path), learned=learned
    )


def parse_review_settings(
    raw: Any,
    categories: Sequence[str],
    source: str = "data/review.yml",
    learned: Section | None = None,
) -> ReviewSettings:
    """The same from parsed YAML.

    `source` is how errors name the file; `learned` holds further counts, as `mistick: observed`.
    """
    top = Section(raw, source)
    mistick = top.section("mistick")
    states = top.section("order_state")
    costs = top.section("costs")
    agreement = top.section("agreement")
    conflict = top.section("conflict")
    question = top.section("question")
    model = top.section("model")
    settings = ReviewSettings(
        categories=tuple(categories),
        temperature=top.number("temperature", above=0),
        floor=top.number("floor", above=0, most=0.05),
        outside=_outside(top.section("outside"), categories),
        max_outside=top.number("max_outside", above=0, most=1),
        mistick_trust=mistick.number("trust", least=0, most=1),
        mistick=_mistick(mistick, categories, learned),
        states=states.names("states"),
        state_trust=states.number("trust", least=0, most=1),
        state_likelihood=_state_likelihood(states, categories),
        model_unmeasured=model.number("unmeasured", above=0, most=_MOST_RELIABLE),
        model_measured=_measured(model.section("measured")),
        model_uncovered=model.number("uncovered", above=0, most=1),
        cost_question=costs.number("question", above=0),
        cost_person=costs.number("person", above=0),
        slip=costs.number("slip", least=0, below=1),
        cost_wrong=_cost_wrong(costs, categories),
        agree_min_text=agreement.number("min_text", least=0, most=1),
        agree_min_answer=agreement.number("min_answer", least=0, most=1),
        agree_min_lead=agreement.number("min_lead", least=1),
        agree_min_posterior=agreement.number("min_posterior", least=0, most=1),
        agree_min_state=agreement.number("min_state", least=0, most=1),
        tie=conflict.number("tie", above=0, most=1),
        always_ask=conflict.flag("always_ask"),
        most_questions=question.whole("most", least=1, most=2),
        third_choice=question.number("third_choice", least=0, most=1),
        offered_weight=question.number("offered_weight", least=1),
        last_word=question.number("last_word", least=0, most=1),
        negations=_negations(top.section("negation"), categories),
    )
    for section in (top, states, costs, agreement, conflict, question, model):
        section.nothing_else()
    return settings


def _outside(section: Section, categories: Sequence[str]) -> dict[str, str]:
    outside = {name: section.one_of(name, OUTSIDE_OUTCOMES) for name in section.given()}
    for name in outside:
        if name in categories:
            raise section.error(name, "is a category: a ticket serves it")
    for outcome in OUTSIDE_OUTCOMES:
        if outcome not in outside.values():
            raise section.error(outcome, "no intent speaks for it")
    return outside


def _measured(section: Section) -> dict[str, float]:
    """Model -> the lower end of Wilson's 95% interval of its share of right words."""
    bounds = {}
    for name in section.given():
        row = section.section(name)
        asked = row.whole("asked", least=1, most=10_000_000)
        low, _ = wilson(row.whole("right", least=0, most=asked), asked)
        row.nothing_else()
        bounds[name] = min(_MOST_RELIABLE, low)
    return bounds


def _negations(section: Section, categories: Sequence[str]) -> Negations:
    wish, fact = _phrases(section, "wish"), _phrases(section, "fact")
    between, unless = _phrases(section, "between"), _phrases(section, "unless")
    if not wish or not fact:
        raise section.error("fact" if wish else "wish", "expected at least one phrase")
    rows = section.section("words")
    rows.only_keys(categories)
    words = {}
    for category in rows.given():
        row = rows.section(category)
        wanted, claimed = _phrases(row, "wish"), _phrases(row, "fact")
        if both := sorted(set(wanted) & set(claimed)):
            raise row.error("fact", f"{both[0]!r} stands under wish too")
        row.nothing_else()
        words[category] = (wanted, claimed)
    section.nothing_else()
    return negations(wish, fact, between, unless, words)


def _phrases(section: Section, key: str) -> tuple[str, ...]:
    """A list of phrases as messages are compared with them: anything else would never be found."""
    phrases = section.names(key)
    for phrase in phrases:
        if phrase != plain(phrase) or not phrase:
            raise section.error(key, f"{phrase!r}: write {plain(phrase) or 'a phrase'!r}")
    return phrases


def _mistick(
    section: Section, categories: Sequence[str], learned: Section | None
) -> dict[str, dict[str, float]]:
    agrees = section.number("agrees", above=0, below=1)
    near_share = section.number("neighbours", least=0, below=1)
    strength = section.number("prior_strength", above=0)
    confused = section.section("confused_with")
    observed = _counts(section.section("observed"), categories)
    if learned is not None:
        for needed, row in _counts(learned, categories).items():
            observed[needed] = {c: observed[needed][c] + n for c, n in row.items()}
    table: dict[str, dict[str, float]] = {}
    for needed in categories:
        near = confused.names(needed, allowed=[c for c in categories if c != needed])
        far = [c for c in categories if c != needed and c not in near]
        if not near or not far:
            raise confused.error(needed, "expected some of the other categories, not none or all")
        prior = {needed: agrees}
        prior |= dict.fromkeys(near, (1 - agrees) * near_share / len(near))
        prior |= dict.fromkeys(far, (1 - agrees) * (1 - near_share) / len(far))
        counts = observed[needed]
        total = strength + sum(counts.values())
        table[needed] = {c: (prior[c] * strength + counts[c]) / total for c in categories}
    for needed in categories:
        for ticked in categories:
            if ticked != needed and table[needed][ticked] >= table[ticked][ticked]:
                raise section.error(
                    needed, f"makes the tick {ticked} likelier than {ticked} itself does"
                )
    confused.nothing_else()
    section.nothing_else()
    return table


def _counts(section: Section, categories: Sequence[str]) -> dict[str, dict[str, float]]:
    """needed -> ticked -> how many, zero where the section is silent."""
    section.only_keys(categories)
    table = {needed: dict.fromkeys(categories, 0.0) for needed in categories}
    for needed in section.given():
        row = section.section(needed)
        row.only_keys(categories)
        table[needed] |= {ticked: row.number(ticked, least=0) for ticked in row.given()}
    return table


def _state_likelihood(section: Section, categories: Sequence[str]) -> dict[str, dict[str, float]]:
    states = section.names("states")
    rows = section.section("likelihood")
    table = {}
    for category in categories:
        row = rows.numbers(category, length=len(states), above=0)
        if abs(sum(row) - 100) > 0.01:
            raise rows.error(category, f"adds up to {sum(row):g}, expected 100")
        table[category] = {state: p / 100 for state, p in zip(states, row, strict=True)}
    rows.nothing_else()
    return table


def _cost_wrong(section: Section, categories: Sequence[str]) -> dict[str, float]:
    general = section.number("wrong_ticket", above=0)
    special = section.section("wrong_ticket_of")
    special.only_keys(categories)
    return {c: special.number(c, above=0) if c in special.given() else general for c in categories}
