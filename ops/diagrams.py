"""The status machines as mermaid diagrams in docs/architecture.md, made from the tables in code.

python -m ops.diagrams      write them anew
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

from desk.rules import conversation, dispatch, ticket
from ops.child import ROOT

PAGE = ROOT / "docs/architecture.md"
#: name of the diagram on the page -> (its arrows, the state it begins in)
MACHINES: dict[str, tuple[Mapping[tuple[str, str], str], str]] = {
    "conversation": (dict(conversation.ARROWS), "bot"),
    "ticket": (dict(ticket.ARROWS), "open"),
    "dispatch": (dict(dispatch.ARROWS), "waiting"),
}


def diagram(arrows: Mapping[tuple[str, str], str], first: str) -> str:
    """A mermaid state diagram; commands between the same two states share one arrow."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for (state, command), after in arrows.items():
        grouped.setdefault((state, after), []).append(command)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {a} --> {b}: {', '.join(names)}" for (a, b), names in grouped.items()]
    return "\n".join([*lines, "```"])


def written(page: str) -> str:
    """The page with every diagram between `<!-- machine NAME -->` and `<!-- end -->` made anew."""
    for name, (arrows, first) in MACHINES.items():
        block = f"<!-- machine {name} -->\n{diagram(arrows, first)}\n<!-- end -->"
        page = re.sub(
            rf"<!-- machine {name} -->.*?<!-- end -->", lambda _, b=block: b, page, flags=re.DOTALL
        )
    return page


def main(page: Path = PAGE) -> int:
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
