"""What is masked, and what stays: patterns built from the words of data/masking.yml. Pure.

Every repetition has a limit or ends at the first other character, so that a hostile text of any
kind takes time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import phonenumbers

from actions.review.mask_words import MaskWords

Change = Callable[[str], str]

_HAN = "\u4e00-\u9fff"
_ALNUM = "0-9A-Za-z"
_SPOKEN = "零〇一二三四五六七八九幺两"
_HOUSE = rf"[{_ALNUM}一二三四五六七八九十百甲乙丙丁]{{1,6}}"
#: Between the groups of one number: 138.1234.5678, 7512 3456, SF-77 88.
_GAP = r"(?: ?[.\-\u2013\u2014·•] ?| {1,2})"
#: Where numbers without a country code are dialled: ours, and that of most English examples.
_REGIONS = ("CN", "US")
_FEWEST_PHONE_DIGITS = 7


@dataclass(frozen=True)
class Rules:
    """`kept`: what no rule may look into. `changes`: applied to the rest, one after the other.

    `around`: patterns that look at masks beside them, applied to the whole text in the end.
    """

    kept: str
    changes: tuple[Change, ...]
    around: tuple[Change, ...]


def build_rules(words: MaskWords) -> Rules:
    """The rules in their order: the more specific before the more general."""
    return Rules(
        kept=_kept(words),
        changes=(
            _sub(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}", "[邮箱]"),
            *_accounts(words),
            *_numbers(words),
            *_addresses(words),
            *_names(words),
        ),
        around=_names_beside_masks(words),
    )


def _sub(pattern: str, replacement: str, flags: int = 0) -> Change:
    compiled = re.compile(pattern, flags)
    return lambda text: compiled.sub(replacement, text)


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in words) + ")"


def _kept(words: MaskWords) -> str:
    """Prices, weights, times, dates and counts: the evidence."""
    start = rf"(?<![{_ALNUM}])(?<!\d[ .\-])"
    unit = rf"(?:{_any(words.units)}(?!元)|{_any(words.english_units)}(?![A-Za-z]))"
    month, day = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
    two = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    return "|".join(
        (
            rf"{start}20\d\d(?:[-/.]{month}[-/.]{day}|年{month}月(?:{day}[日号]?)?)(?![.\-]?\d)",
            rf"{start}{day}[-/.]{day}[-/.]20\d\d(?![.\-]?\d)",
            rf"{start}20[23]\d{two}(?![{_ALNUM}])(?![.\-]\d| \d(?!\d?:))",
            rf"(?<!\d){month}月{day}[日号]",
            r"(?<![\d:])\d{1,2}:\d{2}(?::\d{2})?(?![\d:])",
            r"[¥$€£] ?\d{1,7}(?:\.\d{1,2})?(?!\d)",
            rf"{start}\d{{1,7}}(?:\.\d{{1,2}})?(?:[-~到至]\d{{1,7}}(?:\.\d{{1,2}})?)? ?{unit}",
            rf"(?<![{_ALNUM}])(?<!\d[.\-])\d{{1,2}}(?:\.\d)? ?{unit}",
            r"(?<=[ ,。!?\n])[1-3]?\d号(?=[ ,来去前后之上下到早晚还])",
            rf"{start}\d{{1,5}}\.\d{{1,2}}(?![\d.])(?! ?\d)",
        )
    )


def _accounts(words: MaskWords) -> tuple[Change, ...]:
    label = _any(words.accounts)
    # `wechat` itself, and what stands beside it in a sentence, is no account.
    account = r"(?!(?:pay|app|group|message|id|chat|wechat)\b)[A-Za-z0-9][\w.\-]{3,30}"
    said = r"(?: ?(?:号码|号|账号|id|[:=]|是|为|叫|加我?|我) ?){1,3}"
    return (
        _sub(
            rf"((?<![A-Za-z]){label}(?:{said}| ?))(?={account})(?=\w*[\d_\-])\w[\w.\-]{{3,30}}",
            r"\1[账号]",
            re.IGNORECASE | re.ASCII,
        ),
        _sub(rf"((?<![A-Za-z]){label}{said}){account}", r"\1[账号]", re.IGNORECASE | re.ASCII),
        _sub(rf"((?:微信|扣扣|旺旺)号?){account}", r"\1[账号]", re.IGNORECASE | re.ASCII),
    )


def _numbers(words: MaskWords) -> tuple[Change, ...]:
    alone, ends = rf"(?<![{_ALNUM}])", rf"(?![{_ALNUM}])"
    spaced = r"[ \-]?"
    label = _any(words.number_labels)
    english = _any(words.english_number_labels)
    code = rf"(?=(?:[A-Za-z\-]{{0,20}}\d){{3}})[{_ALNUM}][{_ALNUM}\-]*(?:[ \-]\d{{2,}})*"
    digit = "(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
    # A spoken number ends before 一 that begins a word of its own: 一直, 一个.
    last = rf"(?:[{_SPOKEN}](?<!一)|一(?![直个件次天下样点些般定共起半会周年月]))"
    return (
        # Mainland identity number (GB 11643: 18 characters, the last may be X), the old 15 digits.
        _sub(
            rf"{alone}\d{{6}}{spaced}(?:19|20)\d\d{spaced}\d{{4}}{spaced}\d{{3}}{spaced}[\dXx]{ends}",
            "[证件号]",
        ),
        _sub(rf"{alone}(?:\d{{17}}[\dXx]|\d{{15}}){ends}", "[证件号]"),
        _phones,
        _sub(r"\d{3} ?[*xX]{2,8} ?\d{2,4}", "[电话]"),
        _sub(rf"(?<![{_ALNUM}])\d{{2,10}}(?:[ \-]?[{_SPOKEN}]){{3,11}}{last}", "[号码]"),
        _sub(rf"[{_SPOKEN}]{{3,11}}\d{{4,11}}(?!\d)", "[号码]"),
        _sub(rf"[{_SPOKEN}](?:[ \-,、]?[{_SPOKEN}]){{5,30}}[ \-,、]?{last}", "[号码]"),
        _sub(rf"\b{digit}(?:[ ,\-]{{1,2}}{digit}){{5,20}}\b", "[号码]", re.IGNORECASE),
        _sub(
            rf"({label}(?: ?(?:号码|号|尾号|后四位|[:#\"'“”]|是|为|的) ?){{0,4}} ?){code}",
            r"\1[号码]",
        ),
        _sub(
            rf"((?<![A-Za-z]){english}(?: (?:number|numbers|no|num|id|code|ref))?[ .:#\"'“]{{0,4}}"
            rf"(?:is )?[#\"'“]?){code}",
            r"\1[单号]",
            re.IGNORECASE,
        ),
        _sub(r"((?:门禁|密码|取件码|验证码|提货码)[^0-9\n]{0,4})\d{3,}", r"\1[号码]"),
        _sub(
            r"(?:#|(?<![A-Za-z])[Nn][Oo]\. ?(?=\w{4})) ?"
            rf"(?=(?:[A-Za-z\-]{{0,20}}\d){{3}})[{_ALNUM}\-]+",
            "[单号]",
        ),
        _codes,
        _groups,
        _sub(r"\d{6,}", "[号码]"),
    )


def _phones(text: str) -> str:
    """The numbers that a numbering plan knows, however they are grouped (libphonenumber)."""
    if sum(map(str.isdigit, text)) < _FEWEST_PHONE_DIGITS:
        return text
    for region in _REGIONS:
        found = list(phonenumbers.PhoneNumberMatcher(text, region))
        for match in reversed(found):
            text = f"{text[: match.start]}[电话]{text[match.end :]}"
    return text


_CODE = re.compile(
    rf"(?<![{_ALNUM}])(?=[A-Za-z\-]{{0,20}}\d)[{_ALNUM}]+(?:{_GAP}[A-Za-z]{{0,4}}\d[{_ALNUM}]*)*"
)
_GROUPS = re.compile(rf"(?<!\d)\+?\d+(?:{_GAP}\d+)+")


def _codes(text: str) -> str:
    """Letters and digits together: SF1234567890123, 1Z 999 AA1 01 2345 6784."""

    def code(match: re.Match[str]) -> str:
        whole = match.group()
        digits = [part for part in re.split(r"\D+", whole) if part]
        long = sum(map(len, digits)) >= 4 and len(re.sub(r"[^0-9A-Za-z]", "", whole)) >= 7
        one = re.fullmatch(rf"[{_ALNUM}\-]+", whole) is not None
        is_code = re.search(r"[A-Za-z]", whole) and long and (one or max(map(len, digits)) >= 3)
        return "[单号]" if is_code else whole

    return _CODE.sub(code, text)


def _groups(text: str) -> str:
    """Digits in groups: 7512 3456 7890. Two small numbers side by side are none."""

    def group(match: re.Match[str]) -> str:
        groups = re.findall(r"\d+", match.group())
        digits = sum(map(len, groups))
        is_number = digits >= 11 or (
            digits >= 7 and (max(map(len, groups)) >= 3 or len(groups) == digits)
        )
        return "[号码]" if is_number else match.group()

    return _GROUPS.sub(group, text)


def _addresses(words: MaskWords) -> tuple[Change, ...]:
    street, building = _any(words.streets), _any(words.buildings)
    place = rf"(?![{words.not_in_places}])[{_HAN}]"
    no_district = "".join(f"(?<!{word})" for word in words.not_districts)
    a_district = rf"(?:区|县){no_district}(?![{words.not_after_district}])"
    district = rf"(?:{place}{{2,3}}省)?(?:{place}{{2,3}}市)?{place}{{2,3}}{a_district}"
    number = r"(?:[甲乙丙丁]?\d+|[一二三四五六七八九十百]{1,4}(?=号|弄))(?:号|弄)?"
    part = rf"(?:{_HOUSE}(?:号楼|号院|栋|幢|单元|楼|室|座|弄|期))"
    inside = rf"(?:{part}{{1,6}}(?:{_HOUSE}(?:室|号|户)?)?)"
    named = rf"(?:{place}|[{_ALNUM}]){{1,10}}?"
    return (
        _sub(
            rf"{district}(?:{named}{building}|{named}{street}(?:{number})?|{place}{{1,4}}(?:街道|镇|乡))"
            rf"(?:{place}{{0,4}}{street}{number})?{inside}?",
            "[地址]",
            re.IGNORECASE,
        ),
        _sub(rf"{place}{{2,4}}?{street}{number}{inside}?", "[地址]"),
        _sub(rf"{place}{{2,6}}{building} ?[A-Za-z]?{inside}", "[地址]", re.IGNORECASE),
        _sub(inside, "[地址]"),
        _sub(rf"{place}{{2,3}}省{place}{{2,3}}市", "[地址]"),
        _sub(
            rf"(?:{place}{{2}}市?)?{place}{{2}}区{no_district}(?![{words.not_after_district}])",
            "[地址]",
        ),
        _sub(rf"[{_HAN}]{{2,4}}(?:花园|家园|公寓|新村|[佳雅名]苑)", "[地址]"),
        _sub(rf"{place}{{2,4}}SOHO\b", "[地址]", re.IGNORECASE),
        *_english_addresses(),
    )


def _english_addresses() -> tuple[Change, ...]:
    street = (
        "(?:road|rd|street|st|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|terrace|crescent"
        "|highway)"
    )
    no_name = (
        "(?!(?:a|and|at|by|for|from|her|his|in|is|more|my|of|on|or|the|this|to|was|were|your)\\b)"
    )
    room = (
        r"(?:room|rm|flat|apt|apartment|unit|building|tower|suite|block|floor)\.? ?#?"
        r"(?:\d[0-9A-Za-z\-]{0,5}|(?-i:[A-HJ-Z])\d{0,4})\b"
    )
    return (
        _sub(
            rf"\b\d{{1,5}}[A-Za-z]? +(?:{no_name}[A-Za-z'.]{{1,20}} +){{1,3}}{street}\b\.?"
            rf"(?:[, ]{{1,2}}{room})?(?: \d+\b)?",
            "[地址]",
            re.IGNORECASE,
        ),
        _sub(
            r"\b(?:[A-Z][a-z]{1,20} ){1,3}(?:Road|Rd|Street|St|Avenue|Ave|Lane)\b\.?(?: \d+)?",
            "[地址]",
        ),
        _sub(rf"\b{room}", "[地址]", re.IGNORECASE),
    )


def _surname(words: MaskWords) -> str:
    """A surname, unless a word begins or ends with it that is no name."""
    inside = "".join(f"(?!(?<={word[:-1]}){word[-1]})" for word in words.words_before)
    return (
        rf"(?!{_any(words.not_names)}){inside}"
        rf"(?:{_any(words.double_surnames)}|[{words.surnames}])"
    )


def _given(words: MaskWords) -> str:
    return rf"(?:(?![{words.not_in_names}])[{_HAN}])"


def _names(words: MaskWords) -> tuple[Change, ...]:
    surname, given = _surname(words), _given(words)
    name = f"{surname}{given}{{1,2}}"
    label, title = _any(words.name_labels), _any(words.titles)
    introduction = _any(words.introductions)
    no_latin = rf"(?!{_any(words.english_not_names)}\b)"
    latin = rf"(?:{no_latin}[A-Za-z][A-Za-z'’\-]{{0,20}})"
    proper = rf"(?:{no_latin}(?-i:[A-Z][A-Za-z'’\-]{{0,20}}))"
    said = "(?: ?(?:[:=]|写的|是|为|叫) ?| ){0,3}"
    ends = r"(?=[ ,。!?;、\n]|$|的?(?:电话|手机|快递|单号|订单))"
    return (
        _sub(rf"({label}(?:姓名|名字|名)?{said}){name}", r"\1[姓名]"),
        _sub(rf"({introduction}){name}{ends}", r"\1[姓名]"),
        _sub(rf"{surname}{given}{{0,2}}(?= ?{title})", "[姓名]"),
        _sub(rf"(?<=姓)(?!名){surname}", "[姓名]"),
        _sub(
            rf"(\b{_any(words.english_name_labels)} ?){latin}(?: {latin}){{0,2}}",
            r"\1[姓名]",
            re.IGNORECASE,
        ),
        _sub(
            rf"(\bthis is ){latin}(?: {latin}){{0,2}}(?= (?:speaking|calling|here)\b)",
            r"\1[姓名]",
            re.IGNORECASE,
        ),
        _sub(rf"(\b(?:i am|i'm|this is) ){proper} {proper}", r"\1[姓名]", re.IGNORECASE),
        _sub(rf"(\b(?:mr|mrs|ms|miss|dr)\.? ){proper}(?: {proper})?", r"\1[姓名]", re.IGNORECASE),
    )


def _names_beside_masks(words: MaskWords) -> tuple[Change, ...]:
    """A bare name next to a phone or an address: 张三 13812345678."""
    name = f"{_surname(words)}{_given(words)}{{1,2}}"
    beside = r"(?= ?[,;、]? ?(?:\[(?:电话|地址)\]|电话|手机))"
    return (
        _sub(rf"(?<![{_HAN}]){name}{beside}", "[姓名]"),
        _sub(rf"(?<=\[电话\])( ?[,;、]? ?){name}(?![{_HAN}])", r"\1[姓名]"),
    )
