"""What the bot reads from its environment, in one place."""

import os
from pathlib import Path
from typing import Optional


def port() -> int:
    """Where Rasa listens, on 127.0.0.1 only (`KEFU_BOT_PORT`)."""
    return int(os.environ.get("KEFU_BOT_PORT", "5005"))


def actions_url() -> str:
    """The action server's webhook (`KEFU_ACTIONS_URL`; else `KEFU_ACTIONS_PORT` here)."""
    base = os.environ.get("KEFU_ACTIONS_URL", "").rstrip("/")
    if not base:
        base = f"http://127.0.0.1:{os.environ.get('KEFU_ACTIONS_PORT', '5055')}"
    return base if base.endswith("/webhook") else f"{base}/webhook"


def database_url() -> str:
    """Where conversations are kept (`KEFU_BOT_DB_URL`); unset, in memory."""
    return os.environ.get("KEFU_BOT_DB_URL", "") or "sqlite://"


def models() -> Path:
    """One model file, or a folder of which the newest counts (`KEFU_BOT_MODEL`)."""
    return Path(os.environ.get("KEFU_BOT_MODEL", "models"))


def service_token() -> Optional[str]:
    """The secret the desk shows (`KEFU_SERVICE_TOKEN`, else the file in the data directory)."""
    token = os.environ.get("KEFU_SERVICE_TOKEN", "").strip()
    if token:
        return token
    kept = Path(os.environ.get("KEFU_DATA_DIR", "var")) / "secrets" / "service_token"
    return (kept.read_text().strip() or None) if kept.is_file() else None
