"""The table of rules in the documents is that of the data files."""

from __future__ import annotations

from ops.rule_table import LETTERS, PAGE, written


def test_the_table_in_the_documents_is_made_from_the_files() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert "<!-- rules -->" in page
    assert written(page) == page, "run: .venv/bin/python -m ops.rule_table"


def test_every_letter_means_one_thing() -> None:
    assert len(set(LETTERS.values())) == len(LETTERS)
