"""Personal data taken out of a text before it leaves for a model or a log.

Masks phone numbers, identity numbers, waybill and other long numbers, e-mail addresses, codes, and
what looks like part of an address. Rather too much than too little: which category a message
belongs to hardly ever hangs on any of it.
"""

from __future__ import annotations

import re
import unicodedata

_CN_NUMBER = r"[0-9A-Za-z一二三四五六七八九十百甲乙丙丁]{1,6}"

#: Applied in this order: the more specific before the more general.
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[邮箱]"),
    # Mainland identity number (GB 11643: 18 characters, the last may be X) and the old 15 digits.
    (re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Za-z])"), "[证件号]"),
    # Mobile numbers, also with +86 and grouped by spaces or hyphens; landlines with area code.
    (re.compile(r"(?<!\d)(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d)"), "[电话]"),
    (re.compile(r"(?<!\d)0\d{2,3}[ -]?\d{7,8}(?!\d)"), "[电话]"),
    (re.compile(r"\+\d{1,3}(?:[ -]?\d{2,4}){2,4}"), "[电话]"),
    # Waybill and order numbers: letters and digits together, or a long run of digits.
    (re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{1,5}-?\d[0-9A-Za-z-]{5,}"), "[单号]"),
    (re.compile(r"\d{6,}"), "[号码]"),
    (re.compile(r"(尾号|后四位|末四位)(?:是|为)?\s*\d{3,}"), r"\1[号码]"),
    (
        re.compile(
            r"(门禁|密码|取件码|验证码|提货码|(?:gate |pickup )?code)([^0-9\n]{0,4})\d{3,}",
            re.IGNORECASE,
        ),
        r"\1\2[号码]",
    ),
    # Addresses, from the house number outwards.
    (
        re.compile(
            rf"(?:{_CN_NUMBER}(?:号楼|号院|栋|幢|单元|楼|室|座|弄|期))+(?:{_CN_NUMBER}(?:室|号|户)?)?"
        ),
        "[地址]",
    ),
    (re.compile(r"[\u4e00-\u9fff]{2,4}?(?:大道|路|街|巷|胡同)\d+(?:号|弄)?"), "[地址]"),
    (
        re.compile(
            r"(?:[\u4e00-\u9fff]{2,3}省)?(?:[\u4e00-\u9fff]{2,3}市)?[\u4e00-\u9fff]{2,3}(?:区|县)"
            r"(?:[\u4e00-\u9fff]{1,4}(?:街道|镇|乡|路|街))"
        ),
        "[地址]",
    ),
    (re.compile(r"[\u4e00-\u9fff]{2,3}省[\u4e00-\u9fff]{2,3}市"), "[地址]"),
    (re.compile(r"[\u4e00-\u9fff]{2}市?[\u4e00-\u9fff]{1,2}(?<![小地景片社])区"), "[地址]"),
    (re.compile(r"[\u4e00-\u9fff]{2,4}(?:花园|家园|公寓|新村|[佳雅名]苑)"), "[地址]"),
    (
        re.compile(
            r"\b(?:room|rm|flat|apt|apartment|unit|building|tower|suite|block)\.? ?#?(?=[0-9A-Z])"
            r"[0-9A-Z]{1,6}\b",
            re.IGNORECASE,
        ),
        "[地址]",
    ),
    (
        re.compile(
            r"\b(?:\d+ )?(?:[A-Z][a-z]+ ){1,3}(?:Road|Rd|Street|St|Avenue|Ave|Lane)\b\.?(?: \d+)?"
        ),
        "[地址]",
    ),
)


def mask(text: str) -> str:
    """The text with personal data replaced by what it was, in brackets ([电话], [单号], ...)."""
    masked = unicodedata.normalize("NFKC", text)
    for pattern, replacement in _MASKS:
        masked = pattern.sub(replacement, masked)
    return masked
