"""Recognising that a message asks for a person, without Rasa: before anything else, always.

Two readers, one decision. The words are data (`data/human.yml`), exact and explainable; for what
they miss, a classifier (`desk.store.person_classifier`) gives a probability. Either is enough; but
words that are said of other people too are only hints, which the classifier may deny.
Nothing here reads a file or learns: the same text and probability give the same answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from desk.rules.keys import check_keys

#: Keys of data/human.yml.
KEYS = ("threshold", "hint_threshold", "groups", "around", "exact", "inside", "hints", "unless")
#: Chinese characters: written without blanks between them.
_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
#: An exact word is a whole message, so a short one; longer ones are not compared.
_EXACT_LIMIT = 60
#: Control and format characters (zero width, direction) and combining marks.
_INVISIBLE = {"Cf", "Mn", "Me"}
#: `转。人。工`, `z r g`: every character on its own.
_LETTER_BY_LETTER = re.compile(
    rf"(?<!\w)(?:[{_HAN}]\s+)+[{_HAN}](?!\w)|(?<!\w)(?:[a-z]\s+){{2,}}[a-z](?!\w)"
)
#: Stands where `unless` cut something out: neither a word nor the end of a clause.
CUT = "\x00"


@dataclass(frozen=True)
class HumanWords:
    """Compiled patterns of `data/human.yml` and the thresholds of the classifier.

    `exact` compares the whole message; what `unless` matches is cut out, and `inside` and `hints`
    search in the rest. `simplify` turns traditional characters into simplified ones.
    """

    exact: re.Pattern[str]
    inside: tuple[re.Pattern[str], ...]
    hints: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]
    #: From this probability on the classifier's word is enough, 0..1.
    threshold: float
    #: From this probability on a hint is enough, 0..threshold.
    hint_threshold: float
    simplify: Callable[[str], str]

    def rest(self, text: str) -> str:
        """`text` in one way of writing, without what `unless` cuts out: what both readers read."""
        return self._cut(normalise(text, self.simplify))

    def found(self, text: str) -> str | None:
        """What asks for a person in `text` by the word list: a pattern, `exact`, or None."""
        for rest in self._rests(text):
            squeezed = re.sub(r"\s+", "", rest)
            if len(squeezed) <= _EXACT_LIMIT and self.exact.fullmatch(squeezed):
                return "exact"
            if match := _first(self.inside, rest):
                return match
        return None

    def hint(self, text: str) -> str | None:
        """What in `text` may ask for a person, and may speak of others: a pattern, or None."""
        return next(filter(None, (_first(self.hints, rest) for rest in self._rests(text))), None)

    def asks_for_person(self, text: str, probability: float | None = None) -> bool:
        """Whether `text` asks for a person.

        Args:
            text: the customer's message as it was typed.
            probability: the classifier's, 0..1; None while there is no classifier.
        """
        words, hint = self.found(text) is not None, self.hint(text) is not None
        return words or decide(hint, probability, self.threshold, self.hint_threshold)

    def _rests(self, text: str) -> Iterator[str]:
        """What is left of `text`, as it is and without double letters.

        "pleeease" has one e too many for the list, "bosssss" one s too few once it is cut.
        """
        normal = normalise(text, self.simplify)
        for form in dict.fromkeys((normal, re.sub(r"([a-z])\1", r"\1", normal))):
            yield self._cut(form)

    def _cut(self, normal: str) -> str:
        for pattern in self.unless:
            normal = pattern.sub(CUT, normal)
        return normal


def decide(hint: bool, probability: float | None, threshold: float, hint_threshold: float) -> bool:
    """The rule where the word list does not say so by itself.

    The classifier is to be sure enough, and less sure where the words hint at it. Without a
    classifier a hint is enough: a person in vain costs less than none.
    """
    if probability is None:
        return hint
    return probability >= (hint_threshold if hint else threshold)


def _first(patterns: Iterable[re.Pattern[str]], rest: str) -> str | None:
    return next((one.pattern for one in patterns if one.search(rest)), None)


def normalise(text: str, simplify: Callable[[str], str] = str) -> str:
    """One way of writing: `轉 人 工！！！`, `转.人.工` and `转人工工工` compare alike.

    Width and case are folded, invisible characters dropped, repeats of three and more cut to one
    (of Latin letters to two), blanks between Chinese characters removed, and put between Chinese
    and Latin. Every other mark becomes a line break, so that a pattern, in which `.` is anything
    but a line break, never runs from one clause into the next.

    Args:
        text: any text.
        simplify: traditional to simplified characters.
    """
    for _ in range(4):  # one step may make room for another: folded until nothing changes
        folded = _fold(text, simplify)
        if folded == text:
            break
        text = folded
    return text


def _fold(text: str, simplify: Callable[[str], str]) -> str:
    text = unicodedata.normalize("NFKC", simplify(unicodedata.normalize("NFKC", text))).lower()
    text = "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE)
    text = re.sub(r"(?<=[a-z])['’‘`´](?=[a-z])", "", text)
    text = re.sub(r"(?<=[a-z])[-_/](?=[a-z])", " ", text)
    text = re.sub(r"[^\w\s]|[\r\n_]", "\n", text)
    text = _LETTER_BY_LETTER.sub(lambda found: re.sub(r"\s+", "", found.group()), text)
    text = re.sub(rf"(?<=[{_HAN}])[^\S\n]+(?=[{_HAN}])", "", text)
    text = re.sub(r"([a-z])\1{2,}", r"\1\1", text)
    text = re.sub(r"([^a-z\s])\1{2,}", r"\1", text)
    text = re.sub(rf"(?<=[{_HAN}])(?=[a-z0-9])|(?<=[a-z0-9])(?=[{_HAN}])", " ", text)
    text = re.sub(r"[^\S\n]*\n\s*", "\n", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def read_human_words(data: Mapping[str, Any], simplify: Callable[[str], str] = str) -> HumanWords:
    """Parse and check the content of `data/human.yml`.

    Args:
        data: the parsed file, with keys of `KEYS`.
        simplify: traditional to simplified characters, for patterns and messages alike.

    Raises:
        ValueError: an unknown key, a pattern that is not a valid regular expression, an unknown
            `<group>`, a threshold that is no number above 0, a `hint_threshold` above `threshold`.
    """
    check_keys(data, KEYS, "data/human.yml")
    groups = {
        str(name): "|".join(simplify(str(word)) for word in words)
        for name, words in (data.get("groups") or {}).items()
    }

    def patterns(key: str) -> tuple[re.Pattern[str], ...]:
        return tuple(_compile(simplify(str(one)), groups, key) for one in data.get(key) or [])

    def words(key: str) -> str:
        plain = {re.sub(r"\s+", "", normalise(str(word), simplify)) for word in data.get(key) or []}
        return "|".join(re.escape(word) for word in sorted(plain, key=len, reverse=True)) or "(?!)"

    around = f"(?:{words('around')})"
    exact = re.compile(f"(?:{around}{{0,4}}(?:{words('exact')})){{1,6}}{around}{{0,4}}")
    # none given: the classifier has no say
    threshold = _number(data, "threshold", 2.0)
    hint_threshold = _number(data, "hint_threshold", threshold)
    if hint_threshold > threshold:
        raise ValueError(
            f"data/human.yml, hint_threshold: expected at most the threshold {threshold}, "
            f"got {hint_threshold}"
        )
    return HumanWords(
        exact=exact,
        inside=patterns("inside"),
        hints=patterns("hints"),
        unless=patterns("unless"),
        threshold=threshold,
        hint_threshold=hint_threshold,
        simplify=simplify,
    )


def _compile(pattern: str, groups: Mapping[str, str], key: str) -> re.Pattern[str]:
    def fill(match: re.Match[str]) -> str:
        if match[1] not in groups:
            raise ValueError(f"data/human.yml, {key}: {pattern!r}: there is no group {match[0]}")
        return f"(?:{groups[match[1]]})"

    try:
        return re.compile(re.sub(r"(?<!\(\?P)<(\w+)>", fill, pattern), re.MULTILINE)
    except re.error as error:
        raise ValueError(f"data/human.yml, {key}: {pattern!r} is not a pattern: {error}") from error


def _number(data: Mapping[str, Any], key: str, default: float) -> float:
    value = data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"data/human.yml, {key}: expected a number above 0, got {value!r}")
    return float(value)
