"""`make validate`: is what designers and operators wrote right? Every mistake with its place.

python -m ops validate               our own files, in a second
python -m ops validate --with-rasa   and Rasa's own check of domain, nlu, rules and stories
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from actions.catalog import load_catalog
from actions.review.injection import load_orders
from actions.review.mask_words import load_mask_words
from actions.review.settings import load_review_settings
from actions.review.two_needs import load_two_needs
from actions.review.wrong_ticket import load_wrong_ticket
from desk.rules.categories import Categories, read_categories
from desk.rules.dispatch_request import read_ticket_types
from desk.rules.facts import ORDER_STATES, read_code_map, read_fact_kinds
from desk.rules.human_words import read_human_words
from desk.rules.notifications import read_quiet_hours
from desk.rules.promises import read_promises
from desk.rules.sentences import LANGUAGES, read_sentences
from desk.rules.service import read_service
from desk.store.content import read_yaml
from desk.store.person_examples import read_examples
from learning import decisions
from learning.judge import read_tolerance
from ops.child import ROOT
from ops.environment import bot_environment


def main() -> int:
    """Print every mistake; 0 when there is none."""
    mistakes = list(find_mistakes(ROOT))
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    if mistakes:
        print(f"validate: {len(mistakes)} to put right", file=sys.stderr)
    else:
        print("validate: the data files are right")
    if "--with-rasa" in sys.argv and not mistakes:
        command = [str(ROOT / ".venv-bot/bin/rasa"), "data", "validate"]
        return subprocess.run(command, cwd=ROOT, env=bot_environment(), check=False).returncode
    return 1 if mistakes else 0


def find_mistakes(root: Path) -> Iterator[str]:
    """Every mistake in `domain.yml` and `data/` below `root`, each one line with its place."""
    data = root / "data"
    facts: dict[str, Any] = {}
    rows = Categories({})

    def fill_facts() -> None:
        facts.update(read_fact_kinds(read_yaml(data / "facts.yml")))

    def fill_categories() -> None:
        nonlocal rows
        rows = read_categories(read_yaml(data / "categories.yml"), frozenset(facts))

    def carrier(path: Path) -> Callable[[], object]:
        return lambda: read_code_map(read_yaml(path), facts)

    def ticket_types(path: Path) -> Callable[[], object]:
        return lambda: read_ticket_types(read_yaml(path), categories)

    yield from _tried("facts.yml", fill_facts)
    yield from _tried("categories.yml", fill_categories)
    categories = tuple(rows.by_id)
    yield from _tried("categories.yml", lambda: load_catalog(data / "categories.yml"))
    for path in sorted((data / "carriers").glob("*.yml")):
        yield from _tried(f"carriers/{path.name}", carrier(path))
        yield from _tried(f"carriers/{path.name}", ticket_types(path))
    yield from _tried("review.yml", lambda: load_review_settings(data / "review.yml", categories))
    yield from _tried("masking.yml", lambda: load_mask_words(data / "masking.yml"))
    yield from _tried("two_needs.yml", lambda: load_two_needs(data / "two_needs.yml", categories))
    yield from _tried("wrong_ticket.yml", lambda: load_wrong_ticket(data / "wrong_ticket.yml"))
    yield from _tried("injection.yml", lambda: load_orders(data / "injection.yml"))
    yield from _tried("learned/candidates.yml", lambda: _decisions(data, categories))
    yield from _tried("learning.yml", lambda: read_tolerance(data / "learning.yml"))
    yield from _tried("desk.yml", lambda: _desk_file(data / "desk.yml", rows))
    yield from _tried("human.yml", lambda: read_human_words(read_yaml(data / "human.yml")))
    yield from _tried("human_examples.yml", lambda: len(read_examples(root)))
    yield from _tried("errors.yml", lambda: list(_errors_file(data / "errors.yml")))
    yield from _tried("demo.yml", lambda: list(_demo_file(data / "demo.yml")))
    yield from _tried("domain.yml", lambda: list(_domain(root, categories)))


def _decisions(data: Path, categories: tuple[str, ...]) -> list[str]:
    """The designer's decisions, which `make learn` reads; none when nothing was learned yet."""
    path = data / "learned" / "candidates.yml"
    if path.exists():
        outside = load_review_settings(data / "review.yml", categories).outside
        decisions.read(path, (*categories, *outside))
    return []


def _desk_file(path: Path, categories: Categories) -> None:
    """Everything that the desk reads in it when it starts."""
    raw = read_yaml(path)
    read_service(raw)
    read_quiet_hours(raw)
    read_promises(raw, categories)


def _tried(name: str, read: Callable[[], object]) -> list[str]:
    """The mistakes that a reader returns as a list, or the one that it raises."""
    try:
        found = read()
    except ValueError as error:
        told = " ".join(str(error).split())
        return [told if name in told else f"{name}: {told}"]
    except (AttributeError, KeyError, TypeError) as error:
        return [f"{name}: not of the expected form, compare it with the committed one ({error})"]
    return found if isinstance(found, list) else []


def _errors_file(path: Path) -> Iterator[str]:
    """Every refusal has a sentence in each language."""
    for code, texts in read_yaml(path).items():
        for lang in LANGUAGES:
            if not (isinstance(texts, dict) and texts.get(lang)):
                yield f"data/errors.yml, {code}: expected texts for zh and en, got {texts!r}"
                break


def _demo_file(path: Path) -> Iterator[str]:
    """Sample agents can log in; sample orders have states that exist."""
    told = read_yaml(path)
    for number, agent in enumerate(told.get("agents") or [], start=1):
        for key in ("login", "password", "name", "role"):
            if not agent.get(key):
                yield f"data/demo.yml, agent {number}: {key} is missing"
    for customer in told.get("customers") or []:
        for order in customer.get("orders") or []:
            where = f"data/demo.yml, {customer.get('id')}, order {order.get('key')}"
            if order.get("state") not in ORDER_STATES:
                states = ", ".join(ORDER_STATES)
                yield f"{where}.state: expected one of {states}, got {order.get('state')!r}"
            if not order.get("carrier"):
                yield f"{where}.carrier is missing"


def _domain(root: Path, categories: tuple[str, ...]) -> Iterator[str]:
    """Every sentence in both languages; categories are intents; nothing is said that is missing."""
    domain = read_yaml(root / "domain.yml")
    responses = domain.get("responses") or {}
    for name, texts in read_sentences(responses).texts.items():
        for lang in sorted({*LANGUAGES} - set(texts)):
            yield f"domain.yml, responses.{name}: no text for {lang}"
    intents = {next(iter(i)) if isinstance(i, dict) else i for i in domain.get("intents") or []}
    for category in categories:
        if category not in intents:
            yield f"domain.yml, intents: the category {category} of data/categories.yml is missing"
    for path, name in said_in_code(root):
        if name not in responses:
            yield f"domain.yml, responses: {name} is missing; {path} says it"


def said_in_code(root: Path) -> Iterator[tuple[str, str]]:
    """(file, response) of every response that the desk or the actions name."""
    for folder in ("desk", "actions"):
        for path in sorted((root / folder).rglob("*.py")):
            for name in re.findall(r"""["'](utter_[a-z_]*[a-z])["']""", path.read_text("utf-8")):
                yield str(path.relative_to(root)), name
