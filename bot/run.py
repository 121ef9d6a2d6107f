"""Starts Rasa for the running system: `.venv-bot/bin/python -m bot.run`.

Listens on 127.0.0.1 only, serves the desk's channel and nothing else (no HTTP API).
"""

import os
import socket
import sys
import warnings
from pathlib import Path

# Before TensorFlow is imported (Rasa does): one thread is quickest for what is left of it here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_INTRA_OP_PARALLELISM_THREADS", "1")
os.environ.setdefault("TF_INTER_OP_PARALLELISM_THREADS", "1")
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from bot import settings

HOST = "127.0.0.1"
HERE = Path(__file__).parent


def main() -> None:
    """Checks what must be there, then serves until stopped. Exits 1 with one line otherwise."""
    port = settings.port()
    model = _latest_model(settings.models())
    if model is None:
        _give_up(f"no trained model in {settings.models()}/: run `rasa train` first")
    if not settings.service_token():
        _give_up("KEFU_SERVICE_TOKEN is not set (it is shared with the desk)")
    if _is_taken(port):
        _give_up(f"port {port} is taken: stop what uses it, or set KEFU_BOT_PORT")
    os.environ["KEFU_ACTIONS_URL"] = settings.actions_url()
    os.environ["KEFU_BOT_DB_URL"] = settings.database_url()
    _serve(str(model), port)


def _serve(model: str, port: int) -> None:
    # Imported here because it takes seconds, and a mistake above should be told at once.
    import jieba
    import sanic  # noqa: F401

    # What Rasa's old dependencies say about each other helps nobody who starts the bot. After
    # sanic, which turns such warnings on when it is imported.
    warnings.simplefilter("ignore")
    jieba.setLogLevel("WARNING")
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints
    from rasa.utils.common import configure_logging_and_warnings
    from rasa.utils.log_utils import configure_structlog

    configure_logging_and_warnings()
    # Without this, structlog prints every debug line, the customers' words among them.
    configure_structlog()
    try:
        serve_application(
            model_path=model,
            interface=HOST,
            port=port,
            credentials=str(HERE.parent / "credentials.yml"),
            endpoints=AvailableEndpoints.read_endpoints(str(HERE / "endpoints.yml")),
            enable_api=False,
        )
    except OSError as error:
        _give_up(str(error))


def _latest_model(place: Path) -> "Path | None":
    if place.is_file():
        return place
    found = sorted(place.glob("*.tar.gz"), key=lambda p: p.stat().st_mtime)
    return found[-1] if found else None


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _give_up(line: str) -> None:
    print(f"bot: {line}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
