"""The status machines as mermaid diagrams in docs/architecture.md, made from the tables in code.

python -m ops.diagrams      write them anew
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from desk.rules import conversation, dispatch, ticket
from ops.child import ROOT

PAGE = ROOT / "docs/architecture.md"
#: ((state, command), state after) of each arrow
Arrows = Iterable[tuple[tuple[str, str], str]]
#: name of the diagram on the page -> (its arrows, the state it begins in)
MACHINES: dict[str, tuple[Arrows, str]] = {
    "conversation": (conversation.ARROWS.items(), "bot"),
    "ticket": (ticket.ARROWS.items(), "open"),
    "dispatch": (dispatch.ARROWS.items(), "waiting"),
}


def diagram(arrows: Arrows, first: str) -> str:
    """A mermaid state diagram; commands between the same two states share one arrow."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for (state, command), after in arrows:
        grouped.setdefault((state, after), []).append(command)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {a} --> {b}: {', '.join(names)}" for (a, b), names in grouped.items()]
    return "\n".join([*lines, "```"])


def written(page: str) -> str:
    """The page with every diagram between `<!-- machine NAME -->` and `<!-- end -->` made anew."""
    for name, (arrows, first) in MACHINES.items():
        block = f"<!-- machine {name} -->\n{diagram(arrows, first)}\n<!-- end -->"
        page = _replaced(page, rf"<!-- machine {name} -->.*?<!-- end -->", block)
    return page


def _replaced(page: str, pattern: str, block: str) -> str:
    return re.sub(pattern, lambda _: block, page, flags=re.DOTALL)


def main(page: Path = PAGE) -> int:
    """Write the diagrams anew."""
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
