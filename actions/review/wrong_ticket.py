"""Does a message after a ticket say that the ticket is wrong? The words: data/wrong_ticket.yml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from actions.review.negation import plain
from actions.review.yaml_checks import Section, read_yaml_file

_MARKS = re.compile(r"[,.!?;:~…。、\n]+")
#: Between Chinese words a blank is a mark, too.
_BLANK = re.compile(r"(?<=[\u4e00-\u9fff]) +(?=[\u4e00-\u9fff])")
_FINAL = "啊呀吧呢哦哈了"


@dataclass(frozen=True)
class WrongTicket:
    """The words that turn down a ticket."""

    names_the_ticket: tuple[str, ...]
    bare: frozenset[str]
    one_more: tuple[str, ...]

    def rejects(self, text: str) -> bool:
        """True if the text begins by saying that the ticket is not what was meant.

        Not every "wrong" does: with an object of its own ("弄错了地址") it is one more need.
        """
        clauses = [c for c in (c.strip() for c in _MARKS.split(_marked(text))) if c]
        if not clauses:
            return False
        first, *rest = clauses
        if first.startswith(self.names_the_ticket):
            return True
        if first.rstrip(_FINAL) not in self.bare and first not in self.bare:
            return False
        return not (rest and rest[0].startswith(self.one_more))


def _marked(text: str) -> str:
    return _BLANK.sub(",", plain(text))


def load_wrong_ticket(path: Path) -> WrongTicket:
    """Read data/wrong_ticket.yml. Raises SettingsError, naming the place."""
    top = Section(read_yaml_file(path), str(path))
    bare = top.names("bare")
    found = WrongTicket(
        names_the_ticket=top.names("names_the_ticket"),
        bare=frozenset({*bare, *(word.rstrip(_FINAL) for word in bare)}),
        one_more=top.names("one_more"),
    )
    top.nothing_else()
    return found
