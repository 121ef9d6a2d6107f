"""The table of all rules in docs/automation.md, made from data/categories.yml.

python -m ops.rule_table      write it anew
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from desk.rules.categories import Categories, Category, read_categories
from desk.rules.facts import read_fact_kinds
from desk.store.content import read_yaml
from ops.child import ROOT

PAGE = ROOT / "docs/automation.md"
LETTERS = {
    "completes_on": "C",
    "ends_on": "E",
    "asks_on": "A",
    "informs_on": "i",
    "escalates_on": "P",
    "reopens_on": "r",
}


def table(facts: list[str], categories: Categories) -> str:
    """A row for each fact, a column for each category, a letter for what the fact does."""
    rows = [
        "| fact | " + " | ".join(f"`{name}`" for name in categories.by_id) + " |",
        "|---|" + "---|" * len(categories.by_id),
    ]
    for fact in facts:
        cells = [_letters(category, fact) for category in categories.by_id.values()]
        rows.append(f"| `{fact}` | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _letters(category: Category, fact: str) -> str:
    return " ".join(letter for key, letter in LETTERS.items() if fact in getattr(category, key))


def written(page: str, root: Path = ROOT) -> str:
    """The page with the table between `<!-- rules -->` and `<!-- end -->` made anew."""
    kinds = read_fact_kinds(read_yaml(root / "data/facts.yml"))
    categories = read_categories(read_yaml(root / "data/categories.yml"), frozenset(kinds))
    block = f"<!-- rules -->\n{table(list(kinds), categories)}\n<!-- end -->"
    return re.sub(r"<!-- rules -->.*?<!-- end -->", lambda _: block, page, flags=re.DOTALL)


def main(page: Path = PAGE) -> int:
    """Write the table anew."""
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
