"""The layers of the code, held by walking every import.

    desk:  app, __main__  ->  edges  ->  flow  ->  store;   rules: pure, for everybody

See docs/architecture.md. An arrow that points up, or an I/O library outside its layer, fails here.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: A module may import from its own layer and from those after it in its row.
LAYERS = {
    "top": {"top", "edges", "flow", "store", "rules", "settings"},
    "edges": {"edges", "flow", "store", "rules", "settings"},
    "flow": {"flow", "store", "rules", "settings"},
    "store": {"store", "rules"},
    "rules": {"rules"},
    "settings": {"settings"},
}
#: Libraries that stay in their layers, so that each can be replaced in one place.
ONLY_IN = {
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "psycopg": {"store"},
    "procrastinate": {"store"},
    "sanic": {"edges", "top"},
    "aiohttp": {"edges"},
}
#: What may be named outside all the same, and why.
NAMED_ELSEWHERE = {
    # the type of the open transaction that flow/ hands from one store function to the next
    "sqlalchemy.ext.asyncio.AsyncConnection": {"flow", "edges"},
    # "the database does not answer" is an answer of the edges
    "sqlalchemy.exc.SQLAlchemyError": {"edges"},
    "procrastinate.exceptions.ConnectorException": {"edges"},
}
#: Edges of their own kind: the worker takes jobs in, the hub listens for PostgreSQL's wake-ups.
EDGES_OF_THEIR_OWN = {
    "desk/edges/worker.py": "procrastinate",
    "desk/edges/tasks.py": "procrastinate",
    "desk/edges/dispatch_tasks.py": "procrastinate",
    "desk/edges/hub.py": "psycopg",
}
#: Packages that are programs of their own: they talk HTTP, never Python.
PROGRAMS = ("desk", "actions", "bot")


def python_files(package: str) -> list[Path]:
    return sorted(p for p in (ROOT / package).rglob("*.py") if "node_modules" not in p.parts)


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, with its full dotted name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name instead of a relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def layer_of(module: str) -> str:
    """`desk.flow.customer.say` -> `flow`; a file straight in desk/ -> `settings` or `top`."""
    part = module.split(".")[1] if "." in module else ""
    return part if part in LAYERS and part != "top" else "top"


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", python_files("desk"), ids=label)
def test_the_desk_imports_downwards_only(path: Path) -> None:
    layer = layer_of(module_of(path))
    for module in imports_of(path):
        if module.split(".")[0] == "desk":
            assert layer_of(module) in LAYERS[layer], f"{layer} may not import {module}"


@pytest.mark.parametrize("path", python_files("desk"), ids=label)
def test_a_library_stays_in_its_layer(path: Path) -> None:
    layer = layer_of(module_of(path))
    for module in imports_of(path):
        library = module.split(".")[0]
        allowed = NAMED_ELSEWHERE.get(module, set()) | ONLY_IN.get(library, {layer})
        own = EDGES_OF_THEIR_OWN.get(label(path)) == library
        assert own or layer in allowed, f"{module} belongs to {sorted(allowed)}, not to {layer}"


@pytest.mark.parametrize("path", python_files("desk/rules"), ids=label)
def test_the_rules_import_nothing_but_themselves_and_the_standard_library(path: Path) -> None:
    for module in imports_of(path):
        top = module.split(".")[0]
        assert module.startswith("desk.rules") or top in sys.stdlib_module_names, module


@pytest.mark.parametrize("path", python_files("desk/rules"), ids=label)
def test_the_rules_neither_read_the_clock_nor_do_input_or_output(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("now", "utcnow", "today", "monotonic"), f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "print", "input"), f"line {node.lineno}"


@pytest.mark.parametrize("path", python_files("actions/review"), ids=label)
def test_the_review_knows_neither_web_nor_rasa(path: Path) -> None:
    for module in imports_of(path):
        top = module.split(".")[0]
        assert top not in ("sanic", "aiohttp", "rasa_sdk", "rasa"), module
        assert top != "openai" or path.name == "endpoint.py", module


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_talk_http_and_never_import_each_other(program: str) -> None:
    others = set(PROGRAMS) - {program}
    for path in python_files(program):
        for module in imports_of(path):
            assert module.split(".")[0] not in others, f"{label(path)} imports {module}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_import_neither_operating_nor_evaluation(program: str) -> None:
    for path in python_files(program):
        for module in imports_of(path):
            assert module.split(".")[0] not in ("ops", "evaluation", "tests"), label(path)
