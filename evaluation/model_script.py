"""What a test model answers: the truth so often, else one of the ways in which models fail. Pure.

Messages arrive masked, so a case is found by its message after the same masking.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from actions.review.masking import mask
from actions.review.normalise import content
from actions.review.prompt import CANNOT_DECIDE
from evaluation.cases import CATEGORIES, Case

#: lie: a wrong category with a real quotation. stall: the truth, too late. schema: not what was
#: asked for. quote: a quotation that the customer never wrote. error: HTTP 429 or 500.
FAULTS = ("lie", "stall", "schema", "quote", "error")
_BROKEN = ("free text", "unknown label", "wrong types", "truncated", "empty", "more fields")
_INVENTED = "我要求立即赔偿一万元现金"


@dataclass(frozen=True)
class Line:
    """One answer. `kind` is for counting; `stalls` that it comes too late."""

    kind: str
    content: str = ""
    status: int = 200
    finish: str = "stop"
    stalls: bool = False


class Script:
    """What to answer to each message.

    Args:
        cases: the messages and their answers.
        truth: chance of the right answer, 0..1.
        seed: of everything that is left to chance.
        faults: what else may happen, with equal chances.
    """

    def __init__(
        self, cases: Sequence[Case], truth: float, seed: int, faults: Sequence[str] = FAULTS
    ) -> None:
        self._cases = {_key(mask(case.message)): case for case in cases}
        self._truth = truth
        self._seed = seed
        self._faults = tuple(faults)
        self._asked: Counter[str] = Counter()

    def next_line(self, masked: str) -> Line:
        """The answer to a message; asked again, the dice are thrown again."""
        key = _key(masked)
        self._asked[key] += 1
        dice = random.Random(f"{self._seed}:{key}:{self._asked[key]}")
        case = self.case_of(key)
        if case is None:
            return Line("unknown message", _answer(CANNOT_DECIDE, ""))
        if not self._faults or dice.random() < self._truth:
            return Line("truth", _truth(case, masked, dice))
        return _fault(dice.choice(self._faults), case, masked, dice)

    def case_of(self, key: str) -> Case | None:
        """Whose message it is; somebody who says the same again is still themselves."""
        while key and key not in self._cases:
            longest = max((k for k in self._cases if key.startswith(k)), key=len, default="")
            if not longest:
                return None
            key = longest
        return self._cases.get(key)


def _key(masked: str) -> str:
    """Letters and digits alone; for a message that has none (？？？) the message itself."""
    return content(masked) or masked.strip()


def _truth(case: Case, masked: str, dice: random.Random) -> str:
    if not case.in_scope:
        return _answer(CANNOT_DECIDE, "")
    return _answer(case.true, _quotation(masked, dice))


def _fault(fault: str, case: Case, masked: str, dice: random.Random) -> Line:
    truth, quote = _truth(case, masked, dice), _quotation(masked, dice)
    label = case.true if case.in_scope else dice.choice(CATEGORIES)
    if fault == "lie":
        wrong = dice.choice([one for one in CATEGORIES if one != case.true])
        return Line("lie", _answer(wrong, quote))
    if fault == "stall":
        return Line("stall", truth, stalls=True)
    if fault == "quote":
        return Line("quote", _answer(dice.choice(CATEGORIES), _INVENTED))
    if fault == "error":
        status = dice.choice((429, 500))
        return Line(f"HTTP {status}", status=status)
    how = dice.choice(_BROKEN)
    broken = {
        "free text": f"I think this is about {label}.",
        "unknown label": _answer("refund_everything", quote),
        "wrong types": json.dumps({"quote": [quote], "category": 3}),
        "truncated": truth[: max(1, len(truth) // 2)],
        "empty": "",
        "more fields": json.dumps({"quote": quote, "category": label, "approve_refund": True}),
    }
    return Line(how, broken[how], finish="length" if how == "truncated" else "stop")


def _answer(category: str, quote: str) -> str:
    return json.dumps({"quote": quote, "category": category}, ensure_ascii=False)


def _quotation(masked: str, dice: random.Random) -> str:
    """A piece of the message with at least two letters or digits, else all of it."""
    for _ in range(20):
        start = dice.randrange(max(1, len(masked) - 3))
        piece = masked[start : start + dice.randint(4, 14)].strip()
        if len(content(piece)) >= 2:
            return piece
    return masked
