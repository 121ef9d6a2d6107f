"""Reading a typed answer against the choices of the open question. Pure.

Only plain answers are read here ("第一个", "2", a button's own words, 都不是, both, 1和2). Anything
longer or negated ("不是催取件，是退钱") is left to the review, which hears the whole sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from actions.review.normalise import content, normalise


@dataclass(frozen=True)
class Answer:
    """What a typed answer means."""

    kind: Literal["picked", "none", "several", "unclear"]
    category: str | None = None  #: the chosen one when kind is picked
    #: The wanted ones when kind is several, in the order said; () when it is open which.
    categories: tuple[str, ...] = ()


_DIGITS = {"一": 1, "二": 2, "三": 3, "1": 1, "2": 2, "3": 3, "a": 1, "b": 2, "c": 3}
_WORDS = {"first": 1, "1st": 1, "one": 1, "second": 2, "2nd": 2, "two": 2, "third": 3, "3rd": 3}
_WORDS |= {"three": 3}

_FILLER_ZH = r"(?:我?(?:要|想要|选择|选|是|就是|就|应该是|点)?(?:的是)?)*"
_TAIL_ZH = r"(?:个|项|条|种|件|款|号|样|件事|选项|那个|那项|那条)?(?:吧|啊|呀|哈|呢|啦|了|谢谢|的)*"
_ORDINAL_ZH = re.compile(rf"^{_FILLER_ZH}第?([一二三123abc]){_TAIL_ZH}$")
_PLACE_ZH = re.compile(
    rf"^{_FILLER_ZH}(前面|上面|头|头一|首|最前面|最上面|中间|当中|后面|下面|最后|最后面|最下面|末尾|末)"
    rf"(?:的)?(?:那|这|一|那一|这一)?{_TAIL_ZH}$"
)
_FIRST_PLACES = {"前面", "上面", "头", "头一", "首", "最前面", "最上面"}
_LAST_PLACES = {"后面", "下面", "最后", "最后面", "最下面", "末尾", "末"}

_ORDINAL_EN = re.compile(
    r"^(?:i(?: would|'d)? (?:want|need|mean|like|choose|pick) )?(?:it'?s |its )?"
    r"(?:the |option |number |no\.? ?|choice |#)*"
    r"(first|1st|second|2nd|third|3rd|one|two|three|[123abc]|last|latter|former|middle)"
    r"(?: one| option| choice)?(?: please| thanks| thank you)*$"
)

_NONE = re.compile(
    r"^(?:这些|这几个|这两个|这三个|以上|上面|上面的|这里|里面)?(?:全|全部|统统|通通)?"
    r"(?:都不是|都不对|都不要|都不符合|都不|一个都不是|一个也不是"
    r"|没有我要的|没我要的|没有我想要的|没一个对|没有一个对)"
    r"(?:的|啊|呀|吧|呢|哦|我要的|我想要的)*$"
    r"|^(?:none|neither|no none|nope none)(?: of (?:these|them|those|the above|it))?"
    r"(?: please| sorry)?$"
    r"|^(?:not any of (?:these|them)|nothing here|something else)$"
    r"|^(?:其他|其它|别的|其他问题|别的问题)$"
)
#: "All of them": 都, 全部都要, 这几个都帮我办了吧. Wanting and doing in any mix, but no "not".
_WANTED = r"(?:要|是|有|想|需|得|行|可以|给|帮|我|麻烦|请|办|处理|解决|一起|的|了|啊|呀|吧|谢谢)*"
_ALL_ZH = re.compile(
    rf"^(?:我)?(?:这|那)?(?:几|些|哪)?(?:个|样|件|项)?(?:事)?(?:我)?(?:都|全|全部|全都|一起){_WANTED}$"
)
_ALL_EN = re.compile(
    r"^(?:i (?:want|need|mean) )?(?:both|all)(?: of (?:these|them|those|the above|it))?"
    r"(?: (?:three|two))?(?: please)?$"
)
#: A number of things without 第: how many are wanted, not which. 两 and 俩 always say how many.
_COUNT_ZH = re.compile(
    rf"^{_FILLER_ZH}(前|后|前面|后面|上面|下面|最后)?(?:这|那|的)*"
    r"(?:([两俩])|([三23])(?=个|样|件|种))(?:个|样|件|种|项|条|款)?(?:事|事情|选项)?"
    rf"(?:我)?(?:都|全|全都)?{_WANTED}$"
)
_AND = re.compile(r"(?:和|跟|与|还有|以及|加上|加|、|,|，|&|\+|/|\band\b|\balso\b)")
_WANTED_END = re.compile(rf"(?:我)?(?:都|全都|全){_WANTED}$")
_NEGATED = re.compile(r"不|没|别|非|无|\b(?:no|not|don'?t|isn'?t|never|neither|nor)\b")

#: A longer answer is a sentence of its own, even when a button's words are in it.
_LONGEST_AROUND_WORDS = 6


def read_answer(text: str, offered: Sequence[str], words: Mapping[str, Sequence[str]]) -> Answer:
    """What `text` answers to a question that offered `offered`, in the order shown.

    Args: the typed text; category ids (any number); for each of them the words that name it (button
    text and label, both languages).
    """
    plain = normalise(text).strip(" .。!！?？,，~～、;；:：\"'“”‘’()（）")
    bare = content(text)
    if not bare or not offered:
        return Answer("unclear")
    if _NONE.match(plain) or _NONE.match(bare):
        return Answer("none")
    if len(offered) > 1 and (several := _several(plain, bare, offered, words)):
        return several
    position = _position(plain, bare, len(offered))
    if position is not None:
        return Answer("picked", offered[position])
    return _by_words(bare, plain, offered, words)


def _several(
    plain: str, bare: str, offered: Sequence[str], words: Mapping[str, Sequence[str]]
) -> Answer | None:
    """More than one of the choices (都要, 两个, 1和2, both), or None when it says nothing of it."""
    if _ALL_ZH.match(bare) or _ALL_EN.match(plain):
        return Answer("several", categories=tuple(offered))
    if match := _COUNT_ZH.match(bare):
        number = 2 if match[2] else _DIGITS[match[3]]
        if number > len(offered):
            return None
        if number == len(offered):
            return Answer("several", categories=tuple(offered))
        if match[1] is None:  # two of three, and nobody knows which
            return Answer("several")
        first = match[1] in _FIRST_PLACES or match[1] == "前"
        return Answer("several", categories=tuple(offered[:number] if first else offered[-number:]))
    pieces = _AND.split(_WANTED_END.sub("", plain))
    named = [_one(piece, offered, words) for piece in pieces if content(piece)]
    if len(named) > 1 and None not in named and len(set(named)) == len(named):
        return Answer("several", categories=tuple(name for name in named if name))
    return None


def _one(piece: str, offered: Sequence[str], words: Mapping[str, Sequence[str]]) -> str | None:
    """The choice that a piece of an answer is a place, a number or a name of."""
    bare = content(piece)
    position = _position(piece.strip(), bare, len(offered))
    if position is not None:
        return offered[position]
    called = [name for name in offered if bare in map(content, words.get(name, ()))]
    return called[0] if len(called) == 1 else None


def _position(plain: str, bare: str, count: int) -> int | None:
    """The index that an ordinal or a place names, or None; never past the last choice."""
    if match := _ORDINAL_ZH.match(bare):
        number = _DIGITS[match[1]]
    elif match := _PLACE_ZH.match(bare):
        number = _place(match[1], count)
    elif match := _ORDINAL_EN.match(plain):
        word = match[1]
        number = _WORDS.get(word) or _DIGITS.get(word) or _place(word, count)
    else:
        return None
    return number - 1 if 1 <= number <= count else None


def _place(word: str, count: int) -> int:
    """The number (from 1) that a place means; 0 when it means none of them."""
    if word in _FIRST_PLACES or word == "former":
        return 1
    if word in _LAST_PLACES or word in ("last", "latter"):
        return count
    return 2 if count == 3 else 0  # the middle one


def _by_words(
    bare: str, plain: str, offered: Sequence[str], words: Mapping[str, Sequence[str]]
) -> Answer:
    """The one choice whose own words the answer consists of, give or take a few more."""
    named = {
        category: max(
            (len(content(word)) for word in words.get(category, ()) if content(word) in bare),
            default=0,
        )
        for category in offered
    }
    hits = [category for category in offered if named[category]]
    if len(hits) != 1:
        return Answer("unclear")
    around = len(bare) - named[hits[0]]
    said_as_is = any(content(word) == bare for word in words.get(hits[0], ()))
    if said_as_is or (around <= _LONGEST_AROUND_WORDS and not _negated(plain, words[hits[0]])):
        return Answer("picked", hits[0])
    return Answer("unclear")


def _negated(plain: str, names: Sequence[str]) -> bool:
    """Negated outside the choice's own words (显示已签收，我没收到 holds a 没 of its own)."""
    rest = content(plain)
    for name in sorted(names, key=len, reverse=True):
        rest = rest.replace(content(name), " ")
    return _NEGATED.search(rest) is not None
