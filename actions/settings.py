"""How the action server is set up: everything comes from the environment, with defaults."""

from __future__ import annotations

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
    )
