"""The words of data/masking.yml, read and checked. A wrong value is named with its exact place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from actions.review.yaml_checks import Section, read_yaml_file

_SHIPPED = Path(__file__).resolve().parents[2] / "data" / "masking.yml"


@dataclass(frozen=True)
class MaskWords:
    """Plain words by what they tell; the file's comments say what each list is for."""

    surnames: str  #: one character each
    double_surnames: tuple[str, ...]
    not_in_names: str  #: one character each
    not_names: tuple[str, ...]
    words_before: tuple[str, ...]
    name_labels: tuple[str, ...]
    introductions: tuple[str, ...]
    titles: tuple[str, ...]
    english_name_labels: tuple[str, ...]
    english_not_names: tuple[str, ...]
    number_labels: tuple[str, ...]
    english_number_labels: tuple[str, ...]
    accounts: tuple[str, ...]
    units: tuple[str, ...]
    english_units: tuple[str, ...]
    streets: tuple[str, ...]
    buildings: tuple[str, ...]
    not_districts: tuple[str, ...]
    not_after_district: str  #: one character each
    not_in_places: str  #: one character each


def load_mask_words(path: Path = _SHIPPED) -> MaskWords:
    """Read and check the file. Raises SettingsError with its name and the place in it."""
    top = Section(read_yaml_file(path), str(path))
    names, numbers = top.section("names"), top.section("numbers")
    units, places = top.section("units"), top.section("places")
    words = MaskWords(
        surnames=_characters(names, "surnames"),
        double_surnames=_words(names, "double_surnames"),
        not_in_names=_characters(names, "not_in_names"),
        not_names=_words(names, "not_names"),
        words_before=_words(names, "words_before"),
        name_labels=_words(names, "labels"),
        introductions=_words(names, "introductions"),
        titles=_words(names, "titles"),
        english_name_labels=_words(names, "english_labels"),
        english_not_names=_words(names, "english_not_names"),
        number_labels=_words(numbers, "labels"),
        english_number_labels=_words(numbers, "english_labels"),
        accounts=_words(numbers, "accounts"),
        units=_words(units, "chinese"),
        english_units=_words(units, "english"),
        streets=_words(places, "streets"),
        buildings=_words(places, "buildings"),
        not_districts=_words(places, "not_districts"),
        not_after_district=_characters(places, "not_after_district"),
        not_in_places=_characters(places, "not_in_places"),
    )
    for section in (top, names, numbers, units, places):
        section.nothing_else()
    return words


@cache
def shipped_mask_words() -> MaskWords:
    """Those of the committed file."""
    return load_mask_words()


def _characters(section: Section, key: str) -> str:
    characters = "".join(section.text(key).split())
    if not all("\u4e00" <= one <= "\u9fff" for one in characters):
        raise section.error(key, "expected Chinese characters only")
    return "".join(dict.fromkeys(characters))


def _words(section: Section, key: str) -> tuple[str, ...]:
    """The list's words, the longest first, so that none hides a longer one."""
    words = section.names(key)
    if not words or not all(word.strip() for word in words):
        raise section.error(key, "expected at least one word, and none blank")
    return tuple(sorted(words, key=len, reverse=True))
