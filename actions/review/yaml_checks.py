"""Reading one mapping of a YAML file with exact complaints: file, place, what was expected."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml


class SettingsError(ValueError):
    """A data file says something that cannot be used. The message names file and place."""


class _Loader(yaml.SafeLoader):
    """YAML in which no key stands twice: otherwise the last one would count, without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"{key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml_file(path: Path) -> Any:
    """The parsed file. Raises SettingsError if it cannot be read, is no YAML or a key stands twice.

    The error names the file, and the line where there is one.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path}: not valid YAML ({error})") from error


class Section:
    """One mapping of a file. Remembers what was read, so that a misspelt key is noticed."""

    def __init__(self, raw: Any, place: str) -> None:
        self.place = place
        if not isinstance(raw, dict):
            raise SettingsError(f"{place}: expected a mapping, got {raw!r}")
        self._raw: dict[str, Any] = {str(key): value for key, value in raw.items()}
        self._read: set[str] = set()

    def given(self) -> tuple[str, ...]:
        """The mapping's keys, in the file's order."""
        return tuple(self._raw)

    def error(self, key: str, complaint: str) -> SettingsError:
        """An error about `key`, to raise."""
        return SettingsError(f"{self.place}: {key}: {complaint}")

    def section(self, key: str) -> Section:
        """The mapping under `key`."""
        return Section(self._get(key), f"{self.place}: {key}")

    def number(
        self,
        key: str,
        *,
        above: float | None = None,
        least: float | None = None,
        below: float | None = None,
        most: float | None = None,
    ) -> float:
        """The number under `key`, inside the given bounds."""
        return self._number(self._get(key), key, above, least, below, most)

    def numbers(self, key: str, *, length: int, above: float) -> list[float]:
        """A list of exactly `length` numbers under `key`, each above `above`."""
        value = self._get(key)
        if not isinstance(value, list) or len(value) != length:
            raise self.error(key, f"expected a list of {length} numbers, got {value!r}")
        return [self._number(item, key, above, None, None, None) for item in value]

    def whole(self, key: str, *, least: int, most: int) -> int:
        """The whole number under `key`, from `least` to `most`."""
        value = self._get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.error(key, f"expected a whole number from {least} to {most}, got {value!r}")
        return value

    def flag(self, key: str) -> bool:
        """true or false under `key`."""
        value = self._get(key)
        if not isinstance(value, bool):
            raise self.error(key, f"expected true or false, got {value!r}")
        return value

    def text(self, key: str) -> str:
        """The text under `key`, not blank."""
        value = self._get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"expected a text, got {value!r}")
        return value

    def one_of(self, key: str, allowed: Collection[str]) -> str:
        """One of the allowed words under `key`."""
        value = self._get(key)
        if value not in allowed:
            raise self.error(key, f"expected one of {', '.join(sorted(allowed))}, got {value!r}")
        return str(value)

    def names(self, key: str, *, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        """A list of different words under `key`, each of the allowed ones if given."""
        value = self._get(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"expected a list of names, got {value!r}")
        if len(set(value)) != len(value):
            raise self.error(key, "names something twice")
        for item in value:
            if allowed is not None and item not in allowed:
                raise self.error(key, f"{item!r} is not allowed here")
        return tuple(value)

    def groups(self, key: str, size: int, allowed: Collection[str]) -> list[tuple[str, ...]]:
        """A list of lists under `key`, each of `size` different allowed words."""
        value = self._get(key)
        if not isinstance(value, list):
            raise self.error(key, f"expected a list of lists, got {value!r}")
        for group in value:
            whole = isinstance(group, list) and len(group) == size and len(set(group)) == size
            if not whole or not set(group) <= set(allowed):
                raise self.error(key, f"expected {size} of the categories, got {group!r}")
        return [tuple(group) for group in value]

    def only_keys(self, allowed: Collection[str]) -> None:
        """Raise unless every key is one of the allowed ones."""
        for key in self._raw:
            if key not in allowed:
                raise self.error(key, "is not known here")

    def nothing_else(self) -> None:
        """Raise if the file holds a key that nobody has read: most likely it is misspelt."""
        self.only_keys(self._read)

    def _get(self, key: str) -> Any:
        self._read.add(key)
        if key not in self._raw:
            raise self.error(key, "is missing")
        return self._raw[key]

    def _number(
        self,
        value: Any,
        key: str,
        above: float | None,
        least: float | None,
        below: float | None,
        most: float | None,
    ) -> float:
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (
                ("above", above),
                ("at least", least),
                ("below", below),
                ("at most", most),
            )
            if bound is not None
        ]
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (above is None or value > above)
            and (least is None or value >= least)
            and (below is None or value < below)
            and (most is None or value <= most)
        )
        if not fits:
            wanted = " ".join(["a number", " and ".join(bounds)]).strip()
            raise self.error(key, f"expected {wanted}, got {value!r}")
        return float(value)
