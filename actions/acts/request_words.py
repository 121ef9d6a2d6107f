"""The customer's words for one request, as long as a ticket can hold them."""

from __future__ import annotations

#: Longest text that goes into a ticket; the desk's own limit for one message.
TEXT_LIMIT = 2000
_CUT = "\n…\n"


def joined(*parts: str) -> str:
    """The parts that say something, a line each.

    Of too long a text both ends are kept: how it began, and the newest words.
    """
    text = "\n".join(part for part in (one.strip() for one in parts) if part)
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    return text[: half - len(_CUT)] + _CUT + text[-half:]
