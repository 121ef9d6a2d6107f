"""Decoding form bodies: fast, and the same as the standard library."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.rules.forms import fields

texts = st.text(st.characters(codec="utf-8"), max_size=80)


@given(st.dictionaries(texts.filter(bool), texts, max_size=5))
def test_what_was_encoded_is_decoded(values):
    body = urlencode(values).encode()
    assert fields(body) == values


@given(st.lists(st.sampled_from(["%", "%4", "%41", "%0A", "=", "a", "+", "&", "\n", " ", "%%41"])))
def test_odd_bodies_are_read_as_the_standard_library_reads_them(parts):
    body = "".join(parts)
    expected: dict[str, str] = {}
    try:
        for name, value in parse_qsl(body, keep_blank_values=True, errors="strict"):
            expected.setdefault(name, value)
    except UnicodeDecodeError:  # "%aa" came about
        with pytest.raises(UnicodeDecodeError):
            fields(body.encode())
    else:
        assert fields(body.encode()) == expected


def test_text_that_is_not_utf_8_is_refused():
    with pytest.raises(UnicodeDecodeError):
        fields(b"param=%ff")
