"""Every setting of the desk: one class, every value from the environment (prefix `KEFU_`)."""

from __future__ import annotations

import base64
import os
import secrets
import time
from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
#: Secrets of signed webhooks (Standard Webhooks).
WEBHOOK_SECRETS = ("dispatch_secret", "webhook_secret")
KUAIDI100 = "https://poll.kuaidi100.com"


class Settings(BaseSettings):
    """Values with defaults; `docs/settings.md` lists them all (a test holds it to that)."""

    model_config = SettingsConfigDict(env_prefix="KEFU_", extra="ignore")

    host: str = Field("127.0.0.1", description="Address the desk listens on")
    port: int = Field(8000, description="Port the desk listens on")
    database_url: str = Field("", description="PostgreSQL URL; empty = the embedded server")
    data_dir: Path = Field(Path("var"), description="Secrets, embedded database, logs")
    content_dir: Path = Field(ROOT, description="Folder that holds domain.yml and data/")
    public_url: str = Field("", description="Address people reach the desk at, if not this one")

    customer_secret: str = Field("", description="HS256 key of the merchant's customer tokens")
    customer_public_key: str = Field("", description="PEM key, for RS256 customer tokens instead")
    session_secret: str = Field(
        "", description="Key of the desk's own sessions; set it when several desks share people"
    )
    service_token: str = Field("", description="Bearer token of the bot, actions and merchant")
    session_hours: float = Field(12.0, description="How long a customer's session lasts")

    bot_url: str = Field("http://127.0.0.1:5005", description="Where Rasa listens")
    actions_url: str = Field("http://127.0.0.1:5055", description="Where the actions listen")
    bot_timeout_s: float = Field(9.0, description="Longest wait for one answer of the bot")
    worker: bool = Field(True, description="Run the durable jobs in this process")
    worker_concurrency: int = Field(16, description="Jobs at once in this process")

    kuaidi100_salt: str = Field("", description="Salt of Kuaidi100's callbacks; made when unset")
    kuaidi100_key: str = Field("", description="Kuaidi100 account key")
    kuaidi100_customer: str = Field("", description="Kuaidi100 customer number")
    kuaidi100_secret: str = Field("", description="Kuaidi100 account secret")
    kuaidi100_base_url: str = Field(KUAIDI100, description="Kuaidi100's API, or a stand-in")
    kuaidi100_ticket_url: str = Field(
        "", description="Kuaidi100's ticket API; empty: its usual one, or that of the stand-in"
    )
    kuaidi100_timeout_s: float = Field(
        8.0, gt=0, le=15, description="Longest wait for one answer of Kuaidi100"
    )
    kuaidi100_calls_per_5_s: int = Field(
        90, ge=1, le=100, description="Calls to Kuaidi100 in any 5 seconds, all processes together"
    )
    kuaidi100_calls_per_day: int = Field(
        20_000, ge=0, description="Calls to Kuaidi100 a day (UTC) for missing news; 0 = no limit"
    )
    kuaidi100_same_number_minutes: float = Field(
        30.0, ge=0, description="A number is asked about at most once in so many minutes"
    )
    kuaidi100_subscribe: bool = Field(
        True, description="Have the news of orders pushed that were not placed through Kuaidi100"
    )
    facts_secret: str = Field("", description="HMAC key of POST /hooks/facts; made when unset")
    webhook_url: str = Field("", description="Where news for the merchant's SMS or app push goes")
    webhook_secret: str = Field("", description="Key that signs that news; made when unset")
    dispatch_url: str = Field(
        "", description="Where the merchant's system takes tickets that need the carrier"
    )
    dispatch_secret: str = Field(
        "", description="Key of those webhooks and of POST /hooks/dispatch; made when unset"
    )

    keep_callback_bodies_days: int = Field(
        90, ge=0, le=36_500, description="Days a callback's words are kept; 0 = for ever"
    )

    demo: bool = Field(False, description="Sample orders, sample logins and /demo")
    frame_ancestors: str = Field(
        "'self'", description="Sites that may embed the chat (CSP frame-ancestors)"
    )
    messages_per_minute: int = Field(60, description="Messages one customer may send a minute")
    real_ip_header: str = Field("", description="Header of the proxy that carries the client's IP")
    log_json: bool = Field(False, description="Logs as JSON lines instead of readable text")

    def secret(self, name: str) -> str:
        """The value of a secret setting, made once and kept in the data directory when unset.

        Args:
            name: field name, e.g. `customer_secret`.

        Raises:
            OSError: the data directory cannot be written.
        """
        return str(getattr(self, name)) or kept_secret(self.data_dir, name)

    @property
    def base_url(self) -> str:
        """The address of this desk for people and callbacks."""
        return self.public_url.rstrip("/") or f"http://127.0.0.1:{self.port}"

    @property
    def keeps_bodies(self) -> timedelta | None:
        """How long a callback's words are kept; None = for ever."""
        return timedelta(days=self.keep_callback_bodies_days) or None

    @property
    def asks_kuaidi100(self) -> bool:
        """Whether there is a whole account: without one nothing is ever sent to Kuaidi100."""
        return bool(self.kuaidi100_key and self.kuaidi100_customer and self.kuaidi100_secret)

    @property
    def subscribes_kuaidi100(self) -> bool:
        """Whether pushes are asked for: not when Kuaidi100 could not reach this desk."""
        reachable = bool(self.public_url) or self.kuaidi100_base_url.rstrip("/") != KUAIDI100
        return self.asks_kuaidi100 and self.kuaidi100_subscribe and reachable

    @property
    def kuaidi100_tickets(self) -> str:
        """The address of Kuaidi100's ticket API; a stand-in serves both at one address."""
        if self.kuaidi100_ticket_url:
            return self.kuaidi100_ticket_url.rstrip("/")
        base = self.kuaidi100_base_url.rstrip("/")
        return "https://api.kuaidi100.com" if base == KUAIDI100 else base


def new_secret(name: str) -> str:
    """A new secret; those of signed webhooks have the form that receivers' libraries expect."""
    if name in WEBHOOK_SECRETS:
        return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_urlsafe(32)


def kept_secret(data_dir: Path, name: str) -> str:
    """A secret made once and kept in `data_dir/secrets/name`, readable by its owner only.

    Raises:
        OSError: the directory cannot be written.
    """
    path = data_dir / "secrets" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # O_EXCL: of several processes starting at once exactly one makes the secret.
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        for _ in range(100):  # its maker may not have written it yet
            if text := path.read_text().strip():
                return text
            time.sleep(0.02)
        raise OSError(f"{path}: the secret is empty; delete the file to have a new one") from None
    with os.fdopen(handle, "w") as file:
        secret = new_secret(name)
        file.write(secret)
    return secret
