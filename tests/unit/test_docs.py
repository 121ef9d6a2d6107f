"""The documents are complete: what the code offers is named in them, or a test here fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import yaml
from sanic import Sanic

from desk.app import create_app
from desk.rules.conversation import HANDOVER_REASONS, Event
from desk.rules.notifications import KINDS
from desk.settings import Settings
from ops import diagrams

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def data(name: str) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load((ROOT / "data" / name).read_text(encoding="utf-8"))
    return loaded


def missing(wanted: Iterator[str] | list[str], page: str) -> list[str]:
    """The wanted names that the page does not have between backquotes."""
    named = set(re.findall(r"`([^`\n]+)`", text_of(page)))
    return sorted({name for name in wanted if name not in named})


def test_every_setting_of_the_desk_is_documented_with_its_default() -> None:
    page = text_of("settings.md")
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `KEFU_{name.upper()}` \| (.*?) \|", page, re.MULTILINE)
        assert row, f"docs/settings.md has no row for KEFU_{name.upper()}"
        if isinstance(field.default, int | float | str) and not isinstance(field.default, bool):
            default = str(field.default).removesuffix(".0")
            assert not default or default in row.group(1), f"KEFU_{name.upper()}: {default}"


def settings_in_code() -> Iterator[str]:
    for folder in ("bot", "actions", "ops", "evaluation", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            yield from re.findall(r"""["'{](KEFU_[A-Z0-9_]*[A-Z0-9])["'}]""", source)
            yield from (f"KEFU_{n}" for n in re.findall(r'\bgiven\("([A-Z0-9_]+)"', source))


def test_every_setting_of_the_other_programs_is_documented() -> None:
    assert missing(settings_in_code(), "settings.md") == []


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {f"KEFU_{name.upper()}" for name in Settings.model_fields} | set(settings_in_code())
    documented = set(re.findall(r"^\| `(KEFU_[A-Z0-9_]+)` \|", text_of("settings.md"), re.M))
    assert sorted(documented - known) == []


def route(path: str) -> str:
    """A path with its parameters blank, so that `<ticket_id:str>` and `{id}` compare alike."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", path)


@pytest.fixture(name="routes")
def _routes(tmp_path: Path) -> set[str]:
    Sanic.test_mode = True
    url = "postgresql://nobody@localhost/nothing"  # nothing connects before the app serves
    app = create_app(settings=Settings(data_dir=tmp_path, demo=True, database_url=url))
    found = {(m, r.path) for r in app.router.routes for m in r.methods if m in ALL_METHODS}
    return {f"{method} /{route(path)}" for method, path in found if not path.startswith("static")}


ALL_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def test_every_route_is_documented_and_no_other(routes: set[str]) -> None:
    rows = re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?\s]*)", text_of("api.md"))
    documented = {f"{method} {route(path)}" for method, path in rows}
    assert sorted(routes - documented) == []
    assert sorted(documented - routes) == []


def test_every_refusal_is_documented() -> None:
    assert missing(list(data("errors.yml")), "api.md") == []


def test_every_kind_of_event_is_documented() -> None:
    kinds = [*get_args(get_type_hints(Event)["kind"]), "typing"]
    assert missing(kinds, "events.md") == []


def test_every_handover_reason_is_documented() -> None:
    assert missing(list(HANDOVER_REASONS), "events.md") == []


def test_every_fact_is_documented() -> None:
    assert missing(list(data("facts.yml")["facts"]), "events.md") == []  # type: ignore[call-overload]


def test_every_kind_of_notification_is_documented() -> None:
    assert missing(list(KINDS), "notifications.md") == []


def test_every_category_is_documented() -> None:
    categories = data("categories.yml")["categories"]
    assert missing(list(categories), "events.md") == []  # type: ignore[call-overload]


def test_the_diagrams_are_the_tables_in_the_code() -> None:
    page = text_of("architecture.md")
    assert all(f"<!-- machine {name} -->" in page for name in diagrams.MACHINES)
    assert diagrams.written(page) == page, "run: .venv/bin/python -m ops.diagrams"


def test_every_target_of_the_makefile_is_in_the_readme_or_docs() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]
    told = " ".join(page.read_text(encoding="utf-8") for page in pages)
    assert [t for t in targets if t != "help" and f"make {t}" not in told] == []


def links() -> Iterator[tuple[Path, str]]:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                yield page, target


def test_every_link_between_the_documents_leads_somewhere() -> None:
    broken = [
        f"{page.name}: {target}" for page, target in links() if not (page.parent / target).exists()
    ]
    assert broken == []
