"""The best figures that any accepted model had: what every later one is compared with too.

Compared with its predecessor alone, a model may be a little worse each time, and much worse in the
end. The file (data/learned/best.json) is JSON: {SHA-256 of the case file: {figure: value}}; figures
of other cases say nothing about these. Each figure is kept by itself: not all of one model.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from evaluation.measure import Figure

Values = dict[str, float]


def better(best: Mapping[str, float], figures: Sequence[Figure]) -> Values:
    """For each figure the better of both; one that has no value changes nothing."""
    found = dict(best)
    for one in figures:
        if math.isnan(one.value):
            continue
        choose = max if one.higher_is_better else min
        found[one.name] = choose(found.get(one.name, one.value), one.value)
    return found


class Best:
    """The record of one case file.

    Args:
        path: the file; need not be there.
        cases: the case file that models are judged by.
        say: told when nothing is known yet, or when the file cannot be used.

    Raises:
        OSError: the case file cannot be read.
    """

    def __init__(self, path: Path, cases: Path, say: Callable[[str], None]) -> None:
        self._path, self._say = path, say
        self._key = hashlib.sha256(cases.read_bytes()).hexdigest()
        self._all = self._read()
        self.values: Values = self._all.get(self._key, {})
        if path.exists() and not self.values:
            say(f"{path.name} has no figures of {cases.name}: compared with the present model only")

    def keep(self, *judged: Sequence[Figure]) -> None:
        """Lift the record to what these accepted models reach, where they are better."""
        values = self.values
        for figures in judged:
            values = better(values, figures)
        self._write(values)

    def start_anew(self, figures: Sequence[Figure]) -> None:
        """Forget what was better: the model had to lose something and is in use whatever it is."""
        self._write(better({}, figures))

    def _write(self, values: Values) -> None:
        self.values = values
        self._all[self._key] = {name: round(value, 6) for name, value in sorted(values.items())}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._all, indent=1) + "\n", encoding="utf-8")

    def _read(self) -> dict[str, Values]:
        if not self._path.exists():
            self._say(f"no {self._path.name} yet: compared with the present model only")
            return {}
        try:
            return {
                str(key): {str(name): float(value) for name, value in row.items()}
                for key, row in json.loads(self._path.read_text(encoding="utf-8")).items()
            }
        except (OSError, ValueError, AttributeError, TypeError) as error:
            self._say(
                f"{self._path} cannot be used ({error}): compared with the present model only; "
                "it is written anew when a model is accepted"
            )
            return {}
