"""A data file with a mistake of its form is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.store.content import read_yaml


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' stands twice(.|\n)*line 3"),
        ("a:\n  b: {c: 1, d: 2, c: 3}\n", "'c' stands twice(.|\n)*line 2"),
        ('a: {101: x, "101": y}\n', "'101' stands twice"),
        ("a: {{b}: c}\n", "unhashable key(.|\n)*line 1"),
        ("a:\n\tb: 1\n", "line 2"),
        ("a:\n   b: 1\n  c: 2\n", "line 3"),
        ("- a\n", "expected keys at the top, got a list"),
    ],
)
def test_a_mistake_of_form_is_refused_with_its_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "facts.yml"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint) as refused:
        read_yaml(path)
    assert str(refused.value).startswith(str(path))


def test_an_empty_file_is_read_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "facts.yml").write_text("# nothing yet\n")
    assert read_yaml(tmp_path / "facts.yml") == {}
