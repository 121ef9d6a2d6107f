"""One way of comparing texts: width, case, script and spaces do not count."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import opencc

_SPACES = re.compile(r"\s+")
_NO_CONTENT = re.compile(r"[\W_]+")


@cache
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def normalise(text: str) -> str:
    """Full width to half width, traditional to simplified, lower case, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACES.sub(" ", str(_simplifier().convert(folded))).strip()


def content(text: str) -> str:
    """The normalised text's letters and digits only: no spaces, no punctuation, no emoji."""
    return _NO_CONTENT.sub("", normalise(text))
