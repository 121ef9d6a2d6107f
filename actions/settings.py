"""How the action server is set up: everything comes from the environment, with defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class BadSetting(ValueError):
    """A setting that cannot be used. The message names it."""


@dataclass(frozen=True)
class Settings:
    """The action server's settings."""

    host: str
    port: int
    desk_url: str
    token: str  #: the service token given directly; empty: read from `token_file`
    token_file: Path
    model_base_url: str
    model_api_key: str
    model_name: str
    model_calls_per_day: int  #: 0: no limit
    model_tokens_per_day: int  #: 0: no limit
    model_prices: tuple[float, float] | None  #: of a million tokens, (prompt, completion)
    model_budget_file: Path  #: what today has cost so far
    root: Path = ROOT  #: the checkout: data/ is below it

    def service_token(self) -> str:
        """The token shared with the desk; empty while there is none yet.

        The desk makes the file when it first starts, which may be after us.
        """
        if self.token:
            return self.token
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """KEFU_ACTIONS_PORT, KEFU_DESK_URL, ... as Settings. Raises BadSetting."""

    def given(name: str, default: str = "") -> str:
        return environ.get(f"KEFU_{name}", "").strip() or default

    port = given("ACTIONS_PORT", "5055")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadSetting(f"KEFU_ACTIONS_PORT must be a port number, not {port!r}")
    data_dir = Path(given("DATA_DIR", str(ROOT / "var")))
    return Settings(
        host=given("ACTIONS_HOST", "127.0.0.1"),
        port=int(port),
        desk_url=given("DESK_URL", "http://127.0.0.1:8000").rstrip("/"),
        token=given("SERVICE_TOKEN"),
        token_file=data_dir / "secrets" / "service_token",
        model_base_url=given("MODEL_BASE_URL"),
        model_api_key=given("MODEL_API_KEY"),
        model_name=given("MODEL_NAME"),
        model_calls_per_day=_whole("MODEL_CALLS_PER_DAY", given("MODEL_CALLS_PER_DAY", "5000")),
        model_tokens_per_day=_whole(
            "MODEL_TOKENS_PER_DAY", given("MODEL_TOKENS_PER_DAY", "5000000")
        ),
        model_prices=_prices(given("MODEL_PROMPT_PRICE"), given("MODEL_COMPLETION_PRICE")),
        model_budget_file=data_dir / "model_budget.json",
    )


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise BadSetting(f"KEFU_{name} must be a whole number from 0, not {text!r}")
    return int(text)


def _prices(prompt: str, completion: str) -> tuple[float, float] | None:
    """Both or neither; numbers from 0."""
    if not prompt and not completion:
        return None
    try:
        prices = float(prompt), float(completion)
    except ValueError:
        prices = (-1.0, -1.0)
    if not all(0 <= price < math.inf for price in prices):
        names = "KEFU_MODEL_PROMPT_PRICE and KEFU_MODEL_COMPLETION_PRICE"
        raise BadSetting(f"{names} must both be numbers from 0, or both be empty")
    return prices
