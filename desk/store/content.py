"""What designers and operators edit, read once at start: domain.yml and data/*.yml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from desk.rules.categories import Categories, read_categories
from desk.rules.dispatch_request import TicketTypes, read_ticket_types
from desk.rules.facts import FactKind, read_code_map, read_fact_kinds
from desk.rules.human_words import read_human_words
from desk.rules.notifications import QuietHours, read_quiet_hours
from desk.rules.promises import Promises, read_promises
from desk.rules.sentences import Sentences, read_sentences
from desk.rules.service import Service, read_service
from desk.store.person import PersonReader, simplify


@dataclass(frozen=True)
class Content:
    """Everything the desk says and knows that is not code."""

    sentences: Sentences
    categories: Categories
    facts: Mapping[str, FactKind]
    #: carrier -> (source, code) -> fact or None
    codes: Mapping[str, Mapping[tuple[str, str], str | None]]
    service: Service
    human_words: PersonReader
    errors: Mapping[str, Mapping[str, str]]
    demo: Mapping[str, Any] = field(default_factory=dict)
    #: What Kuaidi100's ticket API takes.
    ticket_types: TicketTypes = field(default_factory=TicketTypes)
    quiet_hours: QuietHours = field(default_factory=QuietHours)
    promises: Promises = field(default_factory=Promises)


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


def read_yaml(path: Path) -> Any:
    """Parse one YAML file, with keys at its top.

    Raises:
        ValueError: the file is missing, not YAML, or a key stands twice; names the file and line.
    """
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}
    except FileNotFoundError:
        raise ValueError(f"{path}: the file is missing") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"{path}: expected keys at the top, got a {type(found).__name__}")
    return found


def load(folder: Path) -> Content:
    """Read and check all content below `folder` (the checkout's root).

    Raises:
        ValueError: says which file and key is wrong, what was expected and what is there.
    """
    data = folder / "data"
    facts = read_fact_kinds(read_yaml(data / "facts.yml"))
    codes, carriers = {}, {}
    for path in sorted((data / "carriers").glob("*.yml")):
        raw = read_yaml(path)
        name = str(raw.get("name", path.stem))
        codes[name], carriers[name] = read_code_map(raw, facts), raw
    categories = read_categories(read_yaml(data / "categories.yml"), frozenset(facts))
    return Content(
        sentences=read_sentences(read_yaml(folder / "domain.yml").get("responses") or {}),
        categories=categories,
        facts=facts,
        codes=codes,
        ticket_types=read_ticket_types(carriers.get("kuaidi100", {}), tuple(categories.by_id)),
        service=read_service(read_yaml(data / "desk.yml")),
        quiet_hours=read_quiet_hours(read_yaml(data / "desk.yml")),
        promises=read_promises(read_yaml(data / "desk.yml"), categories),
        human_words=PersonReader(read_human_words(read_yaml(data / "human.yml"), simplify), folder),
        errors=read_yaml(data / "errors.yml"),
        demo=read_yaml(data / "demo.yml"),
    )
