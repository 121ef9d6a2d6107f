"""`python -m actions`: the action server in one process. Settings: README.md in this folder."""

from __future__ import annotations

import logging
import os
import socket
import sys

from actions.registry import make_executor, make_tools
from actions.review.yaml_checks import SettingsError
from actions.server import create_app
from actions.settings import BadSetting, read_settings


def main() -> int:
    """Serve until SIGTERM or Ctrl-C. 0: stopped cleanly. 1: could not start, and why in a line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("rasa_sdk").setLevel(logging.WARNING)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings(os.environ)
        tools = make_tools(settings)
    except (BadSetting, SettingsError) as error:
        return _give_up(str(error))
    try:
        # Taken here and handed to Sanic, so that a taken port is one line and no traceback.
        listener = socket.create_server((settings.host, settings.port), backlog=128)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        return _give_up(
            f"cannot listen on {where}: {_reason(error)} (KEFU_ACTIONS_PORT sets another)"
        )
    print(f"actions: http://{settings.host}:{settings.port}", flush=True)
    app = create_app(make_executor(tools), tools)
    app.run(sock=listener, single_process=True, motd=False, access_log=False)
    return 0


def _reason(error: OSError) -> str:
    """The system's own short words: Python adds the address again."""
    return os.strerror(error.errno) if error.errno else str(error)


def _give_up(why: str) -> int:
    print(f"actions: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
