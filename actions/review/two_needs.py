"""Two things asked for as equals in one message (TAXONOMY.md, rule 9): data/two_needs.yml. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actions.review.evidence import Verdict
from actions.review.yaml_checks import Section, read_yaml_file

_LANGUAGES = ("zh", "en")
Ranking = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class TwoNeeds:
    """When two needs are asked for as equals, and how the second is noted."""

    categories: tuple[str, ...]
    min_part: float  #: how sure a part has to be of its category, 0..1
    one_story: frozenset[frozenset[str]]  #: pairs that are one need in two words
    ticket_line: Mapping[str, str]  #: language -> the line in the ticket, with {labels}
    customer_line: Mapping[str, str]  #: language -> the sentence for the customer, with {labels}
    between: Mapping[str, str]  #: language -> what stands between two labels in that sentence

    def asked_equally(self, parts: Iterable[Ranking]) -> tuple[str, ...]:
        """The two categories that the parts ask for, in the order said; () when it is one or none.

        `parts`: of each part its likeliest intents with their probabilities, best first.
        """
        sure = dict.fromkeys(
            part[0][0]
            for part in parts
            if part and part[0][0] in self.categories and part[0][1] >= self.min_part
        )
        two = tuple(sure)[:2]
        return two if len(two) == 2 and frozenset(two) not in self.one_story else ()

    def note_in_ticket(self, labels: Sequence[str], lang: str) -> str:
        """The ticket's line for the needs besides its own; "" when there are none."""
        return self.ticket_line[lang].format(labels="、".join(labels)) if labels else ""

    def note_for_customer(self, labels: Sequence[str], lang: str) -> str:
        """The sentence that tells the customer; "" when there are none."""
        joined = self.between[lang].join(labels)
        return self.customer_line[lang].format(labels=joined) if labels else ""


def which_first(verdict: Verdict, two: tuple[str, ...]) -> Verdict:
    """The question which of the two comes first, in the place of `verdict`.

    Who asks for a person or was not understood twice gets a person all the same.
    """
    if verdict.kind == "human" and not verdict.understood:
        return verdict
    return replace(
        verdict,
        kind="clarify",
        category=None,
        candidates=tuple((name, verdict.posterior.get(name, 0.0)) for name in two),
        reasons=(*verdict.reasons, f"asked for as equals: {' and '.join(two)}; which one first?"),
        understood=True,
    )


def load_two_needs(path: Path, categories: Sequence[str]) -> TwoNeeds:
    """Read data/two_needs.yml. Raises SettingsError, naming the place."""
    top = Section(read_yaml_file(path), str(path))
    for words in ("joins", "too", "both", "told_only"):  # the bot's: bot/nlu/clauses.py
        top.names(words)
    found = TwoNeeds(
        categories=tuple(categories),
        min_part=top.number("min_part", above=0, most=1),
        one_story=frozenset(frozenset(pair) for pair in top.groups("one_story", 2, categories)),
        ticket_line=_texts(top, "ticket_line", "{labels}"),
        customer_line=_texts(top, "customer_line", "{labels}"),
        between=_texts(top, "between"),
    )
    top.nothing_else()
    return found


def _texts(top: Section, key: str, holds: str = "") -> dict[str, str]:
    section = top.section(key)
    texts = {lang: section.text(lang) for lang in _LANGUAGES}
    section.nothing_else()
    for lang, text in texts.items():
        if holds not in text:
            raise section.error(lang, f"expected {holds} in it, got {text!r}")
    return texts
