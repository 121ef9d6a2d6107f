"""One way of writing for all text the classifier sees, in training and in a conversation."""

import re
import unicodedata

import opencc
from pypinyin import lazy_pinyin

_TO_SIMPLIFIED = opencc.OpenCC("t2s")
# Zero-width and direction marks, variation selectors, soft hyphen: invisible, and used to
# split words.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]"
)
_SPACES = re.compile(r"\s+")
# "快快快快", "!!!!!!": twice says as much as ten times. Digits are left alone, "1000" is not "100".
_REPEATED = re.compile(r"([^\d\s])\1{2,}")
# A longer message is read at both ends: that is where people say what they want, and what they
# say last counts most. All of 2000 characters would take three times the 8 ms there are.
_LONGEST_END = 250
# Between the ends: a clause of one never runs on into the other.
_LEFT_OUT = "…"


def normalise(text: str) -> str:
    """The text in simplified Chinese, half width, lower case, without invisible characters.

    Characters repeated more than twice are cut to two and blanks to one; emoji stay.
    Of more than 500 characters the first and the last 250 are read.
    """
    text = unicodedata.normalize("NFKC", text)
    text = _ends(_INVISIBLE.sub("", text))
    text = _TO_SIMPLIFIED.convert(text).lower()
    text = _SPACES.sub(" ", text).strip()
    return _REPEATED.sub(r"\1\1", text)


def _ends(text: str) -> str:
    if len(text) <= 2 * _LONGEST_END:
        return text
    return text[:_LONGEST_END].rstrip() + _LEFT_OUT + text[-_LONGEST_END:]


# Where a clause ends: punctuation, and the words after which people say what they really want.
_CLAUSE_END = re.compile(r"[,.!?;~…。、:\n]+|但是|不过|可是|但|\bbut\b|\bjust\b")


def last_clause(text: str) -> str:
    """The last clause of a normalised message: mostly what is wanted, after what is not.

    "不是要取消,是让人快点来收" has 取消 and 来收 in it; only the order tells them apart.
    The whole text when it has one clause.
    """
    clauses = [clause.strip() for clause in _CLAUSE_END.split(text)]
    return next((clause for clause in reversed(clauses) if clause), text)


def pinyin(text: str) -> str:
    """The text as syllables without tones, between blanks: homophones are written alike."""
    return " ".join(lazy_pinyin(text))


def says_something(text: str) -> bool:
    """Whether there is a letter, a digit, a Chinese character or an emoji in it."""
    return any(char.isalnum() or unicodedata.category(char) == "So" for char in text)


def without_command(text: str) -> str:
    """The text without what would make Rasa read it as a command.

    Rasa obeys any text that begins with "/" (`/restart`, `/intent{...}`). Leading slashes of
    every width, blanks, control characters and invisible characters are removed, in any mix.
    """
    start = 0
    while start < len(text) and _is_blank_or_slash(text[start]):
        start += 1
    return text[start:]


def _is_blank_or_slash(char: str) -> bool:
    # Categories: Z* separators, Cc control, Cf format (zero width), Mn combining marks, which
    # would hide a slash.
    if unicodedata.category(char) in {"Zs", "Zl", "Zp", "Cc", "Cf", "Mn"}:
        return True
    plain = unicodedata.normalize("NFKC", char).strip()
    return plain == "" or plain[0] in "/\u2044\u2215\u29f8"
