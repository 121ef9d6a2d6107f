"""Personal data taken out of a text before it leaves for a model, or for the training messages.

Masks names, phones, identity numbers, waybills, orders and other long numbers, codes, e-mail and
messenger accounts, and addresses. Rather too much than too little: which category a message is of
hardly ever hangs on any of it. What it does hang on stays: prices, weights, times, dates, counts.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache

from actions.review.mask_rules import Rules, build_rules
from actions.review.mask_words import MaskWords, shipped_mask_words

#: What stands in place of personal data; learning/candidates.py adds what the order knows: [***].
MASKS = re.compile(r"\[(?:邮箱|证件号|电话|单号|号码|地址|姓名|账号|\*\*\*)\]")
#: One mask may uncover what another rule sees; a hostile text is not followed any further.
_MOST_ROUNDS = 6


@dataclass(frozen=True)
class Masker:
    """Masks by one set of words."""

    rules: Rules
    kept: re.Pattern[str]

    def mask(self, text: str) -> str:
        """The text with personal data replaced by what it was: [电话], [单号], ..."""
        masked = unicodedata.normalize("NFKC", text)
        for _ in range(_MOST_ROUNDS):
            before = masked
            for change in self.rules.changes:
                parts = self.kept.split(masked)
                parts[::2] = [change(part) if part else part for part in parts[::2]]
                masked = "".join(parts)
            for change in self.rules.around:
                masked = change(masked)
            if masked == before:
                break
        return masked


def masker(words: MaskWords) -> Masker:
    """What masks by these words."""
    rules = build_rules(words)
    return Masker(rules, re.compile(f"({MASKS.pattern}|{rules.kept})", re.IGNORECASE))


@cache
def _shipped() -> Masker:
    return masker(shipped_mask_words())


def mask(text: str) -> str:
    """The text without personal data, by the words of the committed data/masking.yml."""
    return _shipped().mask(text)


if __name__ == "__main__":
    print(*(mask(text) for text in sys.argv[1:]), sep="\n")
